/* The core's actions against the fakes. */
#include "common/must.h"
#include "tests/sim/member.h"
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

#include <inttypes.h>

static uint32_t digest_of_id(const struct hash *id)
{
    uint32_t word;
    memcpy(&word, id->b, sizeof(word));
    return word;
}

static const struct qc *intern_qc(struct world *world, const struct qc *qc)
{
    bool is_new;
    const struct qc *kept = pool_add_qc(&world->pool, qc, &is_new);

    if (kept == NULL)
        check_fail(world, CHECK_PROOF, "a replica made a QC that does not verify");
    else if (is_new)
        check_qc(world, kept);
    return kept;
}

static const struct cc *intern_cc(struct world *world, const struct cc *cc)
{
    bool is_new;
    const struct cc *kept = pool_add_cc(&world->pool, cc, &is_new);

    if (kept == NULL)
        check_fail(world, CHECK_PROOF, "a replica made a CC that does not verify");
    else if (is_new)
        check_cc(world, kept);
    return kept;
}

static const struct entry *intern_entry(struct world *world, const struct entry *entry)
{
    bool is_new;
    const struct entry *kept = pool_add_entry(&world->pool, entry, &is_new);

    if (kept == NULL)
        check_fail(world, CHECK_PROOF, "a replica made an entry that does not verify");
    else if (is_new)
        check_entry(world, kept);
    return kept;
}

static void fill_rank_answer(struct message *message, const struct action *action)
{
    message->rank_answer.nonce = action->send.rank_answer.nonce;
    message->rank_answer.has_vote = action->send.rank_answer.vote != NULL;
    message->rank_answer.has_commit_vote = action->send.rank_answer.commit_vote != NULL;
    message->rank_answer.has_timeout = action->send.rank_answer.timeout != NULL;
    if (message->rank_answer.has_vote)
        message->rank_answer.vote = *action->send.rank_answer.vote;
    if (message->rank_answer.has_commit_vote)
        message->rank_answer.commit_vote = *action->send.rank_answer.commit_vote;
    if (message->rank_answer.has_timeout)
        message->rank_answer.timeout = *action->send.rank_answer.timeout;
}

/* The first epoch after that one whose proof is here, 0 = none. */
static uint32_t proof_after(const struct replica *replica, uint64_t epoch)
{
    for (uint32_t next = (uint32_t)epoch + 1; next < EPOCHS_MAX; next++)
        if ((replica->epochs >> next & 1) != 0)
            return next;
    return 0;
}

/* False: nothing to send after all. */
static bool fill_message(struct world *world, const struct replica *replica,
                         const struct action *action, struct message *message)
{
    message->kind = (enum message_kind)action->send.kind;
    switch (action->send.kind) {
    case SEND_PROPOSAL:
        message->block = pool_find_block(&world->pool, &action->send.proposal);
        return message->block != NO_BLOCK;
    case SEND_VOTE:
        message->vote = action->send.vote;
        return true;
    case SEND_COMMIT_VOTE:
        message->commit_vote = action->send.commit_vote;
        return true;
    case SEND_TIMEOUT:
        message->timeout.timeout = action->send.timeout.timeout;
        message->timeout.high_qc = intern_qc(world, action->send.timeout.high_qc);
        return message->timeout.high_qc != NULL;
    case SEND_QC:
        message->qc = intern_qc(world, action->send.qc);
        return message->qc != NULL;
    case SEND_CC:
        message->cc = intern_cc(world, action->send.cc);
        return message->cc != NULL;
    case SEND_ENTRY:
        message->entry = intern_entry(world, action->send.entry);
        return message->entry != NULL;
    case SEND_HEARTBEAT:
        message->heartbeat = action->send.heartbeat;
        return true;
    case SEND_RANK_QUERY:
        message->nonce = action->send.nonce;
        return true;
    case SEND_RANK_ANSWER:
        fill_rank_answer(message, action);
        return true;
    case SEND_CHECKPOINT:
        message->checkpoint = action->send.checkpoint;
        return true;
    case SEND_TRANSFER:
        message->transfer = action->send.transfer;
        return true;
    case SEND_EPOCH_PROOF:
        message->epoch = proof_after(replica, action->send.epoch_proof.after);
        return message->epoch != 0;
    }
    return false;
}

static void act_send(struct world *world, struct replica *replica, const struct action *action)
{
    struct message message;
    uint32_t to = action->send.to;

    check_sends(world, replica);
    if (to != TO_ALL)
        to = peer_node(world, replica, to);
    message.to_epoch = to == TO_ALL ? epoch_of(replica) : 0;
    if (to == VALIDATOR_NONE || !fill_message(world, replica, action, &message))
        return;
    if (liar_tells(replica->lies, LIE_MUTATE))
        liar_mutates(world, replica, &message);
    net_send(world, replica->index, to, &message);
}

