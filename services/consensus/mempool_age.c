#include "services/consensus/mempool_state.h"

static void expire_entry(struct mempool *pool, uint32_t slot, struct mempool_item *ret_gone)
{
    const struct mempool_entry *entry = &pool->entries[slot];
    *ret_gone = (struct mempool_item){
        .id = entry->id,
        .origin = pool->origins.list[entry->origin].key,
        .is_from_peer = entry->is_from_peer,
        .actor = pool->actors.list[entry->actor].key,
        .nonce = entry->nonce,
        .expiry_height = entry->expiry_height,
        .received_ms = entry->received_ms,
    };
    mempool_entry_empty(pool, slot);
    mempool_entry_want(pool, slot);
}

uint32_t mempool_expire(struct mempool *pool, uint64_t height, struct mempool_item *ret_gone,
                        uint32_t max)
{
    if (height > pool->height)
        pool->height = height;
    /* One turn of the wheel meets everything in it. */
    if (pool->height - pool->wheel_at > WHEEL_BUCKETS)
        pool->wheel_at = pool->height - WHEEL_BUCKETS;

    uint32_t n = 0;
    while (pool->wheel_at < pool->height) {
        uint32_t *first = &pool->wheel[(pool->wheel_at + 1) % WHEEL_BUCKETS];
        while (*first != SLOT_NONE && n < max)
            expire_entry(pool, *first, &ret_gone[n++]);
        if (*first != SLOT_NONE)
            break;
        pool->wheel_at++;
    }
    return n;
}

/* A round over the waiting bundles begins anew when the oldest was last sent so long ago:
 * a resend may be lost like everything else. */
static void begin_round(struct mempool *pool, uint64_t before_ms)
{
    if (pool->live.first == SLOT_NONE)
        return;
    const struct mempool_entry *oldest = &pool->entries[pool->live.first];
    if (oldest->resent_ms != 0 && oldest->resent_ms <= before_ms)
        pool->first_unsent = pool->live.first;
}

uint32_t mempool_resend(struct mempool *pool, uint64_t before_ms, uint64_t now_ms,
                        struct hash *ret_ids, uint32_t max)
{
    uint32_t n = 0;

    begin_round(pool, before_ms);
    while (n < max && pool->first_unsent != SLOT_NONE) {
        struct mempool_entry *entry = &pool->entries[pool->first_unsent];
        if (entry->received_ms > before_ms || entry->resent_ms > before_ms)
            break;
        entry->resent_ms = now_ms;
        ret_ids[n++] = entry->id;
        pool->first_unsent = entry->order.next;
    }
    return n;
}
