/*
 * mempool_share - how much of the mempool each sender, or each signer, takes up.
 */
#ifndef APM2_MEMPOOL_SHARE_H
#define APM2_MEMPOOL_SHARE_H

#include "services/consensus/mempool_index.h"

struct mempool_share {
    struct key key;
    uint32_t bundles; /* 0: the slot is free ... */
    uint32_t next_free;
    uint64_t bytes;
};

struct mempool_shares {
    struct mempool_share *list;
    uint32_t list_max;
    uint32_t n_touched; /* slots beyond were never used */
    uint32_t free;      /* chain of those used before */
    struct mempool_index index;
};

/* `keys_max`: how many keys hold something at a time. */
void mempool_shares_init(struct mempool_shares *shares, uint32_t keys_max, uint64_t seed);
void mempool_shares_release(struct mempool_shares *shares);

/* What the key holds: zeros if nothing. */
struct mempool_share mempool_shares_look(const struct mempool_shares *shares,
                                         const struct key *key);

/* Returns the key's slot, for mempool_shares_give. */
uint32_t mempool_shares_take(struct mempool_shares *shares, const struct key *key, uint64_t bytes);
void mempool_shares_give(struct mempool_shares *shares, uint32_t slot, uint64_t bytes);

#endif
