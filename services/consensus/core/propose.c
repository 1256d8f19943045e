/* PROPOSE, by the leader of the current term; and handing leadership on. */
#include "services/consensus/core/core_state.h"

#include "common/must.h"

/* What we would propose now. */
struct plan {
    bool is_first;      /* of the term */
    bool must_be_empty; /* a config block stands between it and what is committed */
    struct tip parent;
    const struct entry *entry;
};

static bool is_free_to_lead(const struct core *core)
{
    return core->leader == core->config.self && core_may_sign(core) &&
           term_cmp(core->record.timed_out, core->cur) < 0;
}

/* Why our term may begin, NULL if we cannot show it. */
static const struct entry *own_entry(const struct core *core)
{
    static const struct entry root = {.kind = ENTRY_ROOT};
    const struct entry *entry = &core->record.entry;

    switch (entry->kind) {
    case ENTRY_TC:
        return entry;
    case ENTRY_HANDOFF:
        /* Its block must be what we build on: a higher QC means the term went on without it. */
        return hash_eq(&entry->handoff_qc.block, &core->record.high_qc.block) ? entry : NULL;
    case ENTRY_NONE:
    case ENTRY_ROOT:
        break;
    }
    return core->cur.term == 1 ? &root : NULL;
}

/* PROPOSE's two cases. False: nothing legal to build on now. */
static bool make_plan(struct core *core, struct plan *ret_plan)
{
    const struct qc *high = &core->record.high_qc;
    struct plan plan = {.is_first =
                            term_cmp(rank_term(core->record.last_proposal), core->cur) != 0};

    if (plan.is_first) {
        plan.entry = own_entry(core);
        if (plan.entry == NULL || term_cmp(rank_term(high->rank), core->cur) >= 0)
            return false;
    } else if (!hash_eq(&high->block, &core->record.last_proposal_id)) {
        return false; /* our own block is not certified yet */
    }
    if (term_cmp(rank_term(core->record.last_vote), core->cur) >= 0 && plan.is_first)
        return false; /* rank above last_vote: a term may have two first blocks */
    if (!chain_parent(core, &high->block, &plan.parent)) {
        if (rank_cmp(high->rank, core->committed.rank) <= 0)
            return false; /* committed past it without its QC: a certificate will come */
        chain_want(core, &high->block, high->rank, high->signers, VALIDATOR_NONE);
        return false;
    }
    if (!plan.is_first && (plan.parent.handoff != 0 || !hash_is_zero(&plan.parent.next_set)))
        return false;
    struct hash missing = {{0}};
    if (!chain_is_whole(core, &high->block, true, &missing)) {
        if (!hash_is_zero(&missing))
            chain_want(core, &missing, high->rank, high->signers, VALIDATOR_NONE);
        return false;
    }
    plan.must_be_empty = epoch_has_config(core, &high->block);
    *ret_plan = plan;
    return true;
}

/* A config event: only on what is committed and executed, and nothing follows it in its
 * term, a handoff neither. */
static bool may_configure(const struct core *core, const struct plan *plan)
{
    return hash_eq(&plan->parent.block, &core->committed.block) &&
           core->executed_height == core->committed.height && !plan->must_be_empty &&
           core->handoff_to == VALIDATOR_NONE;
}

static uint64_t flush_ms(const struct core *core)
{
    return core->high_since_ms + core->config.round_timeout_ms * 3 / 10;
}

/* Is there a reason to propose? An idle chain stands still, but never with a tail, nor with
 * a block that we voted for and that came to nothing: its voters end term after term until
 * another is committed at its height. */
static bool is_due(const struct core *core, const struct plan *plan)
{
    bool is_flushed = hash_eq(&plan->parent.block, &core->committed.block);

    if ((core->any_pending && !plan->must_be_empty) || core->handoff_to != VALIDATOR_NONE)
        return true;
    if (core->config_pending && may_configure(core, plan))
        return true;
    if (is_flushed && !plan->must_be_empty)
        return plan->is_first && pacemaker_open_ms(core) != 0;
    return plan->is_first || core->now_ms >= flush_ms(core);
}

/* Room for the tail that term changes can leave behind. */
static bool has_room(const struct core *core, const struct plan *plan)
{
    uint64_t open = plan->parent.height - core->committed.height;
    return open + 4 < CHAIN_WINDOW;
}

