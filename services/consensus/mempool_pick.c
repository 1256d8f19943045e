#include "services/consensus/mempool_state.h"

#include "common/must.h"

/* Bits of those blocks of the chain that are marked. */
static uint64_t chain_bits(const struct mempool *pool, const struct mempool_chain *chain)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < chain->n; i++) {
        uint32_t number = mempool_block_find(pool, &chain->blocks[i]);
        if (number < MEMPOOL_BLOCKS_MAX)
            bits |= UINT64_C(1) << number;
    }
    return bits;
}

uint32_t mempool_pick(const struct mempool *pool, const struct mempool_chain *chain,
                      const struct mempool_budget *budget, struct hash *ret_ids)
{
    MUST(budget->bundles_max <= BLOCK_BUNDLES_MAX);
    uint64_t excluded = chain_bits(pool, chain);
    uint64_t bytes = 0;
    uint32_t n = 0;
    uint32_t at = pool->live.first;
    for (; at != SLOT_NONE && n < budget->bundles_max; at = pool->entries[at].order.next) {
        const struct mempool_entry *entry = &pool->entries[at];
        if ((entry->held & excluded) != 0 || entry->expiry_height < budget->height)
            continue;
        if (entry->body->size > budget->bytes_max)
            continue; /* fits no block of this size */
        if (bytes + entry->body->size > budget->bytes_max)
            break;
        bytes += entry->body->size;
        ret_ids[n++] = entry->id;
    }
    return n;
}

/* A chain lists no bundle twice, so what it holds may simply be summed up. */
static uint32_t n_held(const struct mempool *pool, uint64_t bits)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < MEMPOOL_BLOCKS_MAX; i++)
        if ((bits >> i & 1) != 0)
            n += pool->blocks[i].n_live;
    return n;
}

void mempool_look_pending(const struct mempool *pool, const struct mempool_chain *chain,
                          struct mempool_pending *ret_pending)
{
    *ret_pending = (struct mempool_pending){0};
    uint64_t bits = chain_bits(pool, chain);
    if (pool->n_live <= n_held(pool, bits))
        return;

    uint32_t at = pool->live.first;
    while (at != SLOT_NONE && (pool->entries[at].held & bits) != 0)
        at = pool->entries[at].order.next;
    if (at == SLOT_NONE)
        return;
    const struct mempool_entry *oldest = &pool->entries[at];
    *ret_pending = (struct mempool_pending){
        .any = true,
        .oldest_ms = oldest->received_ms,
        .resent_ms = oldest->resent_ms,
        .is_overtaken = oldest->arrival < pool->last_committed_arrival,
    };
}

uint32_t mempool_n_missing(const struct mempool *pool, const struct hash *block)
{
    uint32_t number = mempool_block_find(pool, block);
    if (number == MEMPOOL_BLOCKS_MAX)
        return 0;
    return pool->blocks[number].n - pool->blocks[number].n_live;
}

uint32_t mempool_missing(const struct mempool *pool, const struct hash *block, struct hash *ret_ids,
                         uint32_t max)
{
    uint32_t number = mempool_block_find(pool, block);
    if (number == MEMPOOL_BLOCKS_MAX)
        return 0;
    const uint32_t *listed = &pool->listed[number * BLOCK_BUNDLES_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < pool->blocks[number].n && n < max; i++) {
        const struct mempool_entry *entry = &pool->entries[listed[i]];
        if (entry->state != ENTRY_LIVE)
            ret_ids[n++] = entry->id;
    }
    return n;
}
