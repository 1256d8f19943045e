/*
 * catch_up - the committed blocks that this node's consensus lacks, from several peers at once.
 *
 * Consensus is asked now and then where it stands; when it is further behind than it mends
 * by itself, ranges are asked of all peers that are not left alone, checked (links, numbers,
 * certificate of the last block where its epoch's set is known here) and offered in order,
 * one at a time: the reply is the credit. What consensus refuses is struck against the peer
 * that sent it and asked of another, as is what does not come; what is only late is asked of
 * another, too. It ends by itself when consensus is near the tip.
 * Limits: CATCH_UP_SLOTS ranges of CATCH_UP_BLOCKS in memory.
 */
#ifndef APM2_ANTI_ENTROPY_CATCH_UP_H
#define APM2_ANTI_ENTROPY_CATCH_UP_H

#include "common/wire.h"
#include "services/anti-entropy/asks.h"

#define CATCH_UP_SLOTS 12u
#define CATCH_UP_BLOCKS 128u

struct entropy;

enum slot_state { SLOT_FREE, SLOT_WANTED, SLOT_ASKED, SLOT_READY };

/* Blocks from..to. */
struct slot {
    enum slot_state state;
    uint64_t from;
    uint64_t to;
    /* When READY: */
    uint32_t peer;  /* whose answer it is */
    uint64_t last;  /* the last block that came */
    uint8_t *frame; /* the range message, owned */
    size_t size;
};

struct catch_up {
    void *socket; /* to consensus's local socket */
    bool is_active;
    bool is_asking;    /* consensus owes a reply */
    uint64_t question; /* its request */
    uint64_t request;
    uint64_t asked_ms;
    uint64_t poll_ms; /* the next question to it */
    uint32_t offered; /* the slot under way there; CATCH_UP_SLOTS: none */
    uint64_t committed;
    uint64_t executed;
    uint64_t tip;
    uint64_t planned; /* blocks up to here have a slot */
    uint32_t next_peer;
    uint64_t pause_ms[VALIDATORS_MAX]; /* had nothing, or no more, for us: until then */
    struct slot slots[CATCH_UP_SLOTS];
    struct asks asks;
    bool is_heard[VALIDATORS_MAX];              /* ever: it can reach us */
    uint64_t started_ms, started_height, bytes; /* of the run */
    uint64_t n_overdue;                         /* answers that were late, or did not come */
    struct catch_up_last {
        uint64_t blocks, bytes, took_ms;
    } last;
};

enum apm_err catch_up_start(struct entropy *entropy);
void catch_up_stop(struct entropy *entropy);
/* A peer has said something, whatever it was. */
void catch_up_heard(struct entropy *entropy, uint32_t peer);
void catch_up_turn(struct entropy *entropy, uint64_t now_ms);
uint64_t catch_up_deadline_ms(const struct entropy *entropy);

#endif
