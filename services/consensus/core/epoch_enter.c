/* The beginning of an epoch: the set, we in it, and the record that goes along. */
#include "services/consensus/core/core_state.h"

#include "common/must.h"

/* Nothing signed yet: the record that keygen made with this key. */
static void take_spare(struct core *core)
{
    struct safety_record *record = &core->record;
    const struct rank none = {0, 0, 0};

    record->counter = 1;
    record->key = core->spare.key;
    record->instance = core->spare.instance;
    record->epoch = 0;
    record->observing = false;
    record->last_vote = record->last_proposal = record->timeout_high = none;
    record->last_vote_id = record->last_proposal_id = (struct hash){{0}};
    record->timed_out = (struct term){0, 0};
    record->timeout_qc.rank = none;
    record->timeout_qc.signers = 0;
    core->has_spare = false;
}

/* Who we are in the set: by the record's key and instance, or by those that wait for it. */
static void find_self(struct core *core, const struct members *next)
{
    const struct safety_record *record = &core->record;
    uint32_t self = members_pin(next, &record->key, &record->instance);

    if (self == next->n && core->has_spare) {
        self = members_pin(next, &core->spare.key, &core->spare.instance);
        if (self < next->n)
            take_spare(core);
    }
    core->config.self = self < next->n ? self : VALIDATOR_NONE;
}

/* What was of the old set: its votes, its indexes, its blocks that never commit. */
static void forget_epoch(struct core *core)
{
    for (uint32_t i = 0; i < CHAIN_WINDOW; i++) {
        struct block *block = &core->blocks[i];
        if (!block->is_used)
            continue;
        emit(core, ACTION_FORGET)->forget = block->id;
        block->is_used = false;
    }
    for (uint32_t i = 0; i < VOTE_SETS; i++)
        core->votes[i].n_validators = core->commit_votes[i].n_validators = 0;
    memset(core->wanted, 0, sizeof(core->wanted));
    memset(core->signed_by, 0, sizeof(core->signed_by));
    memset(core->peers, 0, sizeof(core->peers));
    core->has_own_vote = core->has_own_commit_vote = core->has_own_timeout = false;
    core->best_proof.is_child_qc = false;
    core->best_proof.cc.rank = (struct rank){0, 0, 0};
    core->best_proof.cc.signers = 0;
    core->is_building = false;
    core->handoff_to = VALIDATOR_NONE;
    core->muted_since_ms = core->handoff_made_ms = core->sync_asked_ms = 0;
    core->config_asked_ms = 0;
    core->backoff = 0;
    core->is_settled = false;
    core->admission_ms = 0; /* if it still asks: of this epoch */
    core->checkpoint_signed_height = core->checkpoint_height;
}

/* The committed tip as the root of the epoch that it opens. */
static void root_the_tip(struct core *core)
{
    core->committed.rank = (struct rank){core->config.set.epoch, 0, 0};
    core->committed.author = VALIDATOR_NONE;
    core->committed.handoff = 0;
    core->committed.next_set = (struct hash){{0}};
}

static void begin_term(struct core *core, enum note_reason reason)
{
    core_restore_term(core);
    core->entered_ms = core->leader_seen_ms = core->last_commit_ms = core->now_ms;
    core->tc_entered_ms = core->high_since_ms = core->now_ms;
    emit_note(core, NOTE_EPOCH_ENTERED, reason, core->config.self, NULL);
    emit_note(core, NOTE_TERM_ENTERED, reason, core->leader, NULL);
}

/* Nothing of the epoch is known but its root; what the record says of a later one waits. */
static void set_aside(struct core *core)
{
    struct safety_record *record = &core->record;

    if (!core->is_behind_record) {
        core->is_behind_record = true;
        core->record_high_qc = record->high_qc;
        core->record_entry = record->entry;
    }
    record->high_qc = qc_of_root(&core->config.set);
    record->entry.kind = ENTRY_NONE;
}

/* The record goes along with the core into its epoch, or is there already. */
static void take_record_along(struct core *core)
{
    struct safety_record *record = &core->record;
    uint64_t epoch = core->config.set.epoch;

    if (record->epoch > epoch) {
        set_aside(core);
        return;
    }
    bool is_there = record->epoch == epoch;
    if (is_there && core->is_behind_record) {
        record->high_qc = core->record_high_qc;
        record->entry = core->record_entry;
    }
    core->is_behind_record = false;
    if (is_there || core->entered.kind == EPOCH_PROOF_NONE)
        return;
    safety_enter_epoch(record, &core->entered);
    /* Who signs nothing in it writes no record: an observer's mark and a leaver's last
     * record stay as they are. */
    core->must_persist = core->config.self != VALIDATOR_NONE && !record->observing;
}

void epoch_enter(struct core *core)
{
    struct validator_set next;

    epoch_proof_copy(&core->entered, &core->pending);
    core->pending.kind = EPOCH_PROOF_NONE;
    epoch_proof_set(&core->config.set, &core->entered, &next);
    core->config.set = next;
    find_self(core, &core->entered.next);
    take_record_along(core);
    forget_epoch(core);
    root_the_tip(core);
    begin_term(core, core->entered.kind == EPOCH_PROOF_RECOVERY ? REASON_RECOVERY : REASON_CONFIG);
    emit(core, ACTION_EPOCH)->epoch = &core->entered;
    struct action *action = emit_send(core, SEND_EPOCH_PROOF, TO_ALL);
    action->send.epoch_proof.after = next.epoch - 1;
    action->send.epoch_proof.proof = &core->entered;
}

void epoch_restore(struct core *core)
{
    const struct epoch_proof *proof = core->config.epoch_proof;

    core->config.epoch_proof = NULL; /* the caller's */
    if (proof != NULL && proof->kind != EPOCH_PROOF_NONE) {
        struct validator_set set;
        epoch_proof_copy(&core->entered, proof);
        epoch_proof_set(&core->config.set, proof, &set);
        core->config.set = set;
        find_self(core, &proof->next);
        if (hash_eq(&core->committed.block, &set.root))
            root_the_tip(core);
    }
    take_record_along(core);
}
