/* What may be certified at all: VOTE rules 3 and 6 of PROTOCOL.md, in words of its own. At
 * least one honest replica voted for every certified block. */
#include "tests/sim/world.h"

#include <inttypes.h>

/* Wall clocks differ by at most a second and a half; a voter allows five more. */
#define AHEAD_MAX_MS 6500u

/* NULL: the term was rightly begun by this author. */
static const char *first_block_fault(const struct world *world, const struct proposal *proposal)
{
    const struct wire_header *header = &proposal->header;
    const struct entry *entry = &proposal->entry;
    const struct validator_set *set = set_of_epoch(world, header->rank.epoch);
    uint64_t scheduled = (header->rank.term + set->offset) % set->n;

    switch (entry->kind) {
    case ENTRY_NONE:
        return "a term begins without an entry";
    case ENTRY_ROOT:
        if (header->rank.term != 1 || !hash_eq(&header->parent, &set->root))
            return "a later term begins at the root";
        break;
    case ENTRY_TC:
        if (entry->tc.term.term + 1 != header->rank.term)
            return "a TC of another term";
        for (uint32_t i = 0; i < set->n; i++)
            if ((entry->tc.signers >> i & 1) != 0 &&
                rank_cmp(entry->tc.timeouts[i].high, proposal->justify.rank) > 0)
                return "it is below what its TC cites";
        break;
    case ENTRY_HANDOFF:
        scheduled = entry->handoff_header.handoff - 1;
        if (entry->handoff_qc.rank.term + 1 != header->rank.term)
            return "a handoff of another term";
        break;
    }
    return header->author == scheduled ? NULL : "its author does not lead";
}

static const char *fault_of(const struct world *world, const struct proposal *proposal,
                            const struct wire_header *parent)
{
    const struct wire_header *header = &proposal->header;

    if (memcmp(header->parent.b, proposal->justify.block.b, sizeof(header->parent.b)) != 0)
        return "its parent is not what it is justified by";
    if (header->height != parent->height + 1)
        return "its height";
    if (header->rank.seq == 1)
        return first_block_fault(world, proposal);
    if (term_cmp(rank_term(header->rank), rank_term(parent->rank)) != 0 ||
        header->rank.seq != parent->rank.seq + 1)
        return "it does not continue its parent's term";
    return proposal->entry.kind == ENTRY_NONE ? NULL : "an entry in the middle of a term";
}

void check_certified(struct world *world, uint32_t block)
{
    const struct proposal *proposal = &world->pool.blocks[block].proposal;
    const struct wire_header *header = &proposal->header;
    const struct wire_header *parent =
        &world->pool.blocks[world->pool.blocks[block].parent].proposal.header;
    const char *fault = fault_of(world, proposal, parent);

    world->stats->checks[CHECK_LAWFUL]++;
    if (fault != NULL)
        check_fail(world, CHECK_LAWFUL, "term %" PRIu64 " seq %" PRIu64 ": %s", header->rank.term,
                   header->rank.seq, fault);
    world->stats->checks[CHECK_TIME]++;
    if (header->time_ms <= parent->time_ms ||
        (header->time_ms > WALL_START_MS + world->now_ms + AHEAD_MAX_MS &&
         header->time_ms != parent->time_ms + 1))
        check_fail(world, CHECK_TIME,
                   "term %" PRIu64 " seq %" PRIu64 ": %" PRIu64 " after %" PRIu64,
                   header->rank.term, header->rank.seq, header->time_ms, parent->time_ms);
}
