/* What liars let pass, sign and send. */
#include "tests/sim/liar.h"

#include "common/must.h"
#include "tests/sim/world.h"

/* A drip is just quicker than a leader's silence would be noticed. */
#define DRIP_MIN_MS 300u
#define DRIP_MAX_MS 1900u

const char *lie_name(enum lie lie)
{
    static const char *const names[] = {
        [LIE_MUTE] = "mute leader",          [LIE_DRIP] = "dripping leader",
        [LIE_WITHHOLD] = "votes withheld",   [LIE_CENSOR] = "self-handing leader",
        [LIE_NO_BODIES] = "bodies withheld", [LIE_BALLOTS] = "votes for all",
        [LIE_TIMEOUTS] = "timeouts at will", [LIE_RANGE] = "lying sync",
        [LIE_MUTATE] = "changed statement",  [LIE_SPLIT] = "split proposal",
        [LIE_FIRST] = "two first blocks",    [LIE_USURP] = "not the leader",
        [LIE_STALE_QC] = "stale justify",    [LIE_PARENT] = "other parent",
        [LIE_PREV_STATE] = "wrong state",    [LIE_TIME] = "time jump",
        [LIE_HANDOFF] = "handoff to self",   [LIE_JUMP] = "handoff jump",
        [LIE_FIELD] = "changed field",       [LIE_BODY] = "hidden bundle",
        [LIE_REPEAT] = "bundle repeated",    [LIE_CONFIG] = "false set",
    };
    return names[lie];
}

static bool tells(const struct replica *liar, enum lie lie)
{
    return (liar->lies >> lie & 1) != 0;
}

uint32_t liar_draw(struct rng *rng)
{
    /* One or two lies go further than many, most of which get in each other's way. */
    uint32_t lies = 1u << rng_below(rng, LIES_END) | 1u << rng_below(rng, LIES_END);

    if (rng_chance(rng, 300))
        lies |= (uint32_t)rng_next(rng) & ((1u << LIES_END) - 1);
    return lies;
}

void liar_born(struct world *world, struct replica *liar, uint32_t lies)
{
    liar->lies = lies;
    for (int lie = 0; lie < LIES_END; lie++)
        if (tells(liar, (enum lie)lie))
            world_say(world, liar->index, "is a liar: %s", lie_name((enum lie)lie));
    liar->friends = rng_next(&world->rng);
    liar->audience = UINT64_MAX;
}

static void send_to(struct world *world, const struct replica *liar, uint64_t audience,
                    const struct message *message)
{
    world->net.audience = audience;
    net_send(world, liar->index, TO_ALL, message);
    world->net.audience = UINT64_MAX;
}

static struct sig sign(const struct world *world, const struct replica *liar,
                       const uint8_t *statement, size_t size)
{
    return replica_sign(world, liar, span_of(statement, size));
}

static void vote_for(struct world *world, const struct replica *liar, uint32_t index,
                     uint64_t audience)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    const struct pool_block *block = &world->pool.blocks[index];
    const struct wire_header *header = &block->proposal.header;
    struct message vote = {.kind = MESSAGE_VOTE};
    struct message commit = {.kind = MESSAGE_COMMIT_VOTE};

    vote.vote.rank = commit.commit_vote.rank = header->rank;
    vote.vote.block = commit.commit_vote.block = block->proposal.id;
    vote.vote.voter = commit.commit_vote.voter = index_of(world, header->rank.epoch, liar->key);
    vote.vote.parent = header->parent;
    vote.vote.parent_rank = world->pool.blocks[block->parent].proposal.header.rank;
    size_t size = statement_vote(&world->set.chain, &vote.vote, statement);
    vote.vote.signature = sign(world, liar, statement, size);
    send_to(world, liar, audience, &vote);
    size = statement_commit_vote(&world->set.chain, &commit.commit_vote, statement);
    commit.commit_vote.signature = sign(world, liar, statement, size);
    send_to(world, liar, audience, &commit);
}

static void vote_for_any(struct world *world, const struct replica *liar)
{
    uint32_t n = world->pool.n_blocks;
    uint32_t block = n - 1 - rng_below(&world->rng, n < 6 ? n : 6);

    if (block != 0)
        vote_for(world, liar, block,
                 rng_chance(&world->rng, 500) ? UINT64_MAX : rng_next(&world->rng));
}

