/* The step: one input in, what follows from it until nothing more does, actions out. */
#include "services/consensus/core/core_state.h"

#include "common/must.h"

#include <stddef.h>

_Static_assert(sizeof(struct core) <= 512 * 1024, "a core fits in half a MiB");

size_t core_size(void)
{
    return sizeof(struct core);
}

void core_restore_term(struct core *core)
{
    const struct entry *entry = &core->record.entry;
    struct term cur = {core->config.set.epoch, 1};
    uint32_t leader = scheduled_leader(&core->config.set, 1);
    if (core->record.high_qc.rank.epoch != core->config.set.epoch)
        core->record.high_qc = qc_of_root(&core->config.set);
    struct rank highs[] = {core->record.high_qc.rank, core->committed.rank};

    for (size_t i = 0; i < N_ELEMENTS(highs); i++)
        if (term_cmp(rank_term(highs[i]), cur) > 0) {
            cur = rank_term(highs[i]);
            leader = scheduled_leader(&core->config.set, cur.term);
        }
    struct term entered = {0, 0};
    if (entry->kind == ENTRY_TC)
        entered = (struct term){entry->tc.term.epoch, entry->tc.term.term + 1};
    if (entry->kind == ENTRY_HANDOFF)
        entered = (struct term){entry->handoff_qc.rank.epoch, entry->handoff_qc.rank.term + 1};
    if (term_cmp(entered, cur) >= 0) {
        cur = entered;
        leader = entry->kind == ENTRY_TC ? scheduled_leader(&core->config.set, cur.term)
                                         : (uint32_t)entry->handoff_header.handoff - 1;
    } else {
        core->record.entry.kind = ENTRY_NONE;
    }
    core->cur = cur;
    core->leader = leader;
}

/* All but the ballots, nearly half of a core: they mean something where a set was begun. */
static void clear(struct core *core)
{
    const size_t sets = offsetof(struct core, votes);
    const size_t rest = offsetof(struct core, has_own_vote);

    memset(core, 0, sets);
    memset((uint8_t *)core + rest, 0, sizeof(*core) - rest);
    for (uint32_t i = 0; i < VOTE_SETS; i++)
        core->votes[i].n_validators = core->commit_votes[i].n_validators = 0;
}

void core_init(struct core *core, const struct core_config *config,
               const struct safety_record *record, const struct tip *committed,
               const struct executed_root *executed)
{
    MUST(config->set.n > 0 && config->set.n <= VALIDATORS_MAX);
    MUST(config->self < config->set.n || config->self == VALIDATOR_NONE);
    MUST(executed->height <= committed->height);
    clear(core);
    core->config = *config;
    core->record = *record;
    core->committed = *committed;
    epoch_restore(core);
    MUST(core->committed.rank.epoch <= core->config.set.epoch);
    core->handoff_to = VALIDATOR_NONE;
    core->executed_height = executed->height;
    core->roots[0] = (struct executed_root){0, config->genesis_root};
    core->roots[executed->height % EXECUTED_ROOTS] = *executed;
    core_restore_term(core);
}

void core_restore_root(struct core *core, uint64_t height, const struct hash *root)
{
    MUST(height <= core->executed_height);
    if (height + EXECUTED_ROOTS > core->executed_height)
        core->roots[height % EXECUTED_ROOTS] = (struct executed_root){height, *root};
}

void core_configure(struct core *core, const struct core_config *config)
{
    core->config.round_timeout_ms = config->round_timeout_ms;
    core->config.heartbeat_ms = config->heartbeat_ms;
    core->config.stall_timeout_ms = config->stall_timeout_ms;
    core->config.backoff_max_ms = config->backoff_max_ms;
}

static void start_clocks(struct core *core)
{
    core->is_started = true;
    core->entered_ms = core->now_ms;
    core->leader_seen_ms = core->now_ms;
    core->last_commit_ms = core->now_ms;
    core->last_filled_ms = core->now_ms;
    core->quiet_since_ms = core->now_ms;
    core->high_since_ms = core->now_ms;
    if (core->record.observing)
        emit_note(core, NOTE_OBSERVING, REASON_RECORD_LOST, core->config.self, NULL);
    if (core->cur.term == 1)
        emit_note(core, NOTE_TERM_ENTERED, REASON_BOOTSTRAP, core->leader, NULL);
}

