/*
 * serve - answering what peers ask for, within the credit they give.
 *
 * One want of each peer at a time: a newer one replaces it. Chunks are read one after the
 * other from the store, so that memory per peer is one chunk.
 */
#ifndef APM2_ANTI_ENTROPY_SERVE_H
#define APM2_ANTI_ENTROPY_SERVE_H

#include "common/wire.h"

#define SERVE_CREDIT_MAX (4u * MIB)
/* Ranges of blocks read for one peer at a time. */
#define SERVE_RANGES_MAX 4u

struct entropy;

struct server {
    struct serving {
        struct entropy *entropy;
        uint32_t peer;
        bool is_active;
        bool is_reading;
        bool is_replaced; /* the read under way is of an older want */
        uint64_t request;
        uint64_t credit;
        uint32_t n_runs;
        uint32_t at; /* the run being served */
        struct wire_feed_run runs[WANT_RUNS_MAX];
    } peers[VALIDATORS_MAX];
    uint32_t n_ranges[VALIDATORS_MAX];
};

void serve_init(struct entropy *entropy);
void serve_want(struct entropy *entropy, uint32_t to, const struct wire_want *want);

#endif
