/*
 * Epochs: every proof that turns up, judged by an implementation of its own; one set per
 * epoch; nobody signs in an epoch whose set does not pin its key and instance; and no block
 * is certified that names a set which executing it would not make.
 */
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

#include <inttypes.h>

static const struct sim_epoch *epoch_at(const struct world *world, uint64_t epoch)
{
    return set_of_epoch(world, epoch) == NULL ? NULL : &world->roster->epochs[epoch];
}

/* The set that executing the config block makes, by the roster alone. */
static bool is_made_by(const struct world *world, uint32_t block, const struct members *members)
{
    const struct pool_block *root = &world->pool.blocks[block];
    const struct change *change = change_in(world, root->requests);
    struct members next;

    return change != NULL && change_apply(world, change, root->proposal.header.rank.epoch, &next) &&
           next.n == members->n &&
           memcmp(next.list, members->list, next.n * sizeof(next.list[0])) == 0;
}

static bool is_committed_by(const struct world *world, const struct commit_proof *proof,
                            uint32_t block)
{
    const struct proposal *proposal = &world->pool.blocks[block].proposal;

    if (!proof->is_child_qc)
        return hash_eq(&proof->cc.block, &proposal->id) && independent_cc(world, &proof->cc);
    return hash_eq(&proof->qc.parent, &proposal->id) &&
           proof->qc.parent_rank.term == proof->qc.rank.term &&
           proof->qc.parent_rank.seq + 1 == proof->qc.rank.seq && independent_qc(world, &proof->qc);
}

/* NULL: R, named by the old set, is committed by its own certificate or a descendant's. */
static const char *commit_fault(const struct world *world, const struct epoch_proof *proof)
{
    struct hash root_id = header_id(&proof->root);
    uint32_t root = pool_find_block(&world->pool, &root_id);
    struct hash end_id =
        header_id(proof->n_path == 0 ? &proof->root : &proof->path[proof->n_path - 1]);
    uint32_t end = pool_find_block(&world->pool, &end_id);

    if (root == NO_BLOCK || end == NO_BLOCK)
        return "of a block that nobody made";
    if (ancestor_at(&world->pool, end, proof->root.height) != root ||
        world->pool.blocks[end].proposal.header.rank.epoch != proof->root.rank.epoch)
        return "what it proves does not descend from its root in the epoch";
    if (!is_committed_by(world, &proof->proof, end))
        return "no quorum of the epoch before signed it";
    if (!is_made_by(world, root, &proof->next))
        return "its set is not what the config block makes";
    return NULL;
}

static const char *recovery_fault(const struct world *world, const struct epoch_proof *proof)
{
    const struct epoch_proof *signed_one = &world->roster->recovery;

    /* T0 signs once in a run; whatever else claims its keys is forged. */
    if (world->roster->n_recoveries == 0 || proof->recovery.epoch != signed_one->recovery.epoch ||
        !hash_eq(&proof->recovery.block, &signed_one->recovery.block) ||
        memcmp(&proof->next, &signed_one->next, offsetof(struct members, list)) != 0 ||
        memcmp(proof->next.list, signed_one->next.list,
               proof->next.n * sizeof(proof->next.list[0])) != 0)
        return "T0 never signed it";
    return NULL;
}

static void learn_epoch(struct world *world, const struct epoch_proof *proof)
{
    uint64_t number = epoch_proof_epoch(proof);
    struct sim_epoch *epoch = &world->roster->epochs[number];

    epoch->is_known = true;
    epoch_proof_copy(&epoch->proof, proof);
    epoch->members = proof->next;
    epoch_proof_set(&world->set, proof, &epoch->set);
    world->roster->n_commits += proof->kind == EPOCH_PROOF_COMMIT;
    if (number > world->roster->newest)
        world->roster->newest = number;
}

void check_epoch_proof(struct world *world, const struct replica *replica,
                       const struct epoch_proof *proof)
{
    uint64_t number = epoch_proof_epoch(proof);
    const char *fault = proof->kind == EPOCH_PROOF_COMMIT ? commit_fault(world, proof)
                                                          : recovery_fault(world, proof);

    world->stats->checks[CHECK_EPOCH_PROOF]++;
    if (fault != NULL || number >= EPOCHS_MAX) {
        check_fail(world, CHECK_EPOCH_PROOF, "r%u: proof of epoch %" PRIu64 ": %s", replica->index,
                   number, fault != NULL ? fault : "too many epochs");
        return;
    }
    const struct sim_epoch *known = epoch_at(world, number);
    world->stats->checks[CHECK_ONE_SET]++;
    if (known == NULL) {
        learn_epoch(world, proof);
        return;
    }
    struct hash root = epoch_proof_root(proof);
    if (!hash_eq(&root, &known->set.root) || proof->next.n != known->members.n ||
        memcmp(proof->next.list, known->members.list,
               known->members.n * sizeof(known->members.list[0])) != 0)
        check_fail(world, CHECK_ONE_SET, "epoch %" PRIu64 " has two sets", number);
}

void check_pinned(struct world *world, const struct replica *replica, uint64_t epoch)
{
    const struct sim_epoch *known = epoch_at(world, epoch);
    uint32_t at = index_of(world, epoch, replica->key);

    world->stats->checks[CHECK_PINNED]++;
    if (known == NULL || at == VALIDATOR_NONE) {
        check_fail(world, CHECK_PINNED, "r%u signs in epoch %" PRIu64 ", whose set it is not of",
                   replica->index, epoch);
        return;
    }
    const struct member *member = &known->members.list[at];
    if (!key_eq(&member->key, &replica->store.signer.key) ||
        !hash_eq(&member->instance, &replica->store.signer.instance))
        check_fail(world, CHECK_PINNED,
                   "r%u signs in epoch %" PRIu64 " with a key or record that is not pinned",
                   replica->index, epoch);
}

void check_config(struct world *world, uint32_t block)
{
    const struct pool_block *pooled = &world->pool.blocks[block];
    const struct wire_header *header = &pooled->proposal.header;
    uint32_t parent = pooled->parent;
    struct members next;

    for (uint32_t at = parent; at != NO_BLOCK; at = world->pool.blocks[at].parent) {
        const struct wire_header *above = &world->pool.blocks[at].proposal.header;
        if (above->rank.epoch != header->rank.epoch)
            break;
        if (hash_is_zero(&above->next_set))
            continue;
        world->stats->checks[CHECK_HANDOFF_LAST]++;
        if (pooled->requests != 0 || !hash_is_zero(&header->next_set))
            check_fail(world, CHECK_HANDOFF_LAST,
                       "a block with a payload descends from a config block of its epoch");
    }
    const struct change *change = change_in(world, pooled->requests);
    if (hash_is_zero(&header->next_set)) {
        if ((pooled->requests & world->roster->change_requests) != 0)
            check_fail(world, CHECK_CONFIG, "a change is certified without the set it makes");
        return;
    }
    world->stats->checks[CHECK_CONFIG]++;
    bool is_right = change != NULL && change_apply(world, change, header->rank.epoch, &next);
    if (is_right) {
        struct hash digest = members_digest(&next);
        is_right = hash_eq(&digest, &header->next_set);
    }
    if (!is_right)
        check_fail(world, CHECK_CONFIG, "a config block is certified that makes another set");
}
