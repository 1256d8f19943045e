/* What operators see of the core. */
#include "services/consensus/core/core_state.h"

const char *note_reason_text(enum note_reason reason)
{
    static const char *const texts[REASON_END] = {
        [REASON_NONE] = "none",
        [REASON_BOOTSTRAP] = "bootstrap",
        [REASON_TC] = "timeout",
        [REASON_HANDOFF] = "handoff",
        [REASON_CERTIFICATE] = "certificate",
        [REASON_CONFIG] = "config",
        [REASON_RECOVERY] = "recovery",
        [REASON_LEADER_SILENT] = "leader_silent",
        [REASON_STALL] = "stall",
        [REASON_AMPLIFIED] = "amplified",
        [REASON_OPERATOR] = "operator",
        [REASON_BODY_LOST] = "body_lost",
        [REASON_NOT_LEADER] = "not_leader",
        [REASON_BAD_RANK] = "bad_rank",
        [REASON_BAD_PARENT] = "bad_parent",
        [REASON_BAD_JUSTIFY] = "bad_justify",
        [REASON_BAD_ENTRY] = "bad_entry",
        [REASON_BAD_PAYLOAD] = "bad_payload",
        [REASON_BAD_STATE] = "bad_state",
        [REASON_BAD_TIME] = "bad_time",
        [REASON_NOT_EMPTY] = "not_empty",
        [REASON_BAD_CONFIG] = "bad_config",
        [REASON_EQUIVOCATION] = "equivocation",
        [REASON_RECORD_LOST] = "record_lost",
        [REASON_NEWER_SIGNATURE] = "newer_signature",
    };

    return reason < REASON_END ? texts[reason] : "unknown";
}

const struct qc *core_high_qc(const struct core *core)
{
    return &core->record.high_qc;
}

const struct validator_set *core_set(const struct core *core)
{
    return &core->config.set;
}

bool core_has_block(const struct core *core, const struct hash *id)
{
    for (uint32_t i = 0; i < CHAIN_WINDOW; i++)
        if (core->blocks[i].is_used && hash_eq(&core->blocks[i].id, id))
            return true;
    return false;
}

static void look_at_peer(const struct core *core, uint32_t i, struct core_peer_view *view)
{
    const struct signed_by *by = &core->signed_by[i];

    view->seen_ms = core->peers[i].seen_ms;
    view->committed_height = core->peers[i].committed_height;
    view->term = core->peers[i].term;
    view->last_vote = by->has_vote ? by->vote.rank : (struct rank){0, 0, 0};
    view->has_voted = by->has_vote && rank_cmp(by->vote.rank, core->record.last_vote) >= 0;
}

void core_look(const struct core *core, struct core_view *ret_view)
{
    memset(ret_view, 0, sizeof(*ret_view));
    ret_view->term = core->cur;
    ret_view->leader = core->leader;
    ret_view->committed = core->committed;
    ret_view->executed_height = core->executed_height;
    ret_view->high_qc = core->record.high_qc.rank;
    ret_view->high_block = core->record.high_qc.block;
    ret_view->timed_out = core->record.timed_out;
    ret_view->is_observing = core->record.observing;
    ret_view->is_admitted = core->is_admitted;
    ret_view->is_leader = core->leader == core->config.self;
    ret_view->self = core->config.self;
    ret_view->is_settled = core->is_settled;
    ret_view->is_caught_up = epoch_is_caught_up(core);
    ret_view->checkpoint_height = core->checkpoint_height;
    for (uint32_t i = 0; i < core->config.set.n; i++)
        look_at_peer(core, i, &ret_view->peers[i]);
}

static uint64_t voters_of(const struct vote_set *sets, const struct block *block)
{
    uint64_t voters = 0;

    for (uint32_t i = 0; i < VOTE_SETS; i++) {
        const struct vote_set *set = &sets[i];
        if (set->n_validators == 0 || !rank_eq(set->rank, block->header.rank))
            continue;
        for (uint32_t voter = 0; voter < set->n_validators; voter++)
            if (set->seen & (UINT64_C(1) << voter) &&
                hash_eq(&set->ballots[voter].block, &block->id))
                voters |= UINT64_C(1) << voter;
    }
    return voters;
}

/* Our own timeout too: others count on it. */
static uint64_t timed_out_by(const struct core *core)
{
    uint64_t voters = core->has_own_timeout && core->own_timeout.term >= core->cur.term
                          ? UINT64_C(1) << core->config.self
                          : 0;

    for (uint32_t i = 0; i < core->config.set.n; i++)
        if (core->signed_by[i].has_timeout && core->signed_by[i].timeout.term >= core->cur.term)
            voters |= UINT64_C(1) << i;
    return voters;
}

static const struct block *highest_block(const struct core *core)
{
    const struct block *best = NULL;

    for (uint32_t i = 0; i < CHAIN_WINDOW; i++) {
        const struct block *block = &core->blocks[i];
        if (block->is_used && (best == NULL || rank_cmp(block->header.rank, best->header.rank) > 0))
            best = block;
    }
    return best;
}

void core_look_waiting(const struct core *core, struct core_waiting *ret_waiting)
{
    const struct block *block = highest_block(core);

    memset(ret_waiting, 0, sizeof(*ret_waiting));
    ret_waiting->timed_out = timed_out_by(core);
    ret_waiting->entered_ms = core->entered_ms;
    if (block == NULL)
        return;
    ret_waiting->has_block = true;
    ret_waiting->block = block->id;
    ret_waiting->rank = block->header.rank;
    ret_waiting->height = block->header.height;
    ret_waiting->author = (uint32_t)block->header.author;
    ret_waiting->voted_ms = block->voted_ms;
    ret_waiting->is_refused = block->is_refused;
    ret_waiting->is_body_missing = block->payload == PAYLOAD_MISSING;
    ret_waiting->is_certified = rank_cmp(core->record.high_qc.rank, block->header.rank) >= 0;
    ret_waiting->voted = voters_of(core->votes, block);
    ret_waiting->commit_voted = voters_of(core->commit_votes, block);
}
