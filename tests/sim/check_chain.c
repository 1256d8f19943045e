/* What replicas commit, execute and owe. */
#include "tests/sim/member.h"
#include "tests/sim/world.h"

#include <inttypes.h>

static const struct wire_header *header_of(const struct world *world, uint32_t block)
{
    return &world->pool.blocks[block].proposal.header;
}

static bool proves(const struct world *world, const struct commit_proof *proof, uint32_t block)
{
    const struct proposal *proposal = &world->pool.blocks[block].proposal;

    if (!proof->is_child_qc)
        return hash_eq(&proof->cc.block, &proposal->id) &&
               rank_eq(proof->cc.rank, proposal->header.rank) && independent_cc(world, &proof->cc);
    return hash_eq(&proof->qc.parent, &proposal->id) &&
           rank_eq(proof->qc.parent_rank, proposal->header.rank) &&
           proof->qc.rank.term == proposal->header.rank.term &&
           proof->qc.rank.seq == proposal->header.rank.seq + 1 && independent_qc(world, &proof->qc);
}

/* The first to commit at a height decides what everybody has to commit there. */
static void check_first(struct world *world, uint32_t index)
{
    struct checkers *checkers = &world->checkers;
    const struct pool_block *block = &world->pool.blocks[index];
    const struct wire_header *header = &block->proposal.header;

    checkers->committed[header->height] = index;
    if (header->height > checkers->height) {
        world->stats->commits += header->height - checkers->height;
        checkers->height = header->height;
    }
    world->stats->checks[CHECK_ONCE]++;
    if ((checkers->requests & block->requests) != 0)
        check_fail(world, CHECK_ONCE, "a request is committed again at height %" PRIu64,
                   header->height);
    checkers->requests |= block->requests;
    uint32_t cited = ancestor_at(&world->pool, index, header->prev_height);
    world->stats->checks[CHECK_STATE]++;
    if (cited == NO_BLOCK || cited == index ||
        !hash_eq(&world->pool.blocks[cited].state, &header->prev_root))
        check_fail(world, CHECK_STATE, "height %" PRIu64 " cites a wrong state", header->height);
}

void check_commit(struct world *world, const struct replica *replica, uint32_t block,
                  const struct commit_proof *proof)
{
    const struct wire_header *header = header_of(world, block);
    uint64_t height = header->height;
    uint32_t *committed = &world->checkers.committed[height];

    if (world_is_faulty(world, replica->key))
        return;
    world->stats->checks[CHECK_LINKED]++;
    if (height != header_of(world, replica->committed)->height + 1 || height >= HEIGHTS_MAX ||
        world->pool.blocks[block].parent != replica->committed) {
        check_fail(world, CHECK_LINKED, "r%u commits height %" PRIu64 " on something else",
                   replica->index, height);
        return;
    }
    world->stats->checks[CHECK_PROOF]++;
    if (proof != NULL && !proves(world, proof, block))
        check_fail(world, CHECK_PROOF, "r%u commits height %" PRIu64 " without a proof",
                   replica->index, height);
    world->stats->checks[CHECK_AGREEMENT]++;
    if (height > world->checkers.height)
        check_first(world, block);
    else if (*committed != block)
        check_fail(world, CHECK_AGREEMENT, "fork: r%u commits another block at height %" PRIu64,
                   replica->index, height);
}

void check_acknowledged(struct world *world, const struct replica *replica, uint32_t block)
{
    uint64_t height = header_of(world, block)->height;

    if (!world_is_faulty(world, replica->key) && height > world->checkers.acknowledged)
        world->checkers.acknowledged = height;
}

void check_checkpoint(struct world *world, const struct replica *replica,
                      const struct action *action)
{
    uint32_t block = pool_find_block(&world->pool, &action->checkpoint.block);

    world->stats->checks[CHECK_STATE]++;
    if (!world_is_faulty(world, replica->key) &&
        (block == NO_BLOCK || header_of(world, block)->height != action->checkpoint.height ||
         !hash_eq(&world->pool.blocks[block].state, &action->checkpoint.root)))
        check_fail(world, CHECK_STATE, "r%u: a checkpoint of another state", replica->index);
}

/* Every change that can be made is made, and T0's word has come through. */
static bool check_changes_done(const struct world *world)
{
    const struct roster *roster = world->roster;

    return !member_is_changing(world) &&
           (roster->n_recoveries == 0 || roster->newest >= roster->recovery.recovery.epoch);
}

bool check_is_done(const struct world *world)
{
    if (world->roster->n_changes + world->roster->n_recoveries > 0 && !check_changes_done(world))
        return false;
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        const struct replica *replica = &world->replicas[i];
        if (world_is_faulty(world, replica->key) || replica->is_gone)
            continue;
        if (!replica->is_up || epoch_of(replica) != world->roster->newest ||
            replica->executed != replica->committed ||
            (world->submitted & ~replica->committed_requests) != 0 ||
            header_of(world, replica->committed)->height != world->checkers.height)
            return false;
    }
    return true;
}

void check_end(struct world *world)
{
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        const struct replica *replica = &world->replicas[i];
        if (world_is_faulty(world, replica->key) || replica->is_gone)
            continue;
        world->stats->checks[CHECK_NOTHING_LOST]++;
        uint64_t height = header_of(world, replica->executed)->height;
        if (height < world->checkers.acknowledged)
            check_fail(world, CHECK_NOTHING_LOST,
                       "r%u ends at height %" PRIu64 " of %" PRIu64 " acknowledged", replica->index,
                       height, world->checkers.acknowledged);
    }
}