static void act_persist(struct world *world, struct replica *replica, const struct action *action)
{
    const struct safety_record *record = action->persist.record;
    const struct proposal *own = action->persist.own;

    if (own != NULL) {
        /* The payload's root holds the payload itself. */
        uint64_t requests;
        memcpy(&requests, own->header.payload_root.b, sizeof(requests));
        uint32_t block = pool_add_block(&world->pool, own, requests);
        block_set_add(&replica->held, block);
        if ((world->liar_keys >> replica->key & 1) != 0)
            liar_proposes(world, replica, block);
    }
    if (record->high_qc.rank.seq > 0) {
        if (intern_qc(world, &record->high_qc) == NULL)
            return;
        uint32_t head = pool_find_block(&world->pool, &record->high_qc.block);
        if (head != NO_BLOCK)
            replica->head = head;
    }
    store_persist(world, replica, action);
}

static void act_build(struct world *world, struct replica *replica, const struct action *action)
{
    struct event event = {
        .kind = EVENT_BUILT, .replica = (uint16_t)replica->index, .boot = replica->boot};

    event.arg = pool_find_block(&world->pool, &action->build.parent);
    MUST(event.arg != NO_BLOCK);
    replica->head = event.arg;
    if (action->build.must_be_empty)
        event.arg |= EVENT_ARG_EMPTY;
    if (action->build.may_configure)
        event.arg |= EVENT_ARG_CONFIG;
    world_schedule(world, rng_below(&world->rng, 2), event);
}

/* Somebody else who should have it: the one named, or one of the signers, or anybody. */
static uint32_t pick_peer(struct world *world, const struct replica *replica, uint32_t from,
                          uint64_t signers)
{
    uint64_t epoch = epoch_of(replica);
    uint32_t self = index_of(world, epoch, replica->key);
    uint64_t others = self == VALIDATOR_NONE ? signers : signers & ~(UINT64_C(1) << self);
    uint32_t n_nodes = world->n_validators + world->n_joiners;

    from = from == VALIDATOR_NONE ? from : peer_node(world, replica, from);
    if (from != VALIDATOR_NONE && from != replica->key && rng_chance(&world->rng, 800))
        return from;
    for (uint32_t skip =
             others == 0 ? 0 : rng_below(&world->rng, 64) % (uint32_t)__builtin_popcountll(others);
         others != 0; skip--, others &= others - 1)
        if (skip == 0)
            return node_at(world, epoch, (uint32_t)__builtin_ctzll(others));
    return (replica->key + 1 + rng_below(&world->rng, n_nodes - 1)) % n_nodes;
}

static void act_need_block(struct world *world, struct replica *replica,
                           const struct action *action)
{
    struct message message = {.kind = MESSAGE_BLOCK_REQUEST};

    message.block = pool_find_block(&world->pool, &action->need.block);
    if (message.block != NO_BLOCK && message.block != 0)
        net_send(world, replica->index,
                 pick_peer(world, replica, action->need.from, action->need.signers), &message);
}

static void act_sync(struct world *world, struct replica *replica, const struct action *action)
{
    struct message message = {.kind = MESSAGE_RANGE_REQUEST};
    const struct pool_block *tip = &world->pool.blocks[replica->committed];

    message.range_request.from_height = tip->proposal.header.height + 1;
    message.range_request.max = SIM_RANGE_MAX;
    net_send(world, replica->index,
             pick_peer(world, replica, action->sync.from, action->sync.signers), &message);
}

static void act_commit(struct world *world, struct replica *replica, const struct action *action)
{
    uint32_t block = pool_find_block(&world->pool, &action->commit.block);

    if (block == NO_BLOCK) {
        check_fail(world, CHECK_LINKED, "r%u: commits a block nobody made", replica->index);
        return;
    }
    check_commit(world, replica, block, action->commit.proof);
    if (action->commit.proof != NULL) {
        pool_add_proof(&world->pool, block, action->commit.proof);
        block_set_add(&replica->proven, block);
    }
    node_committed(world, replica, block);
}

