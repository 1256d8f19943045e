#include "common/cert/cert.h"

#include <sodium.h>

/*
 * Cheap checks come first, signatures last: a forged certificate must not buy
 * a quorum's worth of curve arithmetic with one flipped bit.
 */

bool sig_check_ed25519(const struct key *key, struct span message, const struct sig *sig)
{
    return crypto_sign_verify_detached(sig->b, message.data, message.size, key->b) == 0;
}

static bool is_signed_by(const struct validator_set *set, uint64_t voter, struct span statement,
                         const struct sig *sig)
{
    return set->check(&set->keys[voter], statement, sig);
}

/* What every single statement has to pass. */
static enum cert_verdict single_verify(const struct validator_set *set, uint64_t voter,
                                       struct span statement, const struct sig *sig)
{
    if (voter >= set->n)
        return CERT_STRANGER;
    return is_signed_by(set, voter, statement, sig) ? CERT_OK : CERT_BAD_SIGNATURE;
}

/* Of a block somebody may propose: terms and seqs count from 1, 0 is the root's. */
static bool is_block_rank(struct rank rank)
{
    return rank.term > 0 && rank.seq > 0;
}

static bool is_root_rank(struct rank rank)
{
    return rank.term == 0 && rank.seq == 0;
}

/* How seq continues the parent's is the voters' matter (VOTE rule 3); here only
 * that ranks rise along the chain of one epoch. */
static bool is_link(struct rank parent, struct rank child)
{
    return is_block_rank(child) && (is_block_rank(parent) || is_root_rank(parent)) &&
           parent.epoch == child.epoch && rank_cmp(parent, child) < 0;
}

enum cert_verdict vote_verify(const struct validator_set *set, const struct wire_vote *vote)
{
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (vote->rank.epoch != set->epoch)
        return CERT_WRONG_EPOCH;
    if (!is_link(vote->parent_rank, vote->rank))
        return CERT_INCONSISTENT;
    size_t size = statement_vote(&set->chain, vote, statement);
    return single_verify(set, vote->voter, span_of(statement, size), &vote->signature);
}

enum cert_verdict commit_vote_verify(const struct validator_set *set,
                                     const struct wire_commit_vote *vote)
{
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (vote->rank.epoch != set->epoch)
        return CERT_WRONG_EPOCH;
    if (!is_block_rank(vote->rank))
        return CERT_INCONSISTENT;
    size_t size = statement_commit_vote(&set->chain, vote, statement);
    return single_verify(set, vote->voter, span_of(statement, size), &vote->signature);
}

/* A QC may be cited by a Timeout of its own or a later term: whoever saw it had
 * entered its term. */
static bool may_cite(struct term term, struct rank high)
{
    return term.term > 0 && high.epoch == term.epoch && high.term <= term.term &&
           (is_block_rank(high) || is_root_rank(high));
}

enum cert_verdict timeout_verify(const struct validator_set *set,
                                 const struct wire_timeout *timeout)
{
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (timeout->epoch != set->epoch)
        return CERT_WRONG_EPOCH;
    if (!may_cite((struct term){timeout->epoch, timeout->term}, timeout->high))
        return CERT_INCONSISTENT;
    size_t size = statement_timeout(&set->chain, timeout, statement);
    return single_verify(set, timeout->voter, span_of(statement, size), &timeout->signature);
}

enum cert_verdict checkpoint_verify(const struct validator_set *set,
                                    const struct wire_checkpoint *checkpoint)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    size_t size = statement_checkpoint(&set->chain, checkpoint, statement);

    return single_verify(set, checkpoint->voter, span_of(statement, size), &checkpoint->signature);
}

static enum cert_verdict signers_verify(const struct validator_set *set, uint64_t signers)
{
    if (set->n < VALIDATORS_MAX && signers >> set->n != 0)
        return CERT_STRANGER;
    if ((uint32_t)__builtin_popcountll(signers) < quorum_size(set->n))
        return CERT_NO_QUORUM;
    return CERT_OK;
}

static enum cert_verdict sigs_verify(const struct validator_set *set, uint64_t signers,
                                     const struct sig *sigs, struct span statement)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if ((signers >> i & 1) != 0 && !is_signed_by(set, i, statement, &sigs[i]))
            return CERT_BAD_SIGNATURE;
    }
    return CERT_OK;
}

static enum cert_verdict root_verify(const struct validator_set *set, const struct qc *qc)
{
    bool is_root = hash_eq(&qc->block, &set->root) && hash_is_zero(&qc->parent) &&
                   rank_eq(qc->parent_rank, (struct rank){0}) && qc->signers == 0;
    return is_root ? CERT_OK : CERT_INCONSISTENT;
}