static void time_out_of_any(struct world *world, const struct replica *liar)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct message message = {.kind = MESSAGE_TIMEOUT};
    struct wire_timeout *timeout = &message.timeout.timeout;
    const struct pool *pool = &world->pool;
    uint64_t cur = world->checkers.term[liar->index].term;

    if (pool->n_qcs == 0)
        return;
    message.timeout.high_qc = &pool->qcs[rng_below(&world->rng, pool->n_qcs)];
    timeout->epoch = epoch_of(liar);
    timeout->term = cur + rng_below(&world->rng, 3);
    if (rng_chance(&world->rng, 100))
        timeout->term += 1000;
    timeout->high = message.timeout.high_qc->rank;
    timeout->voter = index_of(world, timeout->epoch, liar->key);
    size_t size = statement_timeout(&world->set.chain, timeout, statement);
    timeout->signature = sign(world, liar, statement, size);
    send_to(world, liar, rng_chance(&world->rng, 500) ? UINT64_MAX : rng_next(&world->rng),
            &message);
}

/* Its newest blocks under a proof that belongs to another. */
static void offer_range(struct world *world, const struct replica *liar)
{
    const struct pool *pool = &world->pool;
    struct message message = {.kind = MESSAGE_RANGE};
    uint32_t proven = rng_below(&world->rng, pool->n_blocks);

    message.range.last = pool->n_blocks - 1;
    while (proven > 0 && !pool->blocks[proven].has_proof)
        proven--;
    if (proven == 0)
        return;
    message.range.proven = proven;
    message.range.from_height = 1;
    send_to(world, liar, UINT64_MAX, &message);
}

/* The others in the plot vote for it, too. */
static void support(struct world *world, uint32_t block, uint64_t audience)
{
    for (uint32_t i = 0; i < world->n_validators; i++)
        if ((world->liar_keys >> i & 1) != 0 && world->replicas[i].is_up)
            vote_for(world, &world->replicas[i], block, audience);
}

static void tell_proposal(struct world *world, struct replica *liar, enum lie lie, uint32_t own)
{
    uint64_t audience = rng_chance(&world->rng, 500) ? UINT64_MAX : rng_next(&world->rng);
    uint32_t block;

    forge(world, liar, lie, own, &block);
    if (block == NO_BLOCK)
        return;
    world->stats->lies[lie]++;
    world_trace(world, liar->index, "lies", (uint64_t)lie);
    world_say(world, liar->index, "lies: %s", lie_name(lie));
    /* Nobody is told both, or everybody is. */
    if (own != NO_BLOCK && rng_chance(&world->rng, 700))
        liar->audience = ~audience;
    struct message message = {.kind = MESSAGE_PROPOSAL, .block = block};
    if (lie == LIE_BODY && rng_chance(&world->rng, 500)) {
        struct message body = {.kind = MESSAGE_BUNDLES};
        body.requests = world->pool.blocks[block].requests;
        send_to(world, liar, UINT64_C(1) << rng_below(&world->rng, world->n_replicas), &body);
    }
    send_to(world, liar, audience, &message);
    support(world, block, audience);
}

/* Instead of what its core proposes. */
static void tell_censored(struct world *world, struct replica *liar, uint32_t own)
{
    struct message message = {.kind = MESSAGE_PROPOSAL};

    forge(world, liar, LIE_CENSOR, own, &message.block);
    if (message.block == NO_BLOCK)
        return;
    world->stats->lies[LIE_CENSOR]++;
    liar->audience = UINT64_MAX;
    net_send(world, liar->index, TO_ALL, &message);
    vote_for(world, liar, message.block, UINT64_MAX);
    liar->audience = 0;
}

static void tell(struct world *world, struct replica *liar, enum lie lie, uint32_t own)
{
    switch (lie) {
    case LIE_MUTE:
    case LIE_DRIP:
    case LIE_WITHHOLD:
    case LIE_CENSOR:
    case LIE_NO_BODIES:
    case LIE_MUTATE:
        return;
    case LIE_BALLOTS:
        vote_for_any(world, liar);
        break;
    case LIE_TIMEOUTS:
        time_out_of_any(world, liar);
        break;
    case LIE_RANGE:
        offer_range(world, liar);
        break;
    case LIE_SPLIT:
    case LIE_FIRST:
    case LIE_USURP:
    case LIE_STALE_QC:
    case LIE_PARENT:
    case LIE_PREV_STATE:
    case LIE_TIME:
    case LIE_HANDOFF:
    case LIE_JUMP:
    case LIE_FIELD:
    case LIE_BODY:
    case LIE_REPEAT:
    case LIE_CONFIG:
        tell_proposal(world, liar, lie, own);
        return;
    case LIES_END:
        MUST(false);
    }
    world->stats->lies[lie]++;
}

static enum lie pick_lie(struct world *world, const struct replica *liar)
{
    uint32_t skip = rng_below(&world->rng, (uint32_t)__builtin_popcount(liar->lies));
    uint32_t left = liar->lies;

    for (; skip > 0; skip--)
        left &= left - 1;
    return (enum lie)__builtin_ctz(left);
}