static void act_note(struct world *world, struct replica *replica, const struct action *action)
{
    switch (action->note.kind) {
    case NOTE_TERM_ENTERED:
        world->stats->terms++;
        check_term(world, replica, action->note.term);
        if ((world->liar_keys >> replica->key & 1) != 0)
            liar_enters(world, replica);
        break;
    case NOTE_OBSERVING:
        if (!world_may_observe(world, replica->key) && !replica->store.has_lost_file)
            check_fail(world, CHECK_NO_OBSERVER, "r%u: stops signing: %s", replica->index,
                       note_reason_text(action->note.reason));
        break;
    case NOTE_STATE_MISMATCH:
        check_fail(world, CHECK_STATE, "r%u: a committed block cites another state",
                   replica->index);
        break;
    case NOTE_EPOCH_SETTLED:
        member_released(world, replica);
        break;
    case NOTE_EPOCH_ENTERED:
    case NOTE_RECOVERY_REFUSED:
    case NOTE_TIMED_OUT:
    case NOTE_PROPOSED:
    case NOTE_REFUSED:
    case NOTE_ADMITTED:
        break;
    }
    transcript_note(world, replica->index, action);
    world_trace(world, replica->index, note_name(action->note.kind),
                action->note.term.term << 16 | (uint64_t)action->note.reason << 8 |
                    action->note.rank.seq);
    world_say(world, replica->index,
              "%s term %" PRIu64 " block %" PRIu64 ".%" PRIu64 " validator %" PRIu32 ": %s",
              note_name(action->note.kind), action->note.term.term, action->note.rank.term,
              action->note.rank.seq, action->note.validator, note_reason_text(action->note.reason));
}

static void act_need_config(struct world *world, struct replica *replica,
                            const struct action *action)
{
    struct event event = {
        .kind = EVENT_CONFIG, .replica = (uint16_t)replica->index, .boot = replica->boot};

    event.arg = pool_find_block(&world->pool, &action->need.block);
    if (event.arg != NO_BLOCK)
        world_schedule(world, rng_below(&world->rng, 3), event);
}

static void act_epoch(struct world *world, struct replica *replica, const struct epoch_proof *proof)
{
    uint64_t epoch = epoch_proof_epoch(proof);

    check_epoch_proof(world, replica, proof);
    if (world->checkers.has_failed)
        return;
    replica->epochs |= UINT64_C(1) << epoch;
    replica->looked.resend_ms = 0; /* other changes may be fit now */
    world->stats->epochs++;
    store_note_epoch(world, replica, epoch);
    if (replica->epochs >> epoch != 1)
        world_schedule(world, 0,
                       (struct event){.kind = EVENT_EPOCH,
                                      .replica = (uint16_t)replica->index,
                                      .boot = replica->boot});
}

void replica_act(struct world *world, struct replica *replica, const struct action *action)
{
    switch (action->kind) {
    case ACTION_PERSIST:
        act_persist(world, replica, action);
        break;
    case ACTION_SEND:
        act_send(world, replica, action);
        break;
    case ACTION_BUILD:
        act_build(world, replica, action);
        break;
    case ACTION_NEED_PAYLOAD:
        node_need_payload(world, replica, pool_find_block(&world->pool, &action->need.block));
        break;
    case ACTION_NEED_BLOCK:
        act_need_block(world, replica, action);
        break;
    case ACTION_COMMIT:
        world_trace(world, replica->index, "commit", digest_of_id(&action->commit.block));
        transcript_say(world, replica->index, "commits height %" PRIu64 ": %" PRIu64 ".%" PRIu64,
                       action->commit.height, action->commit.rank.term, action->commit.rank.seq);
        world_say(world, replica->index, "commits height %" PRIu64 " %" PRIu64 ".%" PRIu64,
                  action->commit.height, action->commit.rank.term, action->commit.rank.seq);
        act_commit(world, replica, action);
        break;
    case ACTION_SYNC:
        act_sync(world, replica, action);
        break;
    case ACTION_FORGET:
        break;
    case ACTION_CHECKPOINT:
        check_checkpoint(world, replica, action);
        break;
    case ACTION_ACCUSE:
        check_accused(world, replica, action);
        break;
    case ACTION_NEED_CONFIG:
        act_need_config(world, replica, action);
        break;
    case ACTION_EPOCH:
        act_epoch(world, replica, action->epoch);
        break;
    case ACTION_NOTE:
        act_note(world, replica, action);
        break;
    }
}

const char *note_name(enum note_kind kind)
{
    static const char *const names[] = {
        [NOTE_TERM_ENTERED] = "enters-term", [NOTE_TIMED_OUT] = "times-out",
        [NOTE_PROPOSED] = "proposes",        [NOTE_REFUSED] = "refuses",
        [NOTE_OBSERVING] = "observes",       [NOTE_ADMITTED] = "is-admitted",
        [NOTE_STATE_MISMATCH] = "mismatch",  [NOTE_EPOCH_ENTERED] = "enters-epoch",
        [NOTE_EPOCH_SETTLED] = "is-settled", [NOTE_RECOVERY_REFUSED] = "refuses-recovery",
    };
    return names[kind];
}
