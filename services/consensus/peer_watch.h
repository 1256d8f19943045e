/*
 * peer_watch - who of the other validators came back lately, and how far away each is.
 *
 * Pure. Says nothing to the protocol: it is for operators, who look for the node that
 * was away when something goes wrong. Times are monotonic milliseconds; our own absence
 * (a stopped process, a stalled disk) is nobody's silence.
 */
#ifndef APM2_PEER_WATCH_H
#define APM2_PEER_WATCH_H

#include "common/ids.h"
#include "common/limits.h"

struct watched_peer {
    uint64_t heard_ms;
    uint64_t rejoined_ms; /* heard again after a silence, or later than our start; 0 = never */
    bool is_measured;     /* only leaders measure */
    uint64_t rtt_ms;
    int64_t clock_offset_ms; /* its clock's lead over ours */
};

struct peer_watch {
    uint64_t turned_ms;
    uint64_t silence_ms; /* this long unheard is away */
    struct watched_peer peers[VALIDATORS_MAX];
};

void peer_watch_start(struct peer_watch *watch, uint64_t now_ms);
/* At each turn, before peer_watch_heard. */
void peer_watch_turn(struct peer_watch *watch, uint64_t now_ms, uint64_t silence_ms);
/* When the peer was heard last, the same as before or newer; 0 = never. Returns how long
 * it had been away, 0 when it had not. */
uint64_t peer_watch_heard(struct peer_watch *watch, uint32_t peer, uint64_t seen_ms);

#endif
