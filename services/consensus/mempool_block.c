#include "services/consensus/mempool_state.h"

#include "common/must.h"

uint32_t mempool_block_find(const struct mempool *pool, const struct hash *block)
{
    uint32_t number = 0;
    while (number < MEMPOOL_BLOCKS_MAX &&
           !(pool->blocks[number].is_used && hash_eq(&pool->blocks[number].id, block)))
        number++;
    return number;
}

static uint32_t unused_number(const struct mempool *pool)
{
    uint32_t number = 0;
    while (number < MEMPOOL_BLOCKS_MAX && pool->blocks[number].is_used)
        number++;
    return number;
}

static void list_bundle(struct mempool *pool, uint32_t number, const struct hash *id)
{
    uint32_t slot = mempool_entry_find(pool, id);
    if (slot == SLOT_NONE) {
        slot = mempool_entry_new(pool, id, ENTRY_WANTED);
        pool->n_wanted++;
    }
    struct mempool_entry *entry = &pool->entries[slot];
    uint64_t bit = UINT64_C(1) << number;
    if ((entry->held & bit) != 0)
        return; /* listed twice: not for us to judge */
    entry->held |= bit;

    struct mempool_block *block = &pool->blocks[number];
    pool->listed[number * BLOCK_BUNDLES_MAX + block->n++] = slot;
    if (entry->state == ENTRY_LIVE)
        block->n_live++;
}

bool mempool_mark(struct mempool *pool, const struct hash *block, const struct hash *ids,
                  uint32_t n_ids)
{
    MUST(n_ids <= BLOCK_BUNDLES_MAX);
    if (mempool_block_find(pool, block) < MEMPOOL_BLOCKS_MAX)
        return true;
    uint32_t number = unused_number(pool);
    if (number == MEMPOOL_BLOCKS_MAX)
        return false;
    pool->blocks[number] = (struct mempool_block){.id = *block, .is_used = true};
    pool->n_blocks++;
    for (uint32_t i = 0; i < n_ids; i++)
        list_bundle(pool, number, &ids[i]);
    return true;
}

void mempool_unmark(struct mempool *pool, const struct hash *block)
{
    uint32_t number = mempool_block_find(pool, block);
    if (number == MEMPOOL_BLOCKS_MAX)
        return;
    uint32_t n = pool->blocks[number].n;
    pool->blocks[number] = (struct mempool_block){0};
    pool->n_blocks--;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = pool->listed[number * BLOCK_BUNDLES_MAX + i];
        pool->entries[slot].held &= ~(UINT64_C(1) << number);
        mempool_settle(pool, slot);
    }
}

static void forget_oldest_committed(struct mempool *pool)
{
    uint32_t slot = pool->committed.first;
    mempool_order_remove(pool, &pool->committed, slot);
    pool->n_committed--;
    mempool_entry_want(pool, slot);
}

static void commit_bundle(struct mempool *pool, const struct hash *id)
{
    uint32_t slot = mempool_entry_find(pool, id);
    if (slot == SLOT_NONE) {
        slot = mempool_entry_new(pool, id, ENTRY_WANTED);
        pool->n_wanted++;
    }
    struct mempool_entry *entry = &pool->entries[slot];
    if (entry->state == ENTRY_COMMITTED)
        return;
    if (entry->state == ENTRY_LIVE) {
        if (entry->arrival > pool->last_committed_arrival)
            pool->last_committed_arrival = entry->arrival;
        mempool_entry_empty(pool, slot);
    } else {
        pool->n_wanted--;
    }
    entry->state = ENTRY_COMMITTED;
    mempool_order_append(pool, &pool->committed, slot);
    if (++pool->n_committed > pool->committed_max)
        forget_oldest_committed(pool);
}

void mempool_commit(struct mempool *pool, const struct hash *block, const struct hash *ids,
                    uint32_t n_ids)
{
    for (uint32_t i = 0; i < n_ids; i++)
        commit_bundle(pool, &ids[i]);
    mempool_unmark(pool, block);
}