static bool is_active(const struct world *world, const struct replica *liar)
{
    return liar->is_up && !world->is_healed && !world->checkers.has_failed;
}

void liar_strike(struct world *world)
{
    for (uint32_t i = 0; i < world->n_validators; i++) {
        struct replica *liar = &world->replicas[i];
        if ((world->liar_keys >> i & 1) != 0 && is_active(world, liar))
            tell(world, liar, pick_lie(world, liar), NO_BLOCK);
    }
}

/* Hands its term to itself, and lets that one pass in silence. */
static void prepare_jump(struct world *world, struct replica *liar, uint32_t own)
{
    if (world->pool.blocks[own].proposal.entry.kind == ENTRY_HANDOFF)
        liar->audience = 0;
    else
        tell(world, liar, LIE_HANDOFF, own);
}

void liar_proposes(struct world *world, struct replica *liar, uint32_t block)
{
    liar->audience = UINT64_MAX;
    if (tells(liar, LIE_CENSOR) && !world->checkers.has_failed)
        tell_censored(world, liar, block);
    else if (tells(liar, LIE_JUMP) && is_active(world, liar))
        prepare_jump(world, liar, block);
    else if (is_active(world, liar))
        tell(world, liar, pick_lie(world, liar), block);
}

void liar_enters(struct world *world, struct replica *liar)
{
    if (!is_active(world, liar))
        return;
    tell(world, liar, pick_lie(world, liar), NO_BLOCK);
    if (tells(liar, LIE_JUMP))
        tell(world, liar, LIE_JUMP, NO_BLOCK);
}

static bool is_own(const struct world *world, const struct replica *liar, uint32_t block)
{
    const struct wire_header *header = &world->pool.blocks[block].proposal.header;

    return header->author == index_of(world, header->rank.epoch, liar->key);
}

/* The lie that keeps the message from the replica, LIES_END if none does. */
static enum lie withheld_by(const struct world *world, const struct replica *liar,
                            const struct message *message, uint32_t to)
{
    enum lie lie = LIES_END;

    switch (message->kind) {
    case MESSAGE_PROPOSAL:
        lie = is_own(world, liar, message->block) ? LIE_MUTE : LIE_NO_BODIES;
        break;
    case MESSAGE_BUNDLES:
    case MESSAGE_RANGE:
        lie = LIE_NO_BODIES;
        break;
    case MESSAGE_VOTE:
    case MESSAGE_COMMIT_VOTE:
    case MESSAGE_TIMEOUT:
    case MESSAGE_QC:
    case MESSAGE_CC:
    case MESSAGE_ENTRY:
        if ((liar->friends >> to % 64 & 1) == 0)
            lie = LIE_WITHHOLD;
        break;
    case MESSAGE_HEARTBEAT:
        /* Nobody waits long for the end of a term that says nothing at all. */
        if (liar->audience == 0)
            lie = LIE_JUMP;
        break;
    case MESSAGE_RANK_QUERY:
    case MESSAGE_RANK_ANSWER:
    case MESSAGE_CHECKPOINT:
    case MESSAGE_TRANSFER:
    case MESSAGE_EPOCH_PROOF:
    case MESSAGE_BUNDLE_REQUEST:
    case MESSAGE_BLOCK_REQUEST:
    case MESSAGE_RANGE_REQUEST:
    case MESSAGES_END:
        break;
    }
    return lie != LIES_END && tells(liar, lie) ? lie : LIES_END;
}

bool liar_passes(struct world *world, const struct message *message, uint32_t to)
{
    const struct replica *liar = &world->replicas[message->from];

    /* What it forged has been addressed already. */
    if (world->net.audience != UINT64_MAX)
        return (world->net.audience >> to % 64 & 1) != 0;
    if ((world->liar_keys >> liar->key & 1) == 0)
        return true;
    if (message->kind == MESSAGE_PROPOSAL && is_own(world, liar, message->block) &&
        (liar->audience >> to % 64 & 1) == 0)
        return false;
    enum lie lie = withheld_by(world, liar, message, to);
    if (lie != LIES_END)
        world->stats->lies[lie]++;
    return lie == LIES_END;
}

uint64_t liar_delay_ms(struct world *world, const struct message *message)
{
    const struct replica *liar = &world->replicas[message->from];

    if (message->kind != MESSAGE_PROPOSAL || (world->liar_keys >> liar->key & 1) == 0 ||
        (liar->lies & (1u << LIE_DRIP | 1u << LIE_CENSOR)) == 0)
        return 0;
    world->stats->lies[LIE_DRIP]++;
    return rng_between(&world->rng, DRIP_MIN_MS, DRIP_MAX_MS);
}
