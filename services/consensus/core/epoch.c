/* Epochs (PROTOCOL, "Epochs and recovery"): one ends at its first committed config block, or
 * by T0's word; the next begins on that block, with the set it names. */
#include "services/consensus/core/core_state.h"

#include "common/must.h"

/* A learner this close to the others counts as caught up: what is under way. */
#define CAUGHT_UP_BLOCKS 4u

bool epoch_is_ending(const struct core *core)
{
    return core->pending.kind != EPOCH_PROOF_NONE;
}

bool epoch_has_config(struct core *core, const struct hash *id)
{
    struct hash at = *id;

    for (uint32_t steps = 0; steps <= CHAIN_WINDOW; steps++) {
        if (hash_eq(&at, &core->committed.block))
            return !hash_is_zero(&core->committed.next_set);
        const struct block *block = chain_find(core, &at);
        if (block == NULL)
            return false;
        if (!hash_is_zero(&block->header.next_set))
            return true;
        at = block->header.parent;
    }
    return false;
}

/* ---- the sets that config blocks make ---- */

void epoch_keep_set(struct core *core, const struct members *next)
{
    core->next_set_newest = (core->next_set_newest + 1) % NEXT_SETS_MAX;
    core->next_sets[core->next_set_newest] = *next;
}

static const struct members *find_set(const struct core *core, const struct hash *digest)
{
    for (uint32_t i = 0; i < NEXT_SETS_MAX; i++) {
        if (core->next_sets[i].n == 0)
            continue;
        struct hash held = members_digest(&core->next_sets[i]);
        if (hash_eq(&held, digest))
            return &core->next_sets[i];
    }
    return NULL;
}

static void ask_config(struct core *core, const struct hash *block, uint64_t *asked_ms)
{
    if (*asked_ms != 0 && core->now_ms < *asked_ms + core->config.heartbeat_ms)
        return;
    *asked_ms = core->now_ms;
    emit(core, ACTION_NEED_CONFIG)->need.block = *block;
}

static void on_config(struct core *core, const struct input *input)
{
    struct block *block = chain_find(core, &input->config.block);
    struct hash named = {{0}};

    if (block != NULL)
        named = block->header.next_set;
    else if (hash_eq(&input->config.block, &core->committed.block))
        named = core->committed.next_set;
    if (hash_is_zero(&named))
        return;
    bool is_right = false;
    if (input->config.is_accepted && members_are_valid(input->config.next)) {
        struct hash digest = members_digest(input->config.next);
        is_right = hash_eq(&digest, &named);
    }
    if (block != NULL)
        block->config = is_right ? CONFIG_ACCEPTED : CONFIG_REJECTED;
    if (is_right && find_set(core, &named) == NULL)
        epoch_keep_set(core, input->config.next);
}

/* VOTE 7, and what rule 3 says of descendants. */
enum judgement epoch_judge_config(struct core *core, struct block *block, const struct tip *parent,
                                  enum note_reason *ret_reason)
{
    bool is_config = !hash_is_zero(&block->header.next_set);

    if (epoch_has_config(core, &parent->block)) {
        *ret_reason = is_config ? REASON_BAD_CONFIG : REASON_NOT_EMPTY;
        return block->is_empty && !is_config ? JUDGE_VOTE : JUDGE_REFUSE;
    }
    if (!is_config)
        return JUDGE_VOTE;
    *ret_reason = REASON_BAD_CONFIG;
    /* Only on a committed parent, and executed first: a rejected change that named a set
     * would prove a false one. */
    if (!hash_eq(&parent->block, &core->committed.block) ||
        core->executed_height < core->committed.height || block->payload != PAYLOAD_READY)
        return JUDGE_WAIT;
    switch (block->config) {
    case CONFIG_ACCEPTED:
        return JUDGE_VOTE;
    case CONFIG_REJECTED:
        return JUDGE_REFUSE;
    case CONFIG_UNKNOWN:
        break;
    }
    ask_config(core, &block->id, &block->config_asked_ms);
    return JUDGE_WAIT;
}

/* ---- the end of an epoch ---- */

/* Our own proof, once a config block is committed: by its certificate or a descendant's. */
static void prove(struct core *core)
{
    const struct wire_header *path[EPOCH_PATH_MAX];
    struct epoch_proof *proof = &core->pending;
    struct hash at = commit_proof_block(&core->best_proof);
    uint32_t n = 0;

    if (hash_is_zero(&core->committed.next_set) ||
        core->tip_header.height != core->committed.height ||
        rank_cmp(commit_proof_rank(&core->best_proof), core->committed.rank) < 0)
        return;
    while (!hash_eq(&at, &core->committed.block)) {
        const struct block *block = chain_find(core, &at);
        if (block == NULL) {
            chain_want(core, &at, commit_proof_rank(&core->best_proof), 0, VALIDATOR_NONE);
            return;
        }
        if (n == EPOCH_PATH_MAX || block->header.height <= core->committed.height)
            return;
        path[n++] = &block->header;
        at = block->header.parent;
    }
    proof->kind = EPOCH_PROOF_COMMIT;
    proof->root = core->tip_header;
    proof->n_path = n;
    for (uint32_t i = 0; i < n; i++)
        proof->path[i] = *path[n - 1 - i];
    proof->proof = core->best_proof;
    proof->next.n = 0;
    core->pending_root = core->committed.block;
}

