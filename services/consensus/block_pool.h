/*
 * block_pool - blocks above the committed one, with the bytes the core does not hold.
 *
 * No I/O; a block's bytes are copied in and owned. Limits: POOLED_BLOCKS_MAX, the core's
 * window and what it has just let go of.
 */
#ifndef APM2_BLOCK_POOL_H
#define APM2_BLOCK_POOL_H

#include "common/wire.h"
#include "services/consensus/core/core.h"

#define POOLED_BLOCKS_MAX (CHAIN_WINDOW + 8u)

struct pooled_block {
    bool is_used;
    bool is_stored;         /* durable here */
    bool is_payload_wanted; /* the core waits for a verdict */
    bool is_refused;        /* by the core, and counted as such */
    struct hash id;
    struct wire_header header;
    uint8_t *proposal; /* the message's bytes, owned */
    size_t proposal_size;
    struct span ids; /* inside them: bundle ids, 32 bytes each */
    uint32_t n_bundles;
    uint64_t seen_us; /* when its proposal got here, or was made; 0 = before this start */
    uint32_t from;    /* who sent it: asked first for missing bodies */
    uint64_t ask_ms;  /* when to ask for missing bodies (again) */
    uint32_t n_asks;
};

/* All zero: empty. */
struct block_pool {
    struct pooled_block blocks[POOLED_BLOCKS_MAX];
};

void block_pool_release(struct block_pool *pool);

/* A block from its proposal message, decoded before. NULL: no room. */
struct pooled_block *block_pool_add(struct block_pool *pool, const struct hash *id,
                                    const struct wire_header *header, struct span proposal,
                                    uint32_t from);
struct pooled_block *block_pool_find(struct block_pool *pool, const struct hash *id);
/* The block's place is free again, its bytes too unless they were taken. */
void pooled_block_release(struct pooled_block *block);

/* The pooled blocks from `id` back, newest first. Returns how many. */
uint32_t block_pool_chain(struct block_pool *pool, const struct hash *id, struct hash *ret_blocks,
                          uint32_t max);

#endif