/* 1 to f peers that timed out in our term are mute until the next one; they come
 * back when we hand off to ourselves (PROTOCOL, Timers). */
static void wake_the_muted(struct core *core)
{
    uint32_t muted = 0;

    for (uint32_t i = 0; i < core->config.set.n; i++) {
        const struct signed_by *by = &core->signed_by[i];
        muted += i != core->config.self && by->has_timeout && by->timeout.term >= core->cur.term;
    }
    if (muted == 0 || muted > faulty_max(core->config.set.n)) {
        core->muted_since_ms = 0;
        return;
    }
    if (core->muted_since_ms == 0)
        core->muted_since_ms = core->now_ms;
    uint64_t patience_ms = 2 * core->config.round_timeout_ms;
    bool is_rested =
        core->handoff_made_ms == 0 || core->now_ms >= core->handoff_made_ms + 5 * patience_ms;
    if (core->now_ms >= core->muted_since_ms + patience_ms && is_rested)
        propose_hand_off(core, core->config.self);
}

void propose_hand_off(struct core *core, uint32_t to)
{
    core->handoff_to = to;
}

/* Blocks behind the tip at which a validator can still take over at once. */
#define TAKEOVER_BLOCKS 4u
/* An operator's wish is dropped after this many round timeouts. */
#define WISH_ROUND_TIMEOUTS 5u

/* Under load many blocks pass between two heartbeats; votes show how far a peer is. */
static bool is_near(const struct core *core, uint32_t peer)
{
    const struct signed_by *by = &core->signed_by[peer];
    struct rank tip = core->committed.rank;

    if (core->peers[peer].committed_height + TAKEOVER_BLOCKS >= core->committed.height)
        return true;
    return by->has_vote && (rank_cmp(by->vote.rank, tip) >= 0 ||
                            (term_cmp(rank_term(by->vote.rank), rank_term(tip)) == 0 &&
                             by->vote.rank.seq + TAKEOVER_BLOCKS >= tip.seq));
}

static bool can_take_over(const struct core *core, uint32_t peer)
{
    uint64_t seen_ms = core->peers[peer].seen_ms;

    return peer != core->config.self && seen_ms != 0 &&
           core->now_ms < seen_ms + core->config.round_timeout_ms && is_near(core, peer);
}

/* The wished-for validator, or the next one that can take over; VALIDATOR_NONE: not now. */
static uint32_t successor(const struct core *core)
{
    if (core->wish.to != VALIDATOR_NONE)
        return can_take_over(core, core->wish.to) ? core->wish.to : VALIDATOR_NONE;
    for (uint32_t i = 1; i < core->config.set.n; i++) {
        uint32_t peer = (core->config.self + i) % core->config.set.n;
        if (can_take_over(core, peer))
            return peer;
    }
    return VALIDATOR_NONE;
}

static void grant_wish(struct core *core)
{
    if (core->now_ms >= core->wish.until_ms || core->handoff_to != VALIDATOR_NONE)
        return;
    uint32_t to = successor(core);
    if (to != VALIDATOR_NONE)
        propose_hand_off(core, to);
}

void propose_on_transfer(struct core *core, uint32_t to)
{
    if (core->leader != core->config.self)
        return;
    core->wish.to = to;
    core->wish.until_ms = core->now_ms + WISH_ROUND_TIMEOUTS * core->config.round_timeout_ms;
}

void propose_try(struct core *core)
{
    struct plan plan;

    if (!is_free_to_lead(core) || core->is_building || !hash_is_zero(&core->persist_block))
        return;
    wake_the_muted(core);
    if (core->is_draining && core->handoff_to == VALIDATOR_NONE)
        propose_on_transfer(core, VALIDATOR_NONE);
    grant_wish(core);
    if (!make_plan(core, &plan) || !is_due(core, &plan) || !has_room(core, &plan))
        return;

    core->is_building = true;
    core->build_parent = plan.parent.block;
    struct action *action = emit(core, ACTION_BUILD);
    action->build.parent = plan.parent.block;
    action->build.height = plan.parent.height + 1;
    action->build.must_be_empty = plan.must_be_empty;
    action->build.may_configure = may_configure(core, &plan);
    core->build_may_configure = action->build.may_configure;
}

