/*
 * spread - evidence on its way to the other nodes, and theirs on its way here.
 *
 * Both ways over the observations of apm2-anti-entropy (common/observe.h), namespace
 * `evidence`. A signed message that lost goes the same way: who heard the winner pairs them
 * (it is handed to consensus, which remembers what it heard). What is proven here is put there
 * under the offence's id; what others put is read by cursor and kept if it proves something:
 * nothing is believed because somebody published it. The cursor moves in the transaction that keeps
 * what was read. While the data plane is away both wait.
 */
#ifndef APM2_SPREAD_H
#define APM2_SPREAD_H

#include "common/evidence/signed_message.h"
#include "common/observe.h"
#include "services/byzantine-monitor/store.h"

#define SPREAD_SPACE "evidence"
#define SPREAD_PROOF "EvidencePublished"
#define SPREAD_LOST "SignedMessageLost"

/* Messages that lost, waiting to be put: the newest, in memory only. */
#define SPREAD_LOST_MAX 32u

/* Offences heard of from others lately: they need no second publisher. */
#define SPREAD_HEARD 256u

struct monitor;
struct spread_page;

struct spread {
    struct observe *observe;
    uint64_t put;  /* the request under way; 0 = none */
    uint64_t list; /* the same */
    bool is_finding;
    bool is_keeping;
    uint64_t published; /* number of the newest row that is published, or need not be */
    uint64_t candidate; /* the row that is being published */
    uint64_t put_ms;    /* not before */
    uint64_t list_ms;
    struct {
        size_t size;
        uint8_t bytes[SIGNED_MESSAGE_BYTES_MAX];
    } lost[SPREAD_LOST_MAX];
    uint32_t n_lost;  /* oldest first */
    bool is_lost_put; /* what is being put is lost[0] */
    struct hash heard[SPREAD_HEARD];
    uint32_t n_heard;
    struct spread_page *page; /* being read */
};

void spread_start(struct monitor *monitor);
void spread_stop(struct monitor *monitor);
/* This node's consensus heard it, and it is not in the chain. */
void spread_lost(struct monitor *monitor, struct span message);
void spread_turn(struct monitor *monitor, uint64_t now_ms);
uint64_t spread_deadline_ms(const struct monitor *monitor);

#endif
