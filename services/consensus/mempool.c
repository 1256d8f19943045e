#include "services/consensus/mempool_state.h"

#include "common/mem.h"
#include "common/must.h"

/* ---- life ---- */

struct mempool_limits mempool_limits_default(void)
{
    return (struct mempool_limits){
        .bundles_max = MEMPOOL_BUNDLES_MAX,
        .bytes_max = MEMPOOL_BYTES_MAX,
        .client_bundles_max = MEMPOOL_BUNDLES_MAX / 8,
        .client_bytes_max = MEMPOOL_BYTES_MAX / 8,
        .peer_bundles_max = MEMPOOL_BUNDLES_MAX / 2,
        .peer_bytes_max = MEMPOOL_BYTES_MAX / 2,
        .actor_bundles_max = MEMPOOL_BUNDLES_MAX / 8,
    };
}

struct mempool *mempool_new(const struct mempool_limits *limits, uint64_t seed)
{
    MUST(limits->bundles_max > 0 && limits->bundles_max <= MEMPOOL_BUNDLES_MAX);
    MUST(limits->bytes_max <= MEMPOOL_BYTES_MAX);

    struct mempool *pool = mem_new(1, sizeof(*pool));
    pool->limits = *limits;
    pool->committed_max = limits->bundles_max;
    /* Whatever is here and in no block is within the limits (see mempool_settle); blocks list the
     * rest. One more is remembered while the oldest makes room. */
    uint32_t live_max = limits->bundles_max + MEMPOOL_BLOCKS_MAX * BLOCK_BUNDLES_MAX;
    uint32_t n_entries = live_max + pool->committed_max + 1;
    pool->entries_max = n_entries;
    pool->entries = mem_new(n_entries, sizeof(*pool->entries));
    pool->listed = mem_new(MEMPOOL_BLOCKS_MAX * BLOCK_BUNDLES_MAX, sizeof(*pool->listed));
    pool->free = SLOT_NONE;
    mempool_index_init(&pool->index,
                       &(struct mempool_index_config){.slots_max = n_entries,
                                                      .seed = seed,
                                                      .keys = pool->entries[0].id.b,
                                                      .stride = sizeof(*pool->entries)});
    mempool_shares_init(&pool->origins, live_max, seed);
    mempool_shares_init(&pool->actors, live_max, seed);

    pool->live = pool->committed = (struct list){SLOT_NONE, SLOT_NONE};
    pool->first_unsent = SLOT_NONE;
    for (uint32_t i = 0; i < WHEEL_BUCKETS; i++)
        pool->wheel[i] = SLOT_NONE;
    return pool;
}

void mempool_set_shares(struct mempool *pool, const struct mempool_limits *limits)
{
    uint32_t bundles_max = pool->limits.bundles_max;
    uint64_t bytes_max = pool->limits.bytes_max;

    pool->limits = *limits;
    pool->limits.bundles_max = bundles_max;
    pool->limits.bytes_max = bytes_max;
}

void mempool_destroy(struct mempool **pool)
{
    struct mempool *it = *pool;
    if (it == NULL)
        return;
    *pool = NULL;
    for (uint32_t at = it->live.first; at != SLOT_NONE; at = it->entries[at].order.next)
        body_unref(&it->entries[at].body);
    mempool_shares_release(&it->origins);
    mempool_shares_release(&it->actors);
    mempool_index_release(&it->index);
    free(it->listed);
    free(it->entries);
    free(it);
}

/* ---- limits ---- */

/* What there would be with one bundle counted in. */
struct usage {
    uint32_t bundles;
    uint64_t bytes;
    struct mempool_share origin;
    struct mempool_share actor;
    bool is_from_peer;
};

static enum mempool_verdict judge_usage(const struct mempool_limits *limits,
                                        const struct usage *usage)
{
    uint32_t origin_bundles_max =
        usage->is_from_peer ? limits->peer_bundles_max : limits->client_bundles_max;
    uint64_t origin_bytes_max =
        usage->is_from_peer ? limits->peer_bytes_max : limits->client_bytes_max;
    if (usage->bundles > limits->bundles_max)
        return MEMPOOL_BUSY_BUNDLES;
    if (usage->bytes > limits->bytes_max)
        return MEMPOOL_BUSY_BYTES;
    if (usage->origin.bundles > origin_bundles_max || usage->origin.bytes > origin_bytes_max)
        return MEMPOOL_BUSY_ORIGIN;
    if (usage->actor.bundles > limits->actor_bundles_max)
        return MEMPOOL_BUSY_ACTOR;
    return MEMPOOL_ADDED;
}

static enum mempool_verdict judge_new(const struct mempool *pool, const struct mempool_item *item)
{
    struct usage usage = {
        .bundles = pool->n_live + 1,
        .bytes = pool->bytes + item->body->size,
        .origin = mempool_shares_look(&pool->origins, &item->origin),
        .actor = mempool_shares_look(&pool->actors, &item->actor),
        .is_from_peer = item->is_from_peer,
    };
    usage.origin.bundles++;
    usage.origin.bytes += item->body->size;
    usage.actor.bundles++;
    return judge_usage(&pool->limits, &usage);
}

