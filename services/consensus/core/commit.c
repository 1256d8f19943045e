/* COMMIT, ranges of committed blocks from peers, execution and checkpoints. */
#include "services/consensus/core/core_state.h"

#include "common/must.h"

const struct hash *commit_root_at(const struct core *core, uint64_t height)
{
    const struct executed_root *slot = &core->roots[height % EXECUTED_ROOTS];

    return slot->height == height ? &slot->root : NULL;
}

/* A committed block that cites another state than ours is an alarm, never an abort. */
static void compare_state(struct core *core, const struct block *block)
{
    const struct hash *root = commit_root_at(core, block->header.prev_height);

    if (root != NULL && !hash_eq(root, &block->header.prev_root))
        emit_note(core, NOTE_STATE_MISMATCH, REASON_BAD_STATE, (uint32_t)block->header.author,
                  block);
}

static void commit_block(struct core *core, const struct block *block,
                         const struct commit_proof *proof)
{
    struct action *action = emit(core, ACTION_COMMIT);

    action->commit.block = block->id;
    action->commit.rank = block->header.rank;
    action->commit.height = block->header.height;
    action->commit.proof = proof;
    compare_state(core, block);
    if (!block->is_empty)
        core->last_filled_ms = core->now_ms;
    if (!hash_is_zero(&block->header.next_set))
        core->tip_header = block->header;
    if (block->payload != PAYLOAD_READY)
        core->unready_height = block->header.height;
    core->committed = (struct tip){
        .rank = block->header.rank,
        .block = block->id,
        .height = block->header.height,
        .time_ms = block->header.time_ms,
        .author = block->header.author,
        .handoff = block->header.handoff,
        .next_set = block->header.next_set,
    };
}

/* Back-off returns to the last value that committed; a second outage in a row keeps
 * what it needed, so that a slow network is not probed for ever. */
static void relax_backoff(struct core *core)
{
    uint32_t needed = core->backoff;

    core->backoff = core->backoff_committed < needed ? core->backoff_committed : needed;
    core->backoff_committed = needed;
}

static void after_commit(struct core *core)
{
    core->last_commit_ms = core->now_ms;
    core->sync_asked_ms = 0;
    relax_backoff(core);
    chain_trim(core);
}

/* What is to be committed next: the root of the epoch that is to come, where it is proven;
 * else what the best certificate proves. */
struct target {
    struct hash block;
    const struct commit_proof *proof; /* NULL: a recovery's word */
    bool is_proven;                   /* by a certificate of its own */
};

static bool find_target(const struct core *core, struct target *ret_target)
{
    const struct commit_proof *proof = &core->best_proof;

    if (epoch_is_ending(core)) {
        bool is_commit = core->pending.kind == EPOCH_PROOF_COMMIT;
        *ret_target = (struct target){core->pending_root, is_commit ? &core->pending.proof : NULL,
                                      is_commit && core->pending.n_path == 0};
        return !hash_eq(&core->pending_root, &core->committed.block);
    }
    *ret_target = (struct target){commit_proof_block(proof), proof, true};
    /* Nothing is committed on a config block in its own epoch. */
    return hash_is_zero(&core->committed.next_set) &&
           rank_cmp(commit_proof_rank(proof), core->committed.rank) > 0;
}

/* Something below the proof is absent: ask for the block, then for the range. */
static void fetch_missing(struct core *core, const struct target *target,
                          const struct hash *missing)
{
    static const struct commit_proof none = {.is_child_qc = false};
    const struct commit_proof *proof = target->proof != NULL ? target->proof : &none;
    const struct qc *high = &core->record.high_qc;
    uint64_t signers = 0; /* anybody */

    /* Who voted has the block; who commit-voted need not. */
    if (proof->is_child_qc)
        signers = proof->qc.signers;
    else if (hash_eq(&high->block, &proof->cc.block))
        signers = high->signers;

    if (!hash_is_zero(missing))
        chain_want(core, missing, commit_proof_rank(proof), signers, VALIDATOR_NONE);
    if (core->sync_asked_ms == 0) {
        core->sync_asked_ms = core->now_ms;
        return;
    }
    if (core->now_ms < core->sync_asked_ms + core->config.heartbeat_ms)
        return;
    core->sync_asked_ms = core->now_ms;
    struct action *action = emit(core, ACTION_SYNC);
    action->sync.target = commit_proof_rank(proof);
    action->sync.block = target->block;
    action->sync.from = VALIDATOR_NONE;
    action->sync.signers = signers;
}

void commit_try(struct core *core)
{
    const struct block *path[CHAIN_WINDOW];
    struct hash missing = {{0}};
    struct target target;
    uint32_t n = 0;

    if (!find_target(core, &target))
        return;
    struct hash at = target.block;
    if (!chain_is_whole(core, &at, false, &missing)) {
        fetch_missing(core, &target, &missing);
        return;
    }
    while (!hash_eq(&at, &core->committed.block)) {
        path[n] = chain_find(core, &at);
        MUST(path[n] != NULL && n < CHAIN_WINDOW);
        at = path[n++]->header.parent;
    }
    /* COMMIT stops at the first config block: what is above it in this epoch only proves it. */
    bool has_ended = false;
    for (uint32_t i = n; i > 0 && !has_ended; i--) {
        struct block *block = chain_find(core, &path[i - 1]->id);
        commit_block(core, block, i == 1 && target.is_proven ? target.proof : NULL);
        has_ended = !hash_is_zero(&block->header.next_set);
        block->is_used = false;
    }
    after_commit(core);
}

