/* Proposals that no honest replica would make. */
#include "common/must.h"
#include "tests/sim/liar.h"
#include "tests/sim/world.h"

/* Room that the pool keeps for what honest replicas make. */
#define ROOM_MIN (BLOCKS_MAX / 4)

/* Requests that only liars know of; clients have the lower ones and the last. */
#define PRIVATE_REQUEST (REQUESTS_MAX - 3)

struct forgery {
    struct wire_header header;
    const struct qc *justify;
    const struct entry *entry; /* NULL = none */
    uint64_t requests;
};

static const struct wire_header *header_of(const struct world *world, uint32_t block)
{
    return &world->pool.blocks[block].proposal.header;
}

static uint64_t height_of(const struct world *world, const struct hash *id)
{
    return header_of(world, pool_find_block(&world->pool, id))->height;
}

static const struct qc *pick_qc(struct world *world, uint32_t newest)
{
    uint32_t n = world->pool.n_qcs;

    return n == 0 ? NULL
                  : &world->pool.qcs[n - 1 - rng_below(&world->rng, n < newest ? n : newest)];
}

static const struct entry *pick_entry(struct world *world)
{
    uint32_t n = world->pool.n_entries;

    return n == 0 ? NULL : &world->pool.entries[n - 1 - rng_below(&world->rng, n < 3 ? n : 3)];
}

/* What the chain allows on that certificate, by whoever forges it. */
static void build_on(struct world *world, const struct replica *liar, struct forgery *forgery,
                     const struct qc *qc)
{
    const struct pool *pool = &world->pool;
    uint32_t parent = pool_find_block(pool, &qc->block);
    const struct wire_header *above = header_of(world, parent);
    uint64_t now_ms = WALL_START_MS + world->now_ms;
    uint32_t cited = liar->executed;

    if (ancestor_at(pool, parent, header_of(world, cited)->height) != cited)
        cited = 0;
    forgery->justify = qc;
    forgery->requests = 0;
    forgery->header.height = above->height + 1;
    forgery->header.parent = qc->block;
    forgery->header.prev_height = header_of(world, cited)->height;
    forgery->header.prev_root = pool->blocks[cited].state;
    forgery->header.time_ms = now_ms > above->time_ms ? now_ms : above->time_ms + 1;
}

static void begin(const struct world *world, const struct replica *liar, struct forgery *forgery)
{
    *forgery = (struct forgery){
        .header = {.rules_version = 1, .chain = world->set.chain, .author = liar->key}};
}

/* The next block of a term, whoever leads it. */
static bool forge_next(struct world *world, const struct replica *liar, struct forgery *forgery)
{
    const struct qc *qc = pick_qc(world, 3);

    if (qc == NULL)
        return false;
    begin(world, liar, forgery);
    build_on(world, liar, forgery, qc);
    forgery->header.rank = (struct rank){qc->rank.epoch, qc->rank.term, qc->rank.seq + 1};
    return qc->rank.seq > 0;
}

/* The first block of the term that a certificate opens. */
static bool forge_first(struct world *world, const struct replica *liar, struct forgery *forgery)
{
    const struct entry *entry = pick_entry(world);

    if (entry == NULL)
        return false;
    bool is_tc = entry->kind == ENTRY_TC;
    struct term term = is_tc ? entry->tc.term : rank_term(entry->handoff_qc.rank);
    begin(world, liar, forgery);
    forgery->entry = entry;
    build_on(world, liar, forgery, is_tc ? &entry->tc.high_qc : &entry->handoff_qc);
    forgery->header.rank = (struct rank){term.epoch, term.term + 1, 1};
    return true;
}

/* The first block of today's term, on a handoff to the liar that belongs to an old one. */
static bool forge_jump(struct world *world, const struct replica *liar, struct forgery *forgery)
{
    const struct pool *pool = &world->pool;
    uint64_t term = 0;

    for (uint32_t i = 0; i < world->n_replicas; i++)
        if (world->checkers.term[i].term > term)
            term = world->checkers.term[i].term;
    for (uint32_t i = pool->n_qcs; i > 0; i--) {
        const struct qc *qc = &pool->qcs[i - 1];
        uint32_t block = pool_find_block(pool, &qc->block);
        if (header_of(world, block)->handoff != liar->key + 1 || qc->rank.term + 1 >= term)
            continue;
        begin(world, liar, forgery);
        world->forged_entry.kind = ENTRY_HANDOFF;
        world->forged_entry.handoff_qc = *qc;
        world->forged_entry.handoff_header = *header_of(world, block);
        forgery->entry = &world->forged_entry;
        build_on(world, liar, forgery, qc);
        forgery->header.rank = (struct rank){qc->rank.epoch, term, 1};
        return true;
    }
    return false;
}

/* What the liar's core proposes, to be told otherwise. */
static void forge_own(const struct world *world, struct forgery *forgery, uint32_t own)
{
    const struct pool_block *block = &world->pool.blocks[own];

    forgery->header = block->proposal.header;
    forgery->justify = &block->proposal.justify;
    forgery->entry = block->proposal.entry.kind == ENTRY_NONE ? NULL : &block->proposal.entry;
    forgery->requests = block->requests;
}

static void change_field(struct world *world, struct wire_header *header)
{
    struct rng *rng = &world->rng;

    switch (rng_below(rng, 6)) {
    case 0:
        header->height += 1 + rng_below(rng, 3);
        break;
    case 1:
        header->height--;
        break;
    case 2:
        header->rank.seq += 1 + rng_below(rng, 2);
        break;
    case 3:
        header->rank.term += 1;
        break;
    case 4:
        header->handoff = rng_below(rng, world->n_validators + 2);
        break;
    case 5:
        header->chain.b[0] ^= 1;
        break;
    }
}

