/* Terms: entering them, timing out of them, timeout certificates (PROTOCOL, Timers). */
#include "services/consensus/core/core_state.h"

#include "common/must.h"

void pacemaker_enter(struct core *core, struct term term, uint32_t leader, enum note_reason reason,
                     const struct entry *entry)
{
    MUST(term_cmp(term, core->cur) > 0);
    core->cur = term;
    core->leader = leader;
    core->entered_ms = core->now_ms;
    core->leader_seen_ms = core->now_ms;
    core->is_building = false;
    core->handoff_to = VALIDATOR_NONE;
    core->wish.until_ms = 0;
    core->muted_since_ms = 0;
    if (entry != NULL)
        core->record.entry = *entry;
    else
        core->record.entry.kind = ENTRY_NONE;
    if (reason == REASON_TC) {
        core->tc_entered_ms = core->now_ms;
        core->backoff++;
    }
    emit_note(core, NOTE_TERM_ENTERED, reason, leader, NULL);
}

uint64_t pacemaker_timeout_ms(const struct core *core)
{
    uint64_t timeout_ms = core->config.round_timeout_ms;

    for (uint32_t i = 0; i < core->backoff && timeout_ms < core->config.backoff_max_ms; i++)
        timeout_ms += timeout_ms / 2;
    return timeout_ms < core->config.backoff_max_ms ? timeout_ms : core->config.backoff_max_ms;
}

static bool has_timed_out(const struct core *core)
{
    return term_cmp(core->record.timed_out, core->cur) >= 0;
}

/* The Timeout for the term the record says: a first one, or the same bytes again. */
static void sign_timeout(struct core *core, uint64_t term, struct rank high)
{
    struct intent intent = {.kind = INTENT_TIMEOUT};

    intent.timeout.epoch = core->cur.epoch;
    intent.timeout.term = term;
    intent.timeout.high = high;
    intent.timeout.voter = core->config.self;
    if (emit_intent(core, &intent))
        core->timeout_sent_ms = core->now_ms;
}

void pacemaker_time_out(struct core *core, uint64_t term, enum note_reason reason)
{
    uint64_t timed_out =
        core->record.timed_out.epoch == core->cur.epoch ? core->record.timed_out.term : 0;
    uint64_t ceiling = core->cur.term + core->config.set.n;

    if (term > ceiling)
        term = ceiling;
    if (term <= timed_out || !core_may_sign(core))
        return;
    core->record.timeout_qc = core->record.high_qc;
    core->has_own_timeout = false;
    sign_timeout(core, term, core->record.high_qc.rank);
    emit_note(core, NOTE_TIMED_OUT, reason, core->leader, NULL);
}

/* Ours again, with why we are in this term: whoever lags follows the entry. */
static void resend_timeout(struct core *core)
{
    if (!core->has_own_timeout) {
        sign_timeout(core, core->record.timed_out.term, core->record.timeout_high);
        return;
    }
    core->timeout_sent_ms = core->now_ms;
    struct action *action = emit_send(core, SEND_TIMEOUT, TO_ALL);
    action->send.timeout.timeout = core->own_timeout;
    action->send.timeout.high_qc = &core->record.timeout_qc;
    if (core->record.entry.kind == ENTRY_TC || core->record.entry.kind == ENTRY_HANDOFF)
        emit_send(core, SEND_ENTRY, TO_ALL)->send.entry = &core->record.entry;
}

/* The k-th highest term anybody timed out of (k from 1), 0 if fewer did. */
static uint64_t kth_highest_timeout(const struct core *core, uint32_t k)
{
    for (uint32_t i = 0; i < core->config.set.n; i++) {
        const struct signed_by *by = &core->signed_by[i];
        if (!by->has_timeout)
            continue;
        uint32_t at_least = 0;
        uint32_t above = 0;
        for (uint32_t j = 0; j < core->config.set.n; j++) {
            const struct signed_by *other = &core->signed_by[j];
            if (!other->has_timeout)
                continue;
            at_least += other->timeout.term >= by->timeout.term;
            above += other->timeout.term > by->timeout.term;
        }
        if (at_least >= k && above < k)
            return by->timeout.term;
    }
    return 0;
}

static void amplify(struct core *core)
{
    uint64_t term = kth_highest_timeout(core, faulty_max(core->config.set.n) + 1);

    if (term >= core->cur.term)
        pacemaker_time_out(core, term, REASON_AMPLIFIED);
}

void pacemaker_form_tc(struct core *core)
{
    uint32_t wanted = quorum_size(core->config.set.n);
    uint64_t term = kth_highest_timeout(core, wanted);

    if (term < core->cur.term)
        return;
    struct entry entry = {.kind = ENTRY_TC, .tc = {.term = {core->cur.epoch, term}}};
    uint32_t taken = 0;
    for (uint32_t i = 0; i < core->config.set.n && taken < wanted; i++) {
        const struct signed_by *by = &core->signed_by[i];
        if (!by->has_timeout || by->timeout.term < term)
            continue;
        entry.tc.signers |= UINT64_C(1) << i;
        entry.tc.timeouts[i] =
            (struct tc_timeout){by->timeout.term, by->timeout.high, by->timeout.signature};
        taken++;
    }
    /* Every QC that a Timeout cites was observed with it, so ours is the highest. */
    entry.tc.high_qc = core->record.high_qc;
    observe_entry(core, &entry);
    emit_send(core, SEND_ENTRY, TO_ALL)->send.entry = &core->record.entry;
}

