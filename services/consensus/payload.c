/* Payloads: are a proposed block's bodies here, may they stand in it; and ours to propose. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"

/* Bodies usually overtake the proposal or follow at once: ask only for what stays away. */
#define ASK_AFTER_MS 20u
#define ASK_AGAIN_MS 100u

static struct hash id_at(struct span ids, uint32_t i)
{
    struct hash id;

    memcpy(&id, ids.data + i * sizeof(id), sizeof(id));
    return id;
}

/* ---- what may stand in a block (PROTOCOL, VOTE 4) ---- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash));
}

/* No id twice in the block and its uncommitted ancestors. */
static bool has_no_duplicate(struct node *node, const struct pooled_block *block)
{
    size_t n = 0;
    uint32_t steps = 0;
    const struct pooled_block *at = block;

    for (; at != NULL && steps < POOLED_BLOCKS_MAX; steps++) {
        n += at->n_bundles;
        at = block_pool_find(&node->pool, &at->header.parent);
    }
    struct hash *ids = malloc((n > 0 ? n : 1) * sizeof(*ids));
    if (ids == NULL)
        return false;
    size_t used = 0;
    at = block;
    for (uint32_t i = 0; i < steps; i++) {
        memcpy(ids + used, at->ids.data, at->ids.size);
        used += at->n_bundles;
        at = block_pool_find(&node->pool, &at->header.parent);
    }
    qsort(ids, used, sizeof(*ids), compare_ids);
    bool is_clean = true;
    for (size_t i = 1; i < used && is_clean; i++)
        is_clean = !hash_eq(&ids[i - 1], &ids[i]);
    free(ids);
    return is_clean;
}

static bool is_in_window(const struct mempool_item *item, uint64_t height)
{
    return item->expiry_height >= height &&
           item->expiry_height <= height + BUNDLE_EXPIRY_HEIGHTS_MAX;
}

/* Bodies were checked at the door (form, chain, signature); what is left depends on the
 * block: its height, its size, and what stands in it twice. */
static bool is_legal(struct node *node, const struct pooled_block *block)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < block->n_bundles; i++) {
        struct hash id = id_at(block->ids, i);
        struct mempool_item item;
        if (!mempool_look(node->mempool, &id, &item) || !is_in_window(&item, block->header.height))
            return false;
        bytes += item.body->size;
    }
    return bytes <= node->genesis->parameters.block_bytes_max &&
           block->n_bundles <= node->genesis->parameters.block_bundles_max &&
           has_no_duplicate(node, block);
}

static void report(struct node *node, struct pooled_block *block, bool is_valid)
{
    struct input input = {.kind = INPUT_PAYLOAD, .from = VALIDATOR_NONE};

    block->is_payload_wanted = false;
    input.payload.block = block->id;
    input.payload.is_valid = is_valid;
    act_input(node, &input);
}

/* One of its bundles stands in a committed block already. */
static bool repeats_committed(struct node *node, const struct pooled_block *block)
{
    for (uint32_t i = 0; i < block->n_bundles; i++) {
        struct hash id = id_at(block->ids, i);
        if (mempool_seen(node->mempool, &id) == MEMPOOL_COMMITTED)
            return true;
    }
    return false;
}

void payload_wanted(struct node *node, const struct hash *id)
{
    struct pooled_block *block = block_pool_find(&node->pool, id);

    if (block == NULL)
        return;
    block->is_payload_wanted = true;
    block->ask_ms = clock_mono_ms() + ASK_AFTER_MS;
    if (repeats_committed(node, block) ||
        !mempool_mark(node->mempool, &block->id, (const struct hash *)block->ids.data,
                      block->n_bundles))
        report(node, block, false);
    else if (mempool_n_missing(node->mempool, &block->id) == 0)
        report(node, block, is_legal(node, block));
}

/* ---- fetching what is missing ---- */

void payload_ask(struct node *node, uint32_t to, const struct hash *ids, uint32_t n)
{
    struct wire_bundle_request request = {.ids = span_of(ids, n * sizeof(*ids))};
    struct span frame = act_encode(node, WIRE_bundle_request, &request);

    (void)bus_send(node->bus, to, frame); /* asked again if it is lost */
}

/* The proposer first, then one validator after the other. */
static uint32_t whom_to_ask(const struct node *node, const struct pooled_block *block)
{
    uint32_t n = node->genesis->n_validators;
    uint32_t base = block->from < n ? block->from : (uint32_t)block->header.author;
    uint32_t peer = (base + block->n_asks) % n;

    return peer == node->self ? (peer + 1) % n : peer;
}

static void ask_for_bodies(struct node *node, struct pooled_block *block, uint64_t now_ms)
{
    static const uint32_t max = BLOCK_BUNDLES_MAX;
    struct hash ids[BLOCK_BUNDLES_MAX];
    uint32_t n = mempool_missing(node->mempool, &block->id, ids, max);

    if (n > 0)
        payload_ask(node, whom_to_ask(node, block), ids, n);
    block->n_asks++;
    block->ask_ms = now_ms + ASK_AGAIN_MS;
}

void payload_turn(struct node *node, uint64_t now_ms)
{
    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX; i++) {
        struct pooled_block *block = &node->pool.blocks[i];
        if (!block->is_used || !block->is_payload_wanted)
            continue;
        if (mempool_n_missing(node->mempool, &block->id) == 0)
            report(node, block, is_legal(node, block));
        else if (now_ms >= block->ask_ms)
            ask_for_bodies(node, block, now_ms);
    }
}

uint64_t payload_deadline(const struct node *node)
{
    uint64_t due = CLOCK_NEVER;

    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX; i++)
        if (node->pool.blocks[i].is_used && node->pool.blocks[i].is_payload_wanted &&
            node->pool.blocks[i].ask_ms < due)
            due = node->pool.blocks[i].ask_ms;
    return due;
}

/* ---- our own ---- */

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void payload_build(struct node *node, const struct action *action)
{
    const struct genesis_parameters *parameters = &node->genesis->parameters;
    const struct conf *conf = node->env->conf;
    struct hash blocks[POOLED_BLOCKS_MAX];
    struct mempool_chain chain = {
        blocks, block_pool_chain(&node->pool, &action->build.parent, blocks, POOLED_BLOCKS_MAX)};
    struct mempool_budget budget = {
        .bundles_max =
            (uint32_t)lower(conf_u64(conf, SETTING_block_bundles), parameters->block_bundles_max),
        .bytes_max = lower(conf_bytes(conf, SETTING_block_bytes), parameters->block_bytes_max),
        .height = action->build.height,
    };
    struct input input = {.kind = INPUT_BUILT, .from = VALIDATOR_NONE};

    node->n_built = 0;
    if (!action->build.must_be_empty)
        node->n_built = mempool_pick(node->mempool, &chain, &budget, node->built_ids);
    input.built.parent = action->build.parent;
    input.built.payload_root = merkle_root_of_hashes(node->built_ids, node->n_built);
    input.built.is_empty = node->n_built == 0;
    act_input(node, &input);
}

void payload_forget(struct node *node, const struct hash *block)
{
    struct pooled_block *pooled = block_pool_find(&node->pool, block);

    mempool_unmark(node->mempool, block);
    if (pooled != NULL)
        pooled_block_release(pooled);
}