enum cert_verdict qc_verify(const struct validator_set *set, const struct qc *qc)
{
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (qc->rank.epoch != set->epoch)
        return CERT_WRONG_EPOCH;
    if (is_root_rank(qc->rank))
        return root_verify(set, qc);
    if (!is_link(qc->parent_rank, qc->rank))
        return CERT_INCONSISTENT;

    enum cert_verdict verdict = signers_verify(set, qc->signers);
    if (verdict != CERT_OK)
        return verdict;
    const struct wire_vote vote = {
        .rank = qc->rank, .block = qc->block, .parent = qc->parent, .parent_rank = qc->parent_rank};
    size_t size = statement_vote(&set->chain, &vote, statement);
    return sigs_verify(set, qc->signers, qc->sigs, span_of(statement, size));
}

enum cert_verdict cc_verify(const struct validator_set *set, const struct cc *cc)
{
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (cc->rank.epoch != set->epoch)
        return CERT_WRONG_EPOCH;
    if (!is_block_rank(cc->rank))
        return CERT_INCONSISTENT;

    enum cert_verdict verdict = signers_verify(set, cc->signers);
    if (verdict != CERT_OK)
        return verdict;
    const struct wire_commit_vote vote = {.rank = cc->rank, .block = cc->block};
    size_t size = statement_commit_vote(&set->chain, &vote, statement);
    return sigs_verify(set, cc->signers, cc->sigs, span_of(statement, size));
}

/* One signer's Timeout inside a TC, without its signature. */
static bool is_consistent(const struct tc *tc, const struct tc_timeout *timeout)
{
    const struct term term = {tc->term.epoch, timeout->term};

    return timeout->term >= tc->term.term && may_cite(term, timeout->high) &&
           rank_cmp(timeout->high, tc->high_qc.rank) <= 0;
}

static enum cert_verdict timeouts_verify(const struct validator_set *set, const struct tc *tc)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if ((tc->signers >> i & 1) != 0 && !is_consistent(tc, &tc->timeouts[i]))
            return CERT_INCONSISTENT;
    }
    for (uint32_t i = 0; i < set->n; i++) {
        if ((tc->signers >> i & 1) == 0)
            continue;
        uint8_t statement[STATEMENT_BYTES_MAX];
        const struct wire_timeout timeout = {
            .epoch = tc->term.epoch, .term = tc->timeouts[i].term, .high = tc->timeouts[i].high};
        size_t size = statement_timeout(&set->chain, &timeout, statement);
        if (!is_signed_by(set, i, span_of(statement, size), &tc->timeouts[i].sig))
            return CERT_BAD_SIGNATURE;
    }
    return CERT_OK;
}

enum cert_verdict tc_verify(const struct validator_set *set, const struct tc *tc)
{
    if (tc->term.epoch != set->epoch)
        return CERT_WRONG_EPOCH;
    /* A QC of a later term would make the next term's first block rank below the
     * block it extends. */
    if (tc->term.term == 0 || tc->high_qc.rank.term > tc->term.term)
        return CERT_INCONSISTENT;

    enum cert_verdict verdict = signers_verify(set, tc->signers);
    if (verdict == CERT_OK)
        verdict = timeouts_verify(set, tc);
    return verdict == CERT_OK ? qc_verify(set, &tc->high_qc) : verdict;
}

static enum cert_verdict handoff_verify(const struct validator_set *set, const struct entry *entry)
{
    const struct wire_header *header = &entry->handoff_header;
    const struct qc *qc = &entry->handoff_qc;
    struct hash id = header_id(header);

    if (!hash_eq(&id, &qc->block))
        return CERT_INCONSISTENT;
    if (!rank_eq(header->rank, qc->rank) || !hash_eq(&header->parent, &qc->parent))
        return CERT_INCONSISTENT;
    if (header->handoff == 0)
        return CERT_INCONSISTENT;
    if (header->handoff > set->n)
        return CERT_STRANGER;
    return qc_verify(set, qc);
}

enum cert_verdict entry_verify(const struct validator_set *set, const struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_NONE:
        return CERT_MALFORMED;
    case ENTRY_TC:
        return tc_verify(set, &entry->tc);
    case ENTRY_HANDOFF:
        return handoff_verify(set, entry);
    case ENTRY_ROOT:
        return CERT_OK;
    }
    return CERT_MALFORMED;
}

static bool is_two_chain(const struct qc *child)
{
    return is_block_rank(child->parent_rank) && child->parent_rank.epoch == child->rank.epoch &&
           child->parent_rank.term == child->rank.term &&
           child->parent_rank.seq == child->rank.seq - 1;
}

enum cert_verdict commit_proof_verify(const struct validator_set *set,
                                      const struct commit_proof *proof)
{
    if (!proof->is_child_qc)
        return cc_verify(set, &proof->cc);
    enum cert_verdict verdict = qc_verify(set, &proof->qc);
    if (verdict == CERT_OK && !is_two_chain(&proof->qc))
        return CERT_INCONSISTENT;
    return verdict;
}
