#include "services/consensus/mempool_share.h"

#include "common/mem.h"
#include "common/must.h"

void mempool_shares_init(struct mempool_shares *shares, uint32_t keys_max, uint64_t seed)
{
    shares->list = mem_new(keys_max, sizeof(*shares->list));
    shares->list_max = keys_max;
    shares->n_touched = 0;
    shares->free = SLOT_NONE;
    mempool_index_init(&shares->index,
                       &(struct mempool_index_config){.slots_max = keys_max,
                                                      .seed = seed,
                                                      .keys = shares->list[0].key.b,
                                                      .stride = sizeof(*shares->list)});
}

void mempool_shares_release(struct mempool_shares *shares)
{
    mempool_index_release(&shares->index);
    free(shares->list);
    shares->list = NULL;
}

struct mempool_share mempool_shares_look(const struct mempool_shares *shares, const struct key *key)
{
    uint32_t slot = mempool_index_find(&shares->index, key->b);
    return slot == SLOT_NONE ? (struct mempool_share){.key = *key} : shares->list[slot];
}

static uint32_t take_slot(struct mempool_shares *shares)
{
    uint32_t slot = shares->free;
    if (slot != SLOT_NONE) {
        shares->free = shares->list[slot].next_free;
        return slot;
    }
    MUST(shares->n_touched < shares->list_max);
    return shares->n_touched++;
}

uint32_t mempool_shares_take(struct mempool_shares *shares, const struct key *key, uint64_t bytes)
{
    uint32_t slot = mempool_index_find(&shares->index, key->b);
    if (slot == SLOT_NONE) {
        slot = take_slot(shares);
        shares->list[slot].key = *key;
        mempool_index_insert(&shares->index, slot);
    }
    shares->list[slot].bundles++;
    shares->list[slot].bytes += bytes;
    return slot;
}

void mempool_shares_give(struct mempool_shares *shares, uint32_t slot, uint64_t bytes)
{
    struct mempool_share *share = &shares->list[slot];
    MUST(share->bundles > 0 && share->bytes >= bytes);
    share->bytes -= bytes;
    if (--share->bundles > 0)
        return;
    mempool_index_remove(&shares->index, slot);
    share->next_free = shares->free;
    shares->free = slot;
}
