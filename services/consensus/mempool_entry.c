#include "services/consensus/mempool_state.h"

#include "common/must.h"

/* ---- lists ---- */

void mempool_order_append(struct mempool *pool, struct list *list, uint32_t slot)
{
    pool->entries[slot].order = (struct entry_links){.next = SLOT_NONE, .prev = list->last};
    if (list->last == SLOT_NONE)
        list->first = slot;
    else
        pool->entries[list->last].order.next = slot;
    list->last = slot;
}

void mempool_order_remove(struct mempool *pool, struct list *list, uint32_t slot)
{
    struct entry_links links = pool->entries[slot].order;
    if (links.prev == SLOT_NONE)
        list->first = links.next;
    else
        pool->entries[links.prev].order.next = links.next;
    if (links.next == SLOT_NONE)
        list->last = links.prev;
    else
        pool->entries[links.next].order.prev = links.prev;
}

static uint32_t *wheel_bucket(struct mempool *pool, uint64_t height)
{
    return &pool->wheel[height % WHEEL_BUCKETS];
}

static void wheel_insert(struct mempool *pool, uint32_t slot)
{
    uint32_t *first = wheel_bucket(pool, pool->entries[slot].expiry_height);
    pool->entries[slot].wheel = (struct entry_links){.next = *first, .prev = SLOT_NONE};
    if (*first != SLOT_NONE)
        pool->entries[*first].wheel.prev = slot;
    *first = slot;
}

static void wheel_remove(struct mempool *pool, uint32_t slot)
{
    struct entry_links links = pool->entries[slot].wheel;
    if (links.prev == SLOT_NONE)
        *wheel_bucket(pool, pool->entries[slot].expiry_height) = links.next;
    else
        pool->entries[links.prev].wheel.next = links.next;
    if (links.next != SLOT_NONE)
        pool->entries[links.next].wheel.prev = links.prev;
}

/* ---- entries from one state to the next ---- */

uint32_t mempool_entry_find(const struct mempool *pool, const struct hash *id)
{
    return mempool_index_find(&pool->index, id->b);
}

uint32_t mempool_entry_new(struct mempool *pool, const struct hash *id, enum entry_state state)
{
    uint32_t slot = pool->free;
    if (slot == SLOT_NONE) {
        MUST(pool->n_touched < pool->entries_max);
        slot = pool->n_touched++;
    } else {
        pool->free = pool->entries[slot].order.next;
    }
    pool->entries[slot] = (struct mempool_entry){.id = *id, .state = state};
    mempool_index_insert(&pool->index, slot);
    return slot;
}

void mempool_entry_free(struct mempool *pool, uint32_t slot)
{
    mempool_index_remove(&pool->index, slot);
    pool->entries[slot] = (struct mempool_entry){.order = {.next = pool->free}};
    pool->free = slot;
}

/* The blocks that list the entry have one body more, or one less. */
static void count_bodies(struct mempool *pool, const struct mempool_entry *entry, bool is_here)
{
    for (uint64_t bits = entry->held; bits != 0; bits &= bits - 1) {
        struct mempool_block *block = &pool->blocks[__builtin_ctzll(bits)];
        if (is_here)
            block->n_live++;
        else
            block->n_live--;
    }
}

void mempool_entry_fill(struct mempool *pool, uint32_t slot, const struct mempool_item *item)
{
    struct mempool_entry *entry = &pool->entries[slot];
    entry->state = ENTRY_LIVE;
    entry->is_from_peer = item->is_from_peer;
    entry->origin = mempool_shares_take(&pool->origins, &item->origin, item->body->size);
    entry->actor = mempool_shares_take(&pool->actors, &item->actor, item->body->size);
    entry->body = body_ref(item->body);
    entry->nonce = item->nonce;
    entry->expiry_height = item->expiry_height;
    entry->received_ms = item->received_ms;
    entry->arrival = ++pool->n_arrived;
    mempool_order_append(pool, &pool->live, slot);
    wheel_insert(pool, slot);
    if (pool->first_unsent == SLOT_NONE)
        pool->first_unsent = slot;
    pool->n_live++;
    pool->bytes += item->body->size;
    count_bodies(pool, entry, true);
}

/* From LIVE to no body; the caller sets the new state. */
void mempool_entry_empty(struct mempool *pool, uint32_t slot)
{
    struct mempool_entry *entry = &pool->entries[slot];
    MUST(entry->state == ENTRY_LIVE);
    if (pool->first_unsent == slot)
        pool->first_unsent = entry->order.next;
    mempool_order_remove(pool, &pool->live, slot);
    wheel_remove(pool, slot);
    mempool_shares_give(&pool->origins, entry->origin, entry->body->size);
    mempool_shares_give(&pool->actors, entry->actor, entry->body->size);
    pool->n_live--;
    pool->bytes -= entry->body->size;
    body_unref(&entry->body);
    count_bodies(pool, entry, false);
}

/* For an entry that has no body and is not remembered: wanted while a block lists it. */
void mempool_entry_want(struct mempool *pool, uint32_t slot)
{
    if (pool->entries[slot].held == 0) {
        mempool_entry_free(pool, slot);
        return;
    }
    pool->entries[slot].state = ENTRY_WANTED;
    pool->n_wanted++;
}