static struct wire_header make_header(const struct core *core, const struct plan *plan,
                                      const struct hash *payload_root)
{
    uint64_t after = plan->parent.time_ms + 1;
    struct wire_header header = {
        .rules_version = 1,
        .chain = core->config.set.chain,
        .rank = {core->cur.epoch, core->cur.term, plan->is_first ? 1 : plan->parent.rank.seq + 1},
        .height = plan->parent.height + 1,
        .parent = plan->parent.block,
        .justify = qc_digest(&core->own.justify),
        .entry = entry_digest(&core->own.entry),
        .handoff = core->handoff_to == VALIDATOR_NONE ? 0 : core->handoff_to + 1,
        .payload_root = *payload_root,
        .prev_height = core->executed_height,
        .time_ms = core->wall_ms > after ? core->wall_ms : after,
        .author = core->config.self,
    };
    header.prev_root = *commit_root_at(core, core->executed_height);
    return header;
}

/* One signer step records the proposal with its own vote (PROPOSE). */
static bool sign_proposal(struct core *core, const struct plan *plan)
{
    bool is_first = plan->is_first;
    struct intent intent = {.kind = INTENT_PROPOSAL, .carries_entry = is_first};

    intent.proposal.rank = core->own.header.rank;
    intent.proposal.block = core->own.id;
    if (core->n_intents + 2 > INTENTS_MAX || !emit_intent(core, &intent))
        return false;
    intent = (struct intent){.kind = INTENT_VOTE, .carries_entry = is_first};
    intent.vote.rank = core->own.header.rank;
    intent.vote.block = core->own.id;
    intent.vote.parent = core->own.header.parent;
    intent.vote.parent_rank = plan->parent.rank;
    intent.vote.voter = core->config.self;
    return emit_intent(core, &intent);
}

void propose_on_built(struct core *core, const struct input *input)
{
    struct plan plan;
    bool is_expected = core->is_building && hash_eq(&input->built.parent, &core->build_parent);

    if (!is_expected)
        return;
    core->is_building = false;
    if (!is_free_to_lead(core) || !make_plan(core, &plan) ||
        !hash_eq(&plan.parent.block, &input->built.parent))
        return;
    MUST(!plan.must_be_empty || input->built.is_empty);
    if (input->built.is_empty) {
        /* Nothing waits after all, whatever was said before: is there another reason? */
        core->any_pending = core->any_pending && plan.must_be_empty;
        core->config_pending = core->config_pending && !core->build_may_configure;
        if (!is_due(core, &plan))
            return;
    }
    /* Built for an earlier term, on this same parent; a handoff comes first in this one. */
    if (input->built.next != NULL && !may_configure(core, &plan))
        return;

    core->own.justify = core->record.high_qc;
    core->own.entry.kind = ENTRY_NONE;
    if (plan.is_first)
        core->own.entry = *plan.entry;
    core->own.header = make_header(core, &plan, &input->built.payload_root);
    if (input->built.next != NULL)
        core->own.header.next_set = members_digest(input->built.next);
    core->own.id = header_id(&core->own.header);
    core->own.is_payload_empty = input->built.is_empty;
    struct block *block = chain_add(core, &core->own.header, &core->own.id);
    if (block == NULL)
        return;
    block->payload = PAYLOAD_READY;
    block->is_empty = input->built.is_empty;
    if (input->built.next != NULL) {
        block->config = CONFIG_ACCEPTED;
        epoch_keep_set(core, input->built.next);
    }
    if (!sign_proposal(core, &plan)) {
        block->is_used = false;
        return;
    }
    block->voted_ms = core->now_ms;
    core->vote_asked = core->own.header.rank;
    core->persist_block = core->own.id;
    core->has_own_proposal = true;
    if (core->own.header.handoff != 0)
        core->handoff_made_ms = core->now_ms;
    emit_note(core, NOTE_PROPOSED, REASON_NONE, core->config.self, block);
}

uint64_t propose_deadline(const struct core *core)
{
    bool waits = core->leader == core->config.self &&
                 !hash_eq(&core->record.high_qc.block, &core->committed.block) &&
                 core->now_ms < flush_ms(core);
    return waits ? flush_ms(core) : UINT64_MAX;
}
