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

    return reason < REASON_END && texts[reason] != NULL ? texts[reason] : "unknown";
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