static void timeout_completed(struct core *core, const struct wire_timeout *timeout,
                              const struct sig *sig)
{
    struct input own = {.kind = INPUT_TIMEOUT, .from = VALIDATOR_NONE};

    if (timeout->term != core->record.timed_out.term)
        return; /* overtaken: its QC is no longer at hand, and nobody needs it */
    core->own_timeout = *timeout;
    core->own_timeout.signature = *sig;
    core->has_own_timeout = true;
    struct action *action = emit_send(core, SEND_TIMEOUT, TO_ALL);
    action->send.timeout.timeout = core->own_timeout;
    action->send.timeout.high_qc = &core->record.timeout_qc;
    own.timeout.timeout = core->own_timeout;
    own.timeout.high_qc = &core->record.timeout_qc;
    pacemaker_on_timeout(core, &own);
}

static void sign_completed(struct core *core, const struct intent *intent, const struct sig *sig)
{
    switch (intent->kind) {
    case INTENT_PROPOSAL:
        emit_send(core, SEND_PROPOSAL, TO_ALL)->send.proposal = intent->proposal.block;
        break;
    case INTENT_VOTE: {
        struct wire_vote vote = intent->vote;
        vote.signature = *sig;
        vote_count_own(core, &vote);
        break;
    }
    case INTENT_COMMIT_VOTE: {
        struct wire_commit_vote vote = intent->commit_vote;
        vote.signature = *sig;
        vote_count_own_commit(core, &vote);
        break;
    }
    case INTENT_TIMEOUT:
        timeout_completed(core, &intent->timeout, sig);
        break;
    case INTENT_CHECKPOINT: {
        struct wire_checkpoint checkpoint = intent->checkpoint;
        checkpoint.signature = *sig;
        checkpoint_signed(core, &checkpoint);
        break;
    }
    }
}

static void on_persisted(struct core *core, const struct input *input)
{
    MUST(core->n_persists > 0 && core->persists[0].token == input->persisted.token);
    struct persist done = core->persists[0];

    core->n_persists--;
    memmove(core->persists, core->persists + 1, core->n_persists * sizeof(done));
    MUST(input->persisted.n_sigs == done.n_intents);
    for (uint32_t i = 0; i < done.n_intents; i++)
        sign_completed(core, &done.intents[i], &input->persisted.sigs[i]);
}

static void on_payload(struct core *core, const struct input *input)
{
    struct block *block = chain_find(core, &input->payload.block);

    if (block != NULL)
        block->payload = input->payload.is_valid ? PAYLOAD_READY : PAYLOAD_INVALID;
}

static void on_pending(struct core *core, const struct input *input)
{
    if (core->any_pending && !input->pending.any)
        core->quiet_since_ms = core->now_ms;
    core->any_pending = input->pending.any;
    core->config_pending = input->pending.any_config;
    core->pending_oldest_ms = input->pending.oldest_ms;
    core->is_overtaken = input->pending.is_overtaken;
}

/* Asks the healthy leader, or makes this node time out towards the wanted one's term. */
static void on_operator_transfer(struct core *core, uint32_t to)
{
    bool leader_is_heard = core->now_ms < core->leader_seen_ms + core->config.round_timeout_ms;

    if (core->leader == core->config.self) {
        propose_on_transfer(core, to);
        return;
    }
    if (leader_is_heard) {
        struct action *action = emit_send(core, SEND_TRANSFER, core->leader);
        action->send.transfer.epoch = core->cur.epoch;
        action->send.transfer.term = core->cur.term;
        action->send.transfer.to = to == VALIDATOR_NONE ? core->config.set.n : to;
        return;
    }
    uint64_t term = core->cur.term;
    while (to != VALIDATOR_NONE && term < core->cur.term + core->config.set.n &&
           scheduled_leader(&core->config.set, term + 1) != to)
        term++;
    pacemaker_time_out(core, term, REASON_OPERATOR);
}

static void on_transfer(struct core *core, uint32_t to)
{
    propose_on_transfer(core, to < core->config.set.n ? to : VALIDATOR_NONE);
}

