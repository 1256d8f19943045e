/*
 * mempool_index - finds a slot by its 32-byte key: open addressing, linear probing.
 *
 * The keys stay in the caller's array of slots; the index holds slot numbers only. It
 * is seeded, so that nobody who can choose keys can aim them at one place.
 */
#ifndef APM2_MEMPOOL_INDEX_H
#define APM2_MEMPOOL_INDEX_H

#include "common/ids.h"

#define SLOT_NONE UINT32_MAX

struct mempool_index {
    uint32_t *cells; /* slot + 1; 0 = empty */
    uint32_t mask;
    uint64_t seed;
    const uint8_t *keys; /* of slot 0; of slot i at i * stride */
    size_t stride;
};

struct mempool_index_config {
    uint32_t slots_max;
    uint64_t seed;
    const void *keys;
    size_t stride;
};

void mempool_index_init(struct mempool_index *index, const struct mempool_index_config *config);
void mempool_index_release(struct mempool_index *index);

/* SLOT_NONE: not there. */
uint32_t mempool_index_find(const struct mempool_index *index, const uint8_t key[32]);

/* The slot's key must be in place, and not in the index yet. */
void mempool_index_insert(struct mempool_index *index, uint32_t slot);

/* The slot's key must still be in place. */
void mempool_index_remove(struct mempool_index *index, uint32_t slot);

#endif