/* Both end our epoch. The lower comes first: what T0 abandons was not to be committed, and
 * what was committed before T0 spoke leads up to where it goes on. */
static bool is_preferred(const struct core *core, const struct epoch_proof *proof,
                         const struct hash *root)
{
    if (core->pending.kind == EPOCH_PROOF_NONE)
        return true;
    if (core->pending.next.n == 0 && hash_eq(root, &core->pending_root))
        return true;
    return epoch_proof_height(proof) < epoch_proof_height(&core->pending);
}

static void on_proof(struct core *core, const struct epoch_proof *proof)
{
    struct hash root = epoch_proof_root(proof);
    uint64_t height = epoch_proof_height(proof);

    if (epoch_proof_epoch(proof) <= core->cur.epoch)
        return;
    if (height < core->committed.height ||
        (height == core->committed.height && !hash_eq(&root, &core->committed.block))) {
        emit_note(core, NOTE_RECOVERY_REFUSED, REASON_RECOVERY, VALIDATOR_NONE, NULL);
        return;
    }
    if (!is_preferred(core, proof, &root))
        return;
    epoch_proof_copy(&core->pending, proof);
    core->pending_root = root;
}

/* Behind its own record a core need not wait for a peer to prove the next epoch. */
static void offer_record_proof(struct core *core)
{
    const struct epoch_proof *proof = &core->record.proof;

    if (core->is_behind_record && (proof->kind == EPOCH_PROOF_RECOVERY ||
                                   epoch_proof_epoch(proof) == core->config.set.epoch + 1))
        on_proof(core, proof);
}

/* What the old epoch still has under way is completed in it: one write of the record never
 * holds statements of two epochs. */
bool epoch_is_due(const struct core *core)
{
    return epoch_is_ending(core) && core->pending.next.n > 0 &&
           hash_eq(&core->pending_root, &core->committed.block) && core->n_persists == 0 &&
           core->n_intents == 0 && hash_is_zero(&core->persist_block);
}

void epoch_try(struct core *core)
{
    struct epoch_proof *pending = &core->pending;

    if (pending->kind == EPOCH_PROOF_NONE)
        offer_record_proof(core);
    if (pending->kind == EPOCH_PROOF_NONE)
        prove(core);
    if (pending->kind == EPOCH_PROOF_NONE || !hash_eq(&core->pending_root, &core->committed.block))
        return;
    if (pending->next.n == 0) {
        const struct members *next = find_set(core, &pending->root.next_set);
        if (next == NULL) {
            ask_config(core, &core->pending_root, &core->config_asked_ms);
            return;
        }
        pending->next = *next;
    }
    /* In a step of its own: actions before it point at what is replaced here. */
    if (epoch_is_due(core) && core->out->n == 0)
        epoch_enter(core);
}

/* ---- peers of other epochs ---- */

/* The proof to who is behind; where we are to who is ahead, for it will answer with one. */
void epoch_on_other(struct core *core, uint32_t from, uint64_t epoch)
{
    if (epoch == core->cur.epoch || !beat_may_help(core, from))
        return;
    if (epoch > core->cur.epoch) {
        beat_send(core, from, BEAT_ANSWER);
        return;
    }
    struct action *action = emit_send(core, SEND_EPOCH_PROOF, from);
    action->send.epoch_proof.after = epoch;
    action->send.epoch_proof.proof = &core->entered;
}

void epoch_on_input(struct core *core, const struct input *input)
{
    if (input->kind == INPUT_EPOCH_PROOF) {
        on_proof(core, input->epoch_proof);
    } else if (input->kind == INPUT_OTHER_EPOCH) {
        epoch_on_other(core, input->from, input->epoch);
    } else if (input->kind == INPUT_CONFIG) {
        on_config(core, input);
    } else {
        MUST(input->kind == INPUT_IDENTITY);
        core->has_spare = true;
        core->spare = input->identity;
    }
}

/* Members of the last epoch serve until a quorum of this one has come. */
void epoch_on_heartbeat(struct core *core, uint32_t from, uint64_t epoch)
{
    uint32_t n = core->config.self != VALIDATOR_NONE;

    core->peers[from].epoch = epoch;
    if (core->is_settled || epoch < core->cur.epoch)
        return;
    for (uint32_t i = 0; i < core->config.set.n; i++)
        n += core->peers[i].epoch >= core->cur.epoch;
    if (n < quorum_size(core->config.set.n))
        return;
    core->is_settled = true;
    emit_note(core, NOTE_EPOCH_SETTLED, REASON_NONE, core->config.self, NULL);
}

bool epoch_is_caught_up(const struct core *core)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < core->config.set.n; i++)
        n += core->peers[i].epoch != 0 && /* it has said where it stands */
             core->peers[i].committed_height <= core->committed.height + CAUGHT_UP_BLOCKS;
    return n >= quorum_size(core->config.set.n);
}