static void dispatch(struct core *core, const struct input *input)
{
    switch (input->kind) {
    case INPUT_TICK:
        break;
    case INPUT_PROPOSAL:
        vote_on_proposal(core, input);
        break;
    case INPUT_VOTE:
        vote_on_vote(core, input);
        break;
    case INPUT_COMMIT_VOTE:
        vote_on_commit_vote(core, input);
        break;
    case INPUT_TIMEOUT:
        pacemaker_on_timeout(core, input);
        break;
    case INPUT_QC:
        observe_qc(core, input->qc);
        break;
    case INPUT_CC:
        observe_cc(core, input->cc);
        break;
    case INPUT_ENTRY:
        observe_entry(core, input->entry);
        break;
    case INPUT_HEARTBEAT:
        beat_on_heartbeat(core, input);
        break;
    case INPUT_RANK_QUERY:
    case INPUT_RANK_ANSWER:
        admission_on_input(core, input);
        break;
    case INPUT_CHECKPOINT:
        checkpoint_on(core, &input->checkpoint);
        break;
    case INPUT_TRANSFER:
        on_transfer(core, input->transfer_to);
        break;
    case INPUT_OPERATOR_TRANSFER:
        on_operator_transfer(core, input->transfer_to);
        break;
    case INPUT_DRAIN:
        core->is_draining = true;
        break;
    case INPUT_PERSISTED:
        on_persisted(core, input);
        break;
    case INPUT_PAYLOAD:
        on_payload(core, input);
        break;
    case INPUT_BUILT:
        propose_on_built(core, input);
        break;
    case INPUT_PENDING:
        on_pending(core, input);
        break;
    case INPUT_EXECUTED:
        commit_on_executed(core, input->executed.height, &input->executed.root);
        break;
    case INPUT_RANGE:
        commit_on_range(core, input);
        break;
    case INPUT_EPOCH_PROOF:
    case INPUT_OTHER_EPOCH:
    case INPUT_CONFIG:
    case INPUT_IDENTITY:
        epoch_on_input(core, input);
        break;
    }
}

/* A term entered by a certificate shows its leader when the certified block is here. */
static void learn_leader(struct core *core)
{
    const struct qc *high = &core->record.high_qc;

    if (core->record.entry.kind != ENTRY_NONE || high->rank.seq == 0 ||
        term_cmp(rank_term(high->rank), core->cur) != 0)
        return;
    const struct block *block = chain_find(core, &high->block);
    if (block != NULL)
        core->leader = (uint32_t)block->header.author;
    else if (hash_eq(&high->block, &core->committed.block))
        core->leader = (uint32_t)core->committed.author;
}

/* What follows from the state, whatever brought it about. */
static void follow_up(struct core *core)
{
    admission_tick(core);
    observe_handoff(core);
    learn_leader(core);
    commit_try(core);
    epoch_try(core);
    pacemaker_tick(core);
    beat_tick(core);
    vote_try_commit(core);
    vote_try(core);
    propose_try(core);
    checkpoint_try(core);
}

void core_step(struct core *core, const struct input *input, struct actions *ret_actions)
{
    struct term before = core->cur;

    core->out = ret_actions;
    ret_actions->n = 0;
    core->now_ms = input->now_ms;
    core->wall_ms = input->wall_ms;
    if (!core->is_started)
        start_clocks(core);
    if (input->from < core->config.set.n)
        core->peers[input->from].seen_ms = input->now_ms;
    dispatch(core, input);
    follow_up(core);
    emit_persist(core);
    core->out = NULL;
    MUST(term_cmp(core->cur, before) >= 0); /* I9 */
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t core_deadline_ms(const struct core *core)
{
    if (!core->is_started || epoch_is_due(core))
        return 0;
    uint64_t due = min_u64(core->beat_ms + core->config.heartbeat_ms, admission_deadline(core));

    /* While persists pile up nothing may be signed: the beat is enough of a tick. */
    if (core_may_sign(core))
        due = min_u64(due, min_u64(pacemaker_deadline(core), propose_deadline(core)));
    bool owes_checkpoint = core->committed.height > core->checkpoint_signed_height;
    uint64_t checkpoint_ms = core->quiet_since_ms + core->config.heartbeat_ms / 2;
    if (owes_checkpoint && !core->any_pending && checkpoint_ms > core->now_ms)
        due = min_u64(due, checkpoint_ms);
    return due;
}