void pacemaker_on_timeout(struct core *core, const struct input *input)
{
    const struct wire_timeout *timeout = &input->timeout.timeout;
    struct signed_by *by = &core->signed_by[timeout->voter];

    if (timeout->epoch != core->cur.epoch)
        return;
    observe_qc(core, input->timeout.high_qc);
    if (by->has_timeout && by->timeout.term == timeout->term &&
        !rank_eq(by->timeout.high, timeout->high))
        emit_accuse(core, timeout->voter, INTENT_TIMEOUT,
                    (struct rank){timeout->epoch, timeout->term, 0});
    if (!by->has_timeout || timeout->term > by->timeout.term) {
        by->has_timeout = true;
        by->timeout = *timeout;
    }
    if (timeout->term < core->cur.term && input->from != VALIDATOR_NONE)
        beat_help(core, input->from, timeout->high, (struct term){timeout->epoch, timeout->term},
                  (struct rank){0, 0, 0});
    amplify(core);
    pacemaker_form_tc(core);
}

uint64_t pacemaker_open_ms(const struct core *core)
{
    /* A committed config block whose proof went with a crash: only another term's block
     * can prove it. */
    bool is_unproven = !hash_is_zero(&core->committed.next_set);
    uint64_t oldest = is_unproven ? core->last_commit_ms : 0;

    for (uint32_t i = 0; i < CHAIN_WINDOW; i++) {
        const struct block *block = &core->blocks[i];
        if (block->is_used && block->voted_ms != 0 && (oldest == 0 || block->voted_ms < oldest))
            oldest = block->voted_ms;
    }
    return oldest;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When the stall timer fires if nothing changes, UINT64_MAX if nothing waits. A TC
 * restarts it, a handoff does not. */
static uint64_t stall_deadline(const struct core *core)
{
    uint64_t deadline = UINT64_MAX;
    uint64_t open_ms = pacemaker_open_ms(core);

    if (core->any_pending || core->config_pending) {
        /* At half of it the body goes to everyone and its clock starts there. */
        uint64_t start = core->pending_oldest_ms + core->config.stall_timeout_ms / 2;
        start = max_u64(start, core->tc_entered_ms);
        /* Empty blocks are no progress: a leader that hands off to itself for ever, block
         * by empty block, would censor whatever waits. */
        if (!core->is_overtaken)
            start = max_u64(start, core->last_filled_ms);
        deadline = start + core->config.stall_timeout_ms;
    }
    if (open_ms != 0) {
        uint64_t start = max_u64(max_u64(open_ms, core->tc_entered_ms), core->last_commit_ms);
        if (start + core->config.stall_timeout_ms < deadline)
            deadline = start + core->config.stall_timeout_ms;
    }
    return deadline;
}

static uint64_t silence_deadline(const struct core *core)
{
    if (core->leader == core->config.self)
        return UINT64_MAX;
    return core->leader_seen_ms + pacemaker_timeout_ms(core);
}

static uint64_t resend_ms(const struct core *core)
{
    return core->config.round_timeout_ms / 2;
}

/* A leader whose own last proposal neither has a QC or CC nor is here any more cannot
 * resend it, and must not propose another at its rank (Durability 6). */
static bool lost_own_body(struct core *core)
{
    return core->leader == core->config.self &&
           term_cmp(rank_term(core->record.last_proposal), core->cur) == 0 &&
           rank_cmp(core->record.last_proposal, core->record.high_qc.rank) > 0 &&
           !hash_eq(&core->record.last_proposal_id, &core->committed.block) &&
           chain_find(core, &core->record.last_proposal_id) == NULL;
}

void pacemaker_tick(struct core *core)
{
    if (!core_may_sign(core))
        return;
    if (has_timed_out(core)) {
        if (core->now_ms >= core->timeout_sent_ms + resend_ms(core))
            resend_timeout(core);
        return;
    }
    if (lost_own_body(core))
        pacemaker_time_out(core, core->cur.term, REASON_BODY_LOST);
    else if (core->now_ms >= silence_deadline(core))
        pacemaker_time_out(core, core->cur.term, REASON_LEADER_SILENT);
    else if (core->now_ms >= stall_deadline(core))
        pacemaker_time_out(core, core->cur.term, REASON_STALL);
}

uint64_t pacemaker_deadline(const struct core *core)
{
    if (has_timed_out(core))
        return core->timeout_sent_ms + resend_ms(core);
    uint64_t silence = silence_deadline(core);
    uint64_t stall = stall_deadline(core);
    return silence < stall ? silence : stall;
}
