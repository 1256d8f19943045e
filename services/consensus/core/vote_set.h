/*
 * vote_set - the votes of one rank, and whether they make a quorum.
 *
 * Pure: no clock, no allocation, no I/O. Votes arrive with their signature
 * already checked (verify.h); this module decides what they add up to. Votes and
 * commit votes use the same set: a commit vote's parent is zero.
 */
#ifndef APM2_VOTE_SET_H
#define APM2_VOTE_SET_H

#include "common/cert/cert.h"

/* What one validator said about one rank. */
struct ballot {
    struct hash block;
    struct hash parent;
    struct rank parent_rank;
    struct sig sig;
};

/* What one vote did. A faulty peer yields a verdict, never an error or an abort. */
enum vote_verdict {
    VOTE_COUNTED,
    VOTE_REPEATED,    /* same voter, same statement: harmless */
    VOTE_STALE,       /* belongs to another rank */
    VOTE_STRANGER,    /* voter is not in this validator set */
    VOTE_EQUIVOCATED, /* same voter, other statement: accuse */
};

struct vote_set {
    struct rank rank;
    uint32_t n_validators;
    uint64_t seen;                         /* bit per voter */
    struct ballot ballots[VALIDATORS_MAX]; /* meaningful where seen */
};

void vote_set_init(struct vote_set *set, struct rank rank, uint32_t n_validators);

enum vote_verdict vote_set_add(struct vote_set *set, struct rank rank, uint64_t voter,
                               const struct ballot *ballot);

/* Who said exactly what `voter` said, as a set of bits. */
uint64_t vote_set_agreeing(const struct vote_set *set, uint64_t voter);

/* The signatures of the quorum that agrees with `voter`. False: no quorum yet. */
bool vote_set_qc(const struct vote_set *set, uint64_t voter, struct qc *ret_qc);
bool vote_set_cc(const struct vote_set *set, uint64_t voter, struct cc *ret_cc);

#endif