static void change_time(struct world *world, struct forgery *forgery)
{
    uint32_t parent = pool_find_block(&world->pool, &forgery->header.parent);
    uint64_t parent_ms = header_of(world, parent)->time_ms;
    uint64_t now_ms = WALL_START_MS + world->now_ms;
    const uint64_t choices[] = {parent_ms,     parent_ms - 1,    parent_ms + 1,
                                now_ms + 4000, now_ms + 3600000, now_ms - 3600000};

    forgery->header.time_ms = choices[rng_below(&world->rng, N_ELEMENTS(choices))];
}

static void change_state(struct world *world, struct forgery *forgery)
{
    if (rng_chance(&world->rng, 500))
        forgery->header.prev_height = forgery->header.height - 1;
    forgery->header.prev_root.b[rng_below(&world->rng, 32)] ^= 1;
}

static uint64_t requests_below(const struct world *world, const struct hash *id)
{
    uint64_t requests = 0;

    for (uint32_t at = pool_find_block(&world->pool, id); at != NO_BLOCK;
         at = world->pool.blocks[at].parent)
        requests |= world->pool.blocks[at].requests;
    return requests;
}

/* Old, but not so old that nobody would build on it any more: mostly what the parent itself
 * was built on. */
static const struct qc *pick_stale(struct world *world, const struct forgery *forgery)
{
    uint32_t parent = pool_find_block(&world->pool, &forgery->header.parent);

    if (parent == 0 || rng_chance(&world->rng, 200))
        return pick_qc(world, 6);
    return &world->pool.blocks[parent].proposal.justify;
}

/* False: there is nothing to change. */
static bool change(struct world *world, const struct replica *liar, enum lie lie,
                   struct forgery *forgery)
{
    const struct qc *qc = pick_stale(world, forgery);
    struct rank rank = forgery->header.rank;

    switch (lie) {
    case LIE_SPLIT:
        forgery->header.time_ms++;
        return true;
    case LIE_STALE_QC:
        if (qc == NULL || rank_cmp(qc->rank, rank) >= 0)
            return false;
        build_on(world, liar, forgery, qc);
        return true;
    case LIE_PARENT:
        if (qc == NULL || hash_eq(&qc->block, &forgery->header.parent))
            return false;
        forgery->header.parent = qc->block;
        forgery->header.height = height_of(world, &qc->block) + 1;
        return true;
    case LIE_PREV_STATE:
        change_state(world, forgery);
        return true;
    case LIE_TIME:
        change_time(world, forgery);
        return true;
    case LIE_CENSOR:
        forgery->requests = 0;
        forgery->header.handoff = liar->key + 1;
        return true;
    case LIE_HANDOFF:
        forgery->header.handoff = liar->key + 1;
        return true;
    case LIE_FIELD:
        change_field(world, &forgery->header);
        return true;
    case LIE_BODY:
        forgery->requests |= UINT64_C(1) << (PRIVATE_REQUEST + rng_below(&world->rng, 2));
        return true;
    case LIE_REPEAT:
        forgery->requests |= requests_below(world, &forgery->header.parent);
        return forgery->requests != 0;
    case LIE_CONFIG:
        forgery->header.handoff = 0;
        forgery->header.next_set.b[0] = 1;
        return forgery->requests != 0;
    case LIE_FIRST:
    case LIE_USURP:
    case LIE_JUMP:
        return true;
    case LIE_MUTE:
    case LIE_DRIP:
    case LIE_WITHHOLD:
    case LIE_NO_BODIES:
    case LIE_BALLOTS:
    case LIE_TIMEOUTS:
    case LIE_RANGE:
    case LIE_MUTATE:
    case LIES_END:
        break;
    }
    MUST(false);
    return false;
}

static uint32_t publish(struct world *world, struct replica *liar, struct forgery *forgery)
{
    struct proposal *proposal = &world->forged;
    uint8_t statement[STATEMENT_BYTES_MAX];

    forgery->header.author = index_of(world, forgery->header.rank.epoch, liar->key);
    copy_qc(&proposal->justify, forgery->justify);
    proposal->entry.kind = ENTRY_NONE;
    if (forgery->entry != NULL)
        copy_entry(&proposal->entry, forgery->entry);
    proposal->header = forgery->header;
    proposal->header.justify = qc_digest(&proposal->justify);
    proposal->header.entry = entry_digest(&proposal->entry);
    proposal->header.payload_root = payload_root_of(forgery->requests);
    proposal->id = header_id(&proposal->header);
    proposal->is_payload_empty = forgery->requests == 0;
    uint32_t index = pool_add_block(&world->pool, proposal, forgery->requests);
    size_t size = statement_proposal(&world->set.chain, &proposal->id, statement);
    struct pool_block *block = &world->pool.blocks[index];
    block->signature = replica_sign(world, liar, span_of(statement, size));
    block->is_signed = true;
    block_set_add(&liar->held, index);
    node_learn_requests(world, liar, forgery->requests);
    return index;
}

void forge(struct world *world, struct replica *liar, enum lie lie, uint32_t own,
           uint32_t *ret_block)
{
    struct forgery forgery;
    bool is_begun = true;

    *ret_block = NO_BLOCK;
    if (world->pool.n_blocks + ROOM_MIN > BLOCKS_MAX)
        return;
    if (lie == LIE_JUMP)
        is_begun = forge_jump(world, liar, &forgery);
    else if (own != NO_BLOCK)
        forge_own(world, &forgery, own);
    else if (lie == LIE_FIRST || rng_chance(&world->rng, 400))
        is_begun = forge_first(world, liar, &forgery);
    else
        is_begun = forge_next(world, liar, &forgery);
    if (is_begun && change(world, liar, lie, &forgery))
        *ret_block = publish(world, liar, &forgery);
}
