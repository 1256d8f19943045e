/* Statements with a field changed before they are signed: the signature is good, what is said is
 * not what the rules allow. */
#include "tests/sim/liar.h"
#include "tests/sim/world.h"

#define CHANGE_PER_MILLE 250u

static uint64_t near(struct rng *rng, uint64_t number)
{
    static const uint64_t steps[] = {1, 2, UINT64_MAX, 1000};

    return number + steps[rng_below(rng, N_ELEMENTS(steps))];
}

static struct rank near_rank(struct rng *rng, struct rank rank)
{
    if (rng_chance(rng, 500))
        rank.seq = near(rng, rank.seq);
    else
        rank.term = near(rng, rank.term);
    return rank;
}

static struct hash any_block(struct world *world)
{
    const struct pool *pool = &world->pool;
    uint32_t n = pool->n_blocks < 8 ? pool->n_blocks : 8;

    return pool->blocks[pool->n_blocks - 1 - rng_below(&world->rng, n)].proposal.id;
}

static struct sig sign(const struct world *world, const struct replica *liar,
                       const uint8_t *statement, size_t size)
{
    return replica_sign(world, liar, span_of(statement, size));
}

static void change_vote(struct world *world, const struct replica *liar, struct wire_vote *vote)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct rng *rng = &world->rng;

    switch (rng_below(rng, 4)) {
    case 0:
        vote->rank = near_rank(rng, vote->rank);
        break;
    case 1:
        vote->block = any_block(world);
        break;
    case 2:
        vote->parent = any_block(world);
        break;
    case 3:
        vote->parent_rank = near_rank(rng, vote->parent_rank);
        break;
    }
    size_t size = statement_vote(&world->set.chain, vote, statement);
    vote->signature = sign(world, liar, statement, size);
}

static void change_commit_vote(struct world *world, const struct replica *liar,
                               struct wire_commit_vote *vote)
{
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (rng_chance(&world->rng, 500))
        vote->rank = near_rank(&world->rng, vote->rank);
    else
        vote->block = any_block(world);
    size_t size = statement_commit_vote(&world->set.chain, vote, statement);
    vote->signature = sign(world, liar, statement, size);
}

static void change_timeout(struct world *world, const struct replica *liar, struct message *message)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct wire_timeout *timeout = &message->timeout.timeout;
    const struct pool *pool = &world->pool;

    if (pool->n_qcs == 0 || rng_chance(&world->rng, 500))
        timeout->term = near(&world->rng, timeout->term);
    else
        message->timeout.high_qc = &pool->qcs[rng_below(&world->rng, pool->n_qcs)];
    timeout->high = message->timeout.high_qc->rank;
    size_t size = statement_timeout(&world->set.chain, timeout, statement);
    timeout->signature = sign(world, liar, statement, size);
}

static void change_checkpoint(struct world *world, const struct replica *liar,
                              struct wire_checkpoint *checkpoint)
{
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (rng_chance(&world->rng, 500))
        checkpoint->height = near(&world->rng, checkpoint->height);
    else if (rng_chance(&world->rng, 500))
        checkpoint->block = any_block(world);
    else
        checkpoint->state_root.b[0] ^= 1;
    size_t size = statement_checkpoint(&world->set.chain, checkpoint, statement);
    checkpoint->signature = sign(world, liar, statement, size);
}

/* Nobody signs a heartbeat, but nobody else can send one for the liar either. */
static void change_heartbeat(struct world *world, struct wire_heartbeat *beat)
{
    struct rng *rng = &world->rng;

    switch (rng_below(rng, 6)) {
    case 0:
        beat->term = near(rng, beat->term);
        break;
    case 1:
        beat->high = near_rank(rng, beat->high);
        break;
    case 2:
        beat->committed = near_rank(rng, beat->committed);
        break;
    case 3:
        beat->committed_height = near(rng, beat->committed_height);
        break;
    case 4:
        beat->timed_out = near(rng, beat->timed_out);
        break;
    case 5:
        beat->reply = rng_below(rng, 4);
        break;
    }
}

void liar_mutates(struct world *world, const struct replica *liar, struct message *message)
{
    if (world->is_healed || !rng_chance(&world->rng, CHANGE_PER_MILLE))
        return;
    switch (message->kind) {
    case MESSAGE_VOTE:
        change_vote(world, liar, &message->vote);
        break;
    case MESSAGE_COMMIT_VOTE:
        change_commit_vote(world, liar, &message->commit_vote);
        break;
    case MESSAGE_TIMEOUT:
        change_timeout(world, liar, message);
        break;
    case MESSAGE_CHECKPOINT:
        change_checkpoint(world, liar, &message->checkpoint);
        break;
    case MESSAGE_HEARTBEAT:
        change_heartbeat(world, &message->heartbeat);
        break;
    case MESSAGE_RANK_ANSWER:
        message->rank_answer.has_vote = message->rank_answer.has_commit_vote = false;
        message->rank_answer.has_timeout = false;
        break;
    case MESSAGE_TRANSFER:
        message->transfer.to = rng_below(&world->rng, world->n_validators + 1);
        break;
    case MESSAGE_PROPOSAL: /* forge.c changes those */
    case MESSAGE_QC:
    case MESSAGE_CC:
    case MESSAGE_ENTRY:
    case MESSAGE_RANK_QUERY:
    case MESSAGE_EPOCH_PROOF:
    case MESSAGE_BUNDLES:
    case MESSAGE_BUNDLE_REQUEST:
    case MESSAGE_BLOCK_REQUEST:
    case MESSAGE_RANGE_REQUEST:
    case MESSAGE_RANGE:
    case MESSAGES_END:
        return;
    }
    world->stats->lies[LIE_MUTATE]++;
}
