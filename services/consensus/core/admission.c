/* Before the first signature after a start: do our peers hold anything newer that
 * we signed than our own record knows of? (PROTOCOL, Durability 4.) */
#include "services/consensus/core/core_state.h"

static uint32_t count_answers(const struct core *core)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < core->config.set.n; i++)
        n += core->peers[i].is_answering;
    return n;
}

static uint64_t patience_end_ms(const struct core *core)
{
    return core->admission_ms + 2 * core->config.round_timeout_ms;
}

static void admit(struct core *core)
{
    core->is_admitted = true;
    core->leader_seen_ms = core->now_ms;
    emit_note(core, NOTE_ADMITTED, REASON_NONE, core->config.self, NULL);
}

void admission_tick(struct core *core)
{
    if (core->is_admitted)
        return;
    if (core->is_behind_record)
        return; /* it is signatures of the record's epoch that count */
    bool is_first = core->admission_ms == 0;
    if (is_first) {
        core->admission_ms = core->now_ms;
        core->timeout_sent_ms = core->now_ms;
    }
    if (count_answers(core) + 1 >= quorum_size(core->config.set.n) ||
        core->now_ms >= patience_end_ms(core)) {
        admit(core);
        return;
    }
    if (is_first || core->now_ms >= core->timeout_sent_ms + core->config.heartbeat_ms) {
        core->timeout_sent_ms = core->now_ms;
        emit_send(core, SEND_RANK_QUERY, TO_ALL)->send.nonce = core->config.nonce;
    }
}

uint64_t admission_deadline(const struct core *core)
{
    return core->is_admitted ? UINT64_MAX : core->timeout_sent_ms + core->config.heartbeat_ms;
}

static void on_query(struct core *core, const struct input *input)
{
    const struct signed_by *by = &core->signed_by[input->from];
    struct action *action = emit_send(core, SEND_RANK_ANSWER, input->from);

    action->send.rank_answer.nonce = input->nonce;
    action->send.rank_answer.vote = by->has_vote ? &by->vote : NULL;
    action->send.rank_answer.commit_vote = by->has_commit_vote ? &by->commit_vote : NULL;
    action->send.rank_answer.timeout = by->has_timeout ? &by->timeout : NULL;
}

/* A signature of ours that the record does not know of: the record is not ours any more. */
static bool is_newer_than_record(const struct core *core, const struct input *input)
{
    const struct safety_record *record = &core->record;
    const struct wire_vote *vote = &input->rank_answer.vote;
    const struct wire_timeout *timeout = &input->rank_answer.timeout;

    if (input->rank_answer.has_vote) {
        int order = rank_cmp(vote->rank, record->last_vote);
        if (order > 0 || (order == 0 && !hash_eq(&vote->block, &record->last_vote_id)))
            return true;
    }
    if (input->rank_answer.has_commit_vote &&
        rank_cmp(input->rank_answer.commit_vote.rank, record->high_qc.rank) > 0)
        return true;
    struct term theirs = {timeout->epoch, timeout->term};
    return input->rank_answer.has_timeout && term_cmp(theirs, record->timed_out) > 0;
}

static void on_answer(struct core *core, const struct input *input)
{
    if (core->is_admitted || input->rank_answer.nonce != core->config.nonce)
        return;
    core->peers[input->from].is_answering = true;
    if (core->record.observing || core->is_behind_record || !is_newer_than_record(core, input))
        return;
    /* The durable mark; only a reinstatement clears it. */
    core->record.observing = true;
    core->must_persist = true;
    emit_note(core, NOTE_OBSERVING, REASON_NEWER_SIGNATURE, input->from, NULL);
}

void admission_on_input(struct core *core, const struct input *input)
{
    if (input->from >= core->config.set.n)
        return; /* it signed nothing in this epoch, and holds nothing that was */
    if (input->kind == INPUT_RANK_QUERY)
        on_query(core, input);
    else
        on_answer(core, input);
}
