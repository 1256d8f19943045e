#include "common/cert/epoch_proof.h"

#include "common/must.h"

uint64_t epoch_proof_epoch(const struct epoch_proof *proof)
{
    switch (proof->kind) {
    case EPOCH_PROOF_NONE:
        break;
    case EPOCH_PROOF_COMMIT:
        return proof->root.rank.epoch + 1;
    case EPOCH_PROOF_RECOVERY:
        return proof->recovery.epoch;
    }
    MUST(!"a proof");
    return 0;
}

struct hash epoch_proof_root(const struct epoch_proof *proof)
{
    MUST(proof->kind != EPOCH_PROOF_NONE);
    return proof->kind == EPOCH_PROOF_COMMIT ? header_id(&proof->root) : proof->recovery.block;
}

uint64_t epoch_proof_height(const struct epoch_proof *proof)
{
    MUST(proof->kind != EPOCH_PROOF_NONE);
    return proof->kind == EPOCH_PROOF_COMMIT ? proof->root.height : proof->recovery.height;
}

static void copy_sigs(struct sig *to, const struct sig *from, uint64_t signers)
{
    for (; signers != 0; signers &= signers - 1) {
        int i = __builtin_ctzll(signers);
        to[i] = from[i];
    }
}

static void copy_commit_proof(struct commit_proof *to, const struct commit_proof *from)
{
    to->is_child_qc = from->is_child_qc;
    if (from->is_child_qc) {
        memcpy(&to->qc, &from->qc, offsetof(struct qc, sigs));
        copy_sigs(to->qc.sigs, from->qc.sigs, from->qc.signers);
    } else {
        memcpy(&to->cc, &from->cc, offsetof(struct cc, sigs));
        copy_sigs(to->cc.sigs, from->cc.sigs, from->cc.signers);
    }
}

void epoch_proof_copy(struct epoch_proof *to, const struct epoch_proof *from)
{
    to->kind = from->kind;
    if (from->kind == EPOCH_PROOF_NONE)
        return;
    to->next.n = from->next.n;
    memcpy(to->next.list, from->next.list, from->next.n * sizeof(from->next.list[0]));
    if (from->kind == EPOCH_PROOF_RECOVERY) {
        to->recovery = from->recovery;
        return;
    }
    to->root = from->root;
    to->n_path = from->n_path;
    memcpy(to->path, from->path, from->n_path * sizeof(from->path[0]));
    copy_commit_proof(&to->proof, &from->proof);
}

/* The header of the block that the certificate proves, NULL: the path is broken. */
static const struct wire_header *path_end(const struct validator_set *before,
                                          const struct epoch_proof *proof)
{
    const struct wire_header *last = &proof->root;

    if (proof->n_path > EPOCH_PATH_MAX || !hash_eq(&last->chain, &before->chain))
        return NULL;
    for (uint32_t i = 0; i < proof->n_path; i++) {
        const struct wire_header *next = &proof->path[i];
        struct hash id = header_id(last);
        if (!hash_eq(&next->parent, &id) || !hash_eq(&next->chain, &before->chain) ||
            next->height != last->height + 1 || next->rank.epoch != before->epoch ||
            rank_cmp(next->rank, last->rank) <= 0 || !hash_is_zero(&next->next_set))
            return NULL;
        last = next;
    }
    return last;
}

static enum cert_verdict commit_verify(const struct validator_set *before,
                                       const struct epoch_proof *proof)
{
    if (proof->root.rank.epoch != before->epoch)
        return CERT_WRONG_EPOCH;
    struct hash digest = members_digest(&proof->next);
    const struct wire_header *end = path_end(before, proof);
    if (end == NULL || !hash_eq(&digest, &proof->root.next_set))
        return CERT_INCONSISTENT;
    struct hash end_id = header_id(end);
    struct hash proven = commit_proof_block(&proof->proof);
    if (!hash_eq(&proven, &end_id) || !rank_eq(commit_proof_rank(&proof->proof), end->rank))
        return CERT_INCONSISTENT;
    return commit_proof_verify(before, &proof->proof);
}

static enum cert_verdict recovery_verify(const struct validator_set *before,
                                         const struct epoch_proof *proof)
{
    const struct recovery *recovery = &proof->recovery;
    const struct t0_set *t0 = &before->t0;
    struct hash digest = members_digest(&proof->next);
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (recovery->epoch <= before->epoch)
        return CERT_WRONG_EPOCH;
    if (!hash_eq(&digest, &recovery->set) || recovery->reason_size > sizeof(recovery->reason))
        return CERT_INCONSISTENT;
    if (recovery->signers >> t0->n != 0)
        return CERT_STRANGER;
    if (t0->threshold == 0 || (uint32_t)__builtin_popcountll(recovery->signers) < t0->threshold)
        return CERT_NO_QUORUM;
    size_t size = statement_recovery(&before->chain, recovery, statement);
    for (uint32_t i = 0; i < t0->n; i++)
        if ((recovery->signers >> i & 1) != 0 &&
            !before->check(&t0->keys[i], span_of(statement, size), &recovery->sigs[i]))
            return CERT_BAD_SIGNATURE;
    return CERT_OK;
}

enum cert_verdict epoch_proof_verify(const struct validator_set *before,
                                     const struct epoch_proof *proof)
{
    if (proof->kind == EPOCH_PROOF_NONE)
        return CERT_MALFORMED;
    if (!members_are_valid(&proof->next))
        return CERT_INCONSISTENT;
    return proof->kind == EPOCH_PROOF_COMMIT ? commit_verify(before, proof)
                                             : recovery_verify(before, proof);
}