/* An entry that no block lists any more has to fit the limits like a new one: else a
 * faulty leader could fill the pool through blocks that never commit. */
void mempool_settle(struct mempool *pool, uint32_t slot)
{
    struct mempool_entry *entry = &pool->entries[slot];
    if (entry->held != 0)
        return;
    if (entry->state == ENTRY_WANTED) {
        pool->n_wanted--;
        mempool_entry_free(pool, slot);
        return;
    }
    if (entry->state != ENTRY_LIVE)
        return;
    struct usage usage = {
        .bundles = pool->n_live,
        .bytes = pool->bytes,
        .origin = pool->origins.list[entry->origin],
        .actor = pool->actors.list[entry->actor],
        .is_from_peer = entry->is_from_peer,
    };
    if (judge_usage(&pool->limits, &usage) == MEMPOOL_ADDED)
        return;
    mempool_entry_empty(pool, slot);
    mempool_entry_free(pool, slot);
}

/* ---- adding and looking ---- */

const char *mempool_verdict_text(enum mempool_verdict verdict)
{
    switch (verdict) {
    case MEMPOOL_ADDED:
        return "added";
    case MEMPOOL_DUPLICATE:
        return "already waiting";
    case MEMPOOL_COMMITTED:
        return "already committed";
    case MEMPOOL_EXPIRED:
        return "expiry height has passed";
    case MEMPOOL_EXPIRY_TOO_FAR:
        return "expiry height is too far ahead";
    case MEMPOOL_BUSY_BUNDLES:
        return "busy: too many bundles are waiting";
    case MEMPOOL_BUSY_BYTES:
        return "busy: too many bytes are waiting";
    case MEMPOOL_BUSY_ORIGIN:
        return "busy: the sender's share is used up";
    case MEMPOOL_BUSY_ACTOR:
        return "busy: the signing key's share is used up";
    }
    return "unknown";
}

enum mempool_verdict mempool_seen(const struct mempool *pool, const struct hash *id)
{
    uint32_t slot = mempool_entry_find(pool, id);
    if (slot == SLOT_NONE || pool->entries[slot].state == ENTRY_WANTED)
        return MEMPOOL_ADDED;
    return pool->entries[slot].state == ENTRY_LIVE ? MEMPOOL_DUPLICATE : MEMPOOL_COMMITTED;
}

enum mempool_verdict mempool_add(struct mempool *pool, const struct mempool_item *item)
{
    enum mempool_verdict verdict = mempool_seen(pool, &item->id);
    if (verdict != MEMPOOL_ADDED)
        return verdict;
    if (item->expiry_height <= pool->height)
        return MEMPOOL_EXPIRED;

    uint32_t slot = mempool_entry_find(pool, &item->id);
    bool is_wanted = slot != SLOT_NONE;
    /* A node that lags wants bundles whose expiry looks far to it; the wheel bounds that. */
    if (item->expiry_height - pool->wheel_at >= WHEEL_BUCKETS ||
        (!is_wanted && item->expiry_height - pool->height > BUNDLE_EXPIRY_HEIGHTS_MAX))
        return MEMPOOL_EXPIRY_TOO_FAR;
    if (!is_wanted) {
        verdict = judge_new(pool, item);
        if (verdict != MEMPOOL_ADDED)
            return verdict;
        slot = mempool_entry_new(pool, &item->id, ENTRY_LIVE);
    } else {
        pool->n_wanted--;
    }
    mempool_entry_fill(pool, slot, item);
    return MEMPOOL_ADDED;
}

struct body *mempool_body(const struct mempool *pool, const struct hash *id)
{
    uint32_t slot = mempool_entry_find(pool, id);
    return slot == SLOT_NONE ? NULL : pool->entries[slot].body;
}

static struct mempool_item item_of(const struct mempool *pool, const struct mempool_entry *entry)
{
    return (struct mempool_item){
        .id = entry->id,
        .body = entry->body,
        .origin = pool->origins.list[entry->origin].key,
        .is_from_peer = entry->is_from_peer,
        .actor = pool->actors.list[entry->actor].key,
        .nonce = entry->nonce,
        .expiry_height = entry->expiry_height,
        .received_ms = entry->received_ms,
    };
}

bool mempool_look(const struct mempool *pool, const struct hash *id, struct mempool_item *ret_item)
{
    uint32_t slot = mempool_entry_find(pool, id);
    if (slot == SLOT_NONE || pool->entries[slot].state != ENTRY_LIVE)
        return false;
    *ret_item = item_of(pool, &pool->entries[slot]);
    return true;
}

struct mempool_size mempool_size(const struct mempool *pool)
{
    return (struct mempool_size){
        .bundles = pool->n_live,
        .bytes = pool->bytes,
        .wanted = pool->n_wanted,
        .blocks = pool->n_blocks,
    };
}
