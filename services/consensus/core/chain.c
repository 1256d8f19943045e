/* The window of blocks above the committed one. */
#include "services/consensus/core/core_state.h"

#include "common/must.h"

struct block *chain_find(struct core *core, const struct hash *id)
{
    for (uint32_t i = 0; i < CHAIN_WINDOW; i++)
        if (core->blocks[i].is_used && hash_eq(&core->blocks[i].id, id))
            return &core->blocks[i];
    return NULL;
}

static void chain_forget(struct core *core, struct block *block)
{
    emit(core, ACTION_FORGET)->forget = block->id;
    block->is_used = false;
}

/* Is `id` the high QC's block, the last voted one, or an ancestor of either? */
static bool is_on_spine(struct core *core, const struct block *block)
{
    const struct hash *ends[] = {&core->record.high_qc.block, &core->record.last_vote_id,
                                 &core->record.last_proposal_id};

    for (size_t e = 0; e < N_ELEMENTS(ends); e++) {
        const struct block *at = chain_find(core, ends[e]);
        for (uint32_t steps = 0; at != NULL && steps < CHAIN_WINDOW; steps++) {
            if (at == block)
                return true;
            at = chain_find(core, &at->header.parent);
        }
    }
    return false;
}

/* Room for one more: the lowest block that no certificate or vote of ours needs. */
static struct block *chain_make_room(struct core *core)
{
    struct block *lowest = NULL;

    for (uint32_t i = 0; i < CHAIN_WINDOW; i++) {
        struct block *block = &core->blocks[i];
        if (!block->is_used)
            return block;
        bool is_lower = lowest == NULL || rank_cmp(block->header.rank, lowest->header.rank) < 0;
        if (is_lower && !is_on_spine(core, block))
            lowest = block;
    }
    if (lowest != NULL)
        chain_forget(core, lowest);
    return lowest;
}

struct block *chain_add(struct core *core, const struct wire_header *header, const struct hash *id)
{
    struct block *block = chain_make_room(core);
    if (block == NULL)
        return NULL;

    *block = (struct block){.is_used = true, .header = *header, .id = *id};
    for (uint32_t i = 0; i < WANTED_MAX; i++)
        if (hash_eq(&core->wanted[i].block, id))
            core->wanted[i] = (struct wanted){.asked_ms = 0};
    return block;
}

bool chain_parent(struct core *core, const struct hash *id, struct tip *ret_parent)
{
    if (hash_eq(id, &core->committed.block)) {
        *ret_parent = core->committed;
        return true;
    }
    const struct block *block = chain_find(core, id);
    if (block == NULL)
        return false;
    *ret_parent = (struct tip){
        .rank = block->header.rank,
        .block = block->id,
        .height = block->header.height,
        .time_ms = block->header.time_ms,
        .author = block->header.author,
        .handoff = block->header.handoff,
        .next_set = block->header.next_set,
    };
    return true;
}

bool chain_is_whole(struct core *core, const struct hash *id, bool with_bodies,
                    struct hash *ret_missing)
{
    struct hash at = *id;

    for (uint32_t steps = 0; steps <= CHAIN_WINDOW; steps++) {
        if (hash_eq(&at, &core->committed.block))
            return !with_bodies || core->executed_height >= core->unready_height;
        const struct block *block = chain_find(core, &at);
        if (block == NULL || (with_bodies && block->payload != PAYLOAD_READY)) {
            *ret_missing = block == NULL ? at : (struct hash){{0}};
            return false;
        }
        at = block->header.parent;
    }
    *ret_missing = (struct hash){{0}};
    return false;
}

void chain_want(struct core *core, const struct hash *id, struct rank rank, uint64_t signers,
                uint32_t from)
{
    struct wanted *slot = NULL;

    for (uint32_t i = 0; i < WANTED_MAX; i++) {
        struct wanted *wanted = &core->wanted[i];
        if (hash_eq(&wanted->block, id)) {
            slot = wanted;
            break;
        }
        if (slot == NULL || wanted->asked_ms < slot->asked_ms)
            slot = wanted; /* free slots were never asked: 0 */
    }
    bool is_known = hash_eq(&slot->block, id);
    if (is_known && core->now_ms < slot->asked_ms + core->config.heartbeat_ms / 2)
        return;

    *slot =
        (struct wanted){.block = *id, .rank = rank, .signers = signers, .asked_ms = core->now_ms};
    struct action *action = emit(core, ACTION_NEED_BLOCK);
    action->need.block = *id;
    action->need.rank = rank;
    action->need.signers = signers;
    action->need.from = from;
}

bool chain_is_wanted(const struct core *core, const struct hash *id)
{
    for (uint32_t i = 0; i < WANTED_MAX; i++)
        if (hash_eq(&core->wanted[i].block, id))
            return !hash_is_zero(id);
    return false;
}

void chain_trim(struct core *core)
{
    /* A block at or below the committed height that is still here lost. So did one
     * that descends from such a block; its parent vanishing makes it unreachable,
     * and it leaves when its own height is passed or its place is needed. */
    for (uint32_t i = 0; i < CHAIN_WINDOW; i++) {
        struct block *block = &core->blocks[i];
        if (block->is_used && block->header.height <= core->committed.height)
            chain_forget(core, block);
    }
}
