/*
 * load - clients of all four nodes that submit lease events and keep every answer.
 *
 * Work comes in spells with silence between them, so that a cluster under load and an
 * idle one are both met. A bundle that has no outcome is sent again to the next node,
 * the same bytes, as any client would.
 */
#ifndef APM2_CRASH_LOAD_H
#define APM2_CRASH_LOAD_H

#include "services/libapm2/apm2.h"
#include "common/ids.h"

#define LOAD_NODES 4u
#define LOAD_OPEN_MAX 256u
#define LOAD_ACKS_MAX 200000u

/* An outcome: the promise that this bundle stands at this height. */
struct load_ack {
    struct hash bundle;
    uint64_t height; /* 0: it was told that this was done before, at whatever height */
    uint32_t node;   /* who told */
    bool is_checked;
};

struct load_open {
    struct apm2_bundle *bundle; /* NULL: free */
    uint64_t request;
    uint32_t node;
    uint64_t sent_ms; /* 0: to be sent */
    uint32_t n_sent;
};

struct load {
    struct apm2_cluster *cluster;
    struct apm2_key *key;
    struct apm2_client *clients[LOAD_NODES]; /* by node: n1 is 0 */
    struct load_open open[LOAD_OPEN_MAX];
    struct load_ack *acks;
    uint32_t n_acks;
    uint64_t n_made, next_nonce, height, next_ms;
    uint64_t run; /* makes the names of leases new */
    uint32_t n_dropped, n_refused;
    bool is_quiet; /* nothing new */
};

void load_begin(struct load *load, const char *dir);
/* Asks all for the nonce, for so long. False: too few answers. */
bool load_learn_nonce(struct load *load, uint64_t time_ms);
/* Sends what is due and takes in what has come; waits at most so long for it. */
void load_turn(struct load *load, uint64_t now_ms, int wait_ms);
uint32_t load_n_open(const struct load *load);
void load_end(struct load *load);

#endif
