/*
 * mempool_state - the inside of a mempool. For mempool*.c only.
 */
#ifndef APM2_MEMPOOL_STATE_H
#define APM2_MEMPOOL_STATE_H

#include "services/consensus/mempool.h"
#include "services/consensus/mempool_share.h"

/* Expiry heights wrap around a wheel: wider than any expiry is ahead. */
#define WHEEL_BUCKETS 16384u

enum entry_state {
    ENTRY_FREE,
    ENTRY_WANTED,    /* a marked block lists it; no body */
    ENTRY_LIVE,      /* with its body */
    ENTRY_COMMITTED, /* remembered for a while; no body */
};

struct list {
    uint32_t first;
    uint32_t last;
};

struct entry_links {
    uint32_t next;
    uint32_t prev;
};

struct mempool_entry {
    struct hash id;
    enum entry_state state;
    bool is_from_peer;
    uint32_t origin; /* slots of shares */
    uint32_t actor;
    uint64_t held;            /* bit per marked block */
    struct entry_links order; /* LIVE: by arrival. COMMITTED: by commit. FREE: next only */
    struct entry_links wheel; /* LIVE */
    struct body *body;
    uint64_t nonce;
    uint64_t expiry_height;
    uint64_t received_ms;
    uint64_t resent_ms;
    uint64_t arrival; /* number in the order of arrival, from 1 */
};

struct mempool_block {
    struct hash id;
    bool is_used;
    uint32_t n;      /* distinct bundles it lists */
    uint32_t n_live; /* of them here */
};

struct mempool {
    struct mempool_limits limits;
    uint32_t committed_max; /* ids remembered */

    struct mempool_entry *entries;
    struct mempool_index index;
    struct mempool_shares origins;
    struct mempool_shares actors;
    uint32_t n_blocks;
    struct mempool_block blocks[MEMPOOL_BLOCKS_MAX];
    uint32_t *listed; /* slots of block i's bundles: from i * BLOCK_BUNDLES_MAX */

    uint32_t entries_max;
    uint32_t n_touched; /* entries beyond were never used: an idle pool stays small */
    uint32_t free;      /* chain of those used before */
    struct list live;
    struct list committed;
    uint32_t first_unsent; /* in live: the first not resent yet */

    uint32_t n_live;
    uint32_t n_wanted;
    uint32_t n_committed;
    uint64_t bytes;
    uint64_t n_arrived;
    uint64_t last_committed_arrival; /* the highest of a committed bundle that was here */

    uint64_t height;               /* of the chain */
    uint64_t wheel_at;             /* buckets up to this height are empty */
    uint32_t wheel[WHEEL_BUCKETS]; /* first entry of each */
};

void mempool_order_append(struct mempool *pool, struct list *list, uint32_t slot);
void mempool_order_remove(struct mempool *pool, struct list *list, uint32_t slot);

uint32_t mempool_entry_find(const struct mempool *pool, const struct hash *id);
uint32_t mempool_entry_new(struct mempool *pool, const struct hash *id, enum entry_state state);
void mempool_entry_free(struct mempool *pool, uint32_t slot);

/* To LIVE, from new or WANTED. */
void mempool_entry_fill(struct mempool *pool, uint32_t slot, const struct mempool_item *item);
/* From LIVE to no body; the caller says what it is now. */
void mempool_entry_empty(struct mempool *pool, uint32_t slot);
/* No body and not remembered: WANTED while a block lists it, else free. */
void mempool_entry_want(struct mempool *pool, uint32_t slot);

/* After a block has let go of the entry: frees it if it may not stay. */
void mempool_settle(struct mempool *pool, uint32_t slot);

/* The block's number, MEMPOOL_BLOCKS_MAX if it is not marked. */
uint32_t mempool_block_find(const struct mempool *pool, const struct hash *block);

#endif
