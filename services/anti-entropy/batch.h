/*
 * batch - records that one feed takes in one transaction, and the head above them.
 *
 * Made from this node's puts (puts.c) or from a peer's chunk (ingest.c), handed to the
 * store, and destroyed after `done`. Owns all its bytes.
 * Limits: CHUNK_RECORDS_MAX records of CHUNK_BYTES_MAX together; one record always fits.
 */
#ifndef APM2_ANTI_ENTROPY_BATCH_H
#define APM2_ANTI_ENTROPY_BATCH_H

#include "common/buf.h"
#include "services/anti-entropy/feeds.h"

struct batch {
    struct feed *feed; /* borrowed; feeds never go */
    uint64_t first_seq;
    uint32_t n;
    struct feed_edge edge; /* the feed's, with these records */
    struct buf records;    /* one after the other */
    uint8_t held[CHUNK_RECORDS_MAX];
    uint8_t head[FEED_HEAD_BYTES_MAX];
    size_t head_size;
    uint64_t first_arrival; /* set by the store, once */
    void (*done)(void *context, struct batch *batch);
    void *context;
    struct put *puts; /* what the writers are owed; NULL for a chunk */
    struct batch *next;
};

struct batch *batch_new(struct feed *feed);
void batch_destroy(struct batch **batch);

struct span batch_head(const struct batch *batch);

#endif