/* Of our epoch alone, up to where it ends at most. */
static bool is_range_linked(const struct core *core, const struct input *input)
{
    struct hash parent = core->committed.block;
    struct rank rank = core->committed.rank;
    bool has_ended = !hash_is_zero(&core->committed.next_set);

    for (uint32_t i = 0; i < input->range.n; i++) {
        const struct wire_header *header = &input->range.headers[i];
        if (has_ended || !hash_eq(&header->parent, &parent) ||
            header->rank.epoch != core->cur.epoch ||
            header->height != core->committed.height + 1 + i || rank_cmp(header->rank, rank) <= 0)
            return false;
        parent = input->range.ids[i];
        rank = header->rank;
        has_ended = !hash_is_zero(&header->next_set) ||
                    (epoch_is_ending(core) && hash_eq(&parent, &core->pending_root));
    }
    if (input->range.proof == NULL)
        return epoch_is_ending(core) && hash_eq(&parent, &core->pending_root);
    struct hash proven = commit_proof_block(input->range.proof);
    return hash_eq(&parent, &proven);
}

void commit_on_range(struct core *core, const struct input *input)
{
    if (input->range.n == 0 || !is_range_linked(core, input))
        return;
    if (input->range.proof != NULL)
        observe_proof(core, input->range.proof);
    for (uint32_t i = 0; i < input->range.n; i++) {
        struct block block = {
            .payload = PAYLOAD_READY,
            .header = input->range.headers[i],
            .id = input->range.ids[i],
        };
        struct block *held = chain_find(core, &block.id);
        if (held != NULL)
            held->is_used = false;
        commit_block(core, &block, i + 1 == input->range.n ? input->range.proof : NULL);
    }
    after_commit(core);
}

void commit_on_executed(struct core *core, uint64_t height, const struct hash *root)
{
    MUST(height == core->executed_height + 1 && height <= core->committed.height);
    core->executed_height = height;
    core->roots[height % EXECUTED_ROOTS] = (struct executed_root){height, *root};
    if (height == core->committed.height)
        core->quiet_since_ms = core->now_ms;
}

/* How long nothing may have waited before a checkpoint is worth its signature. */
static uint64_t quiet_ms(const struct core *core)
{
    return core->config.heartbeat_ms / 2;
}

void checkpoint_try(struct core *core)
{
    bool is_idle = !core->any_pending && core->executed_height == core->committed.height &&
                   hash_eq(&core->record.high_qc.block, &core->committed.block);

    if (!is_idle || core->committed.height <= core->checkpoint_signed_height ||
        core->now_ms < core->quiet_since_ms + quiet_ms(core))
        return;
    struct intent intent = {.kind = INTENT_CHECKPOINT};
    intent.checkpoint.height = core->committed.height;
    intent.checkpoint.block = core->committed.block;
    intent.checkpoint.state_root = *commit_root_at(core, core->executed_height);
    intent.checkpoint.voter = core->config.self;
    if (emit_intent(core, &intent))
        core->checkpoint_signed_height = core->committed.height;
}

static bool checkpoint_agrees(const struct wire_checkpoint *a, const struct wire_checkpoint *b)
{
    return a->height == b->height && hash_eq(&a->block, &b->block) &&
           hash_eq(&a->state_root, &b->state_root);
}

void checkpoint_on(struct core *core, const struct wire_checkpoint *checkpoint)
{
    struct peer *peer = &core->peers[checkpoint->voter];
    uint64_t signers = 0;

    if (peer->has_checkpoint && peer->checkpoint.height == checkpoint->height &&
        !checkpoint_agrees(&peer->checkpoint, checkpoint)) {
        struct action *action = emit_accuse(core, checkpoint->voter, INTENT_CHECKPOINT,
                                            (struct rank){0, 0, checkpoint->height});
        action->accuse.first = peer->checkpoint.state_root;
        action->accuse.second = checkpoint->state_root;
    }
    if (peer->has_checkpoint && peer->checkpoint.height >= checkpoint->height)
        return;
    peer->has_checkpoint = true;
    peer->checkpoint = *checkpoint;
    for (uint32_t i = 0; i < core->config.set.n; i++)
        if (core->peers[i].has_checkpoint &&
            checkpoint_agrees(&core->peers[i].checkpoint, checkpoint))
            signers |= UINT64_C(1) << i;
    if ((uint32_t)__builtin_popcountll(signers) < quorum_size(core->config.set.n) ||
        checkpoint->height <= core->checkpoint_height)
        return;
    core->checkpoint_height = checkpoint->height;
    struct action *action = emit(core, ACTION_CHECKPOINT);
    action->checkpoint.height = checkpoint->height;
    action->checkpoint.block = checkpoint->block;
    action->checkpoint.root = checkpoint->state_root;
    action->checkpoint.signers = signers;
}

void checkpoint_signed(struct core *core, const struct wire_checkpoint *checkpoint)
{
    emit_send(core, SEND_CHECKPOINT, TO_ALL)->send.checkpoint = *checkpoint;
    checkpoint_on(core, checkpoint);
}
