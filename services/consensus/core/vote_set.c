#include "services/consensus/core/vote_set.h"

#include "common/must.h"

void vote_set_init(struct vote_set *set, struct rank rank, uint32_t n_validators)
{
    MUST(n_validators > 0 && n_validators <= VALIDATORS_MAX);
    set->rank = rank;
    set->n_validators = n_validators;
    set->seen = 0;
}

static bool ballot_same_statement(const struct ballot *a, const struct ballot *b)
{
    return hash_eq(&a->block, &b->block) && hash_eq(&a->parent, &b->parent) &&
           rank_eq(a->parent_rank, b->parent_rank);
}

enum vote_verdict vote_set_add(struct vote_set *set, struct rank rank, uint64_t voter,
                               const struct ballot *ballot)
{
    if (!rank_eq(rank, set->rank))
        return VOTE_STALE;
    if (voter >= set->n_validators)
        return VOTE_STRANGER;

    if (set->seen & (UINT64_C(1) << voter)) {
        /* The first vote stands: replacing it would let a faulty validator
         * count towards two quorums of the same rank. */
        bool same = ballot_same_statement(&set->ballots[voter], ballot);
        return same ? VOTE_REPEATED : VOTE_EQUIVOCATED;
    }

    set->seen |= UINT64_C(1) << voter;
    set->ballots[voter] = *ballot;
    return VOTE_COUNTED;
}

uint64_t vote_set_agreeing(const struct vote_set *set, uint64_t voter)
{
    uint64_t agreeing = 0;

    if (voter >= set->n_validators || !(set->seen & (UINT64_C(1) << voter)))
        return 0;
    for (uint32_t i = 0; i < set->n_validators; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if ((set->seen & bit) && ballot_same_statement(&set->ballots[i], &set->ballots[voter]))
            agreeing |= bit;
    }
    return agreeing;
}

/* The signers of a quorum that agrees with voter, 0 if there is none. Exactly a
 * quorum of them: a longer certificate proves nothing more and costs every reader. */
static uint64_t quorum_with(const struct vote_set *set, uint64_t voter)
{
    uint64_t agreeing = vote_set_agreeing(set, voter);
    uint32_t wanted = quorum_size(set->n_validators);

    if ((uint32_t)__builtin_popcountll(agreeing) < wanted)
        return 0;
    uint64_t signers = 0;
    for (uint32_t taken = 0; taken < wanted; taken++) {
        uint64_t lowest = agreeing & (~agreeing + 1);
        signers |= lowest;
        agreeing ^= lowest;
    }
    return signers;
}

static void copy_sigs(const struct vote_set *set, uint64_t signers, struct sig *sigs)
{
    for (uint32_t i = 0; i < set->n_validators; i++)
        if (signers & (UINT64_C(1) << i))
            sigs[i] = set->ballots[i].sig;
}

bool vote_set_qc(const struct vote_set *set, uint64_t voter, struct qc *ret_qc)
{
    uint64_t signers = quorum_with(set, voter);
    if (signers == 0)
        return false;

    const struct ballot *ballot = &set->ballots[voter];
    ret_qc->rank = set->rank;
    ret_qc->block = ballot->block;
    ret_qc->parent = ballot->parent;
    ret_qc->parent_rank = ballot->parent_rank;
    ret_qc->signers = signers;
    copy_sigs(set, signers, ret_qc->sigs);
    return true;
}

bool vote_set_cc(const struct vote_set *set, uint64_t voter, struct cc *ret_cc)
{
    uint64_t signers = quorum_with(set, voter);
    if (signers == 0)
        return false;

    ret_cc->rank = set->rank;
    ret_cc->block = set->ballots[voter].block;
    ret_cc->signers = signers;
    copy_sigs(set, signers, ret_cc->sigs);
    return true;
}
