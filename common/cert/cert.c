#include "common/cert/cert.h"

#include "common/hash.h"
#include "common/must.h"

uint32_t faulty_max(uint32_t n_validators)
{
    MUST(n_validators > 0);
    return (n_validators - 1) / 3;
}

uint32_t quorum_size(uint32_t n_validators)
{
    /* Not 2f + 1: that is too small whenever n is not exactly 3f + 1. */
    return n_validators - faulty_max(n_validators);
}

uint32_t scheduled_leader(const struct validator_set *set, uint64_t term)
{
    MUST(set->n > 0);

    /* Reduced first: the sum of two u64 may wrap. */
    return (uint32_t)((term % set->n + set->offset % set->n) % set->n);
}

uint64_t schedule_offset(const struct hash *root, uint32_t n)
{
    uint64_t first = 0;

    MUST(n > 0);
    for (unsigned int i = 0; i < 8; i++)
        first = first << 8 | root->b[i];
    return first % n;
}

struct hash commit_proof_block(const struct commit_proof *proof)
{
    return proof->is_child_qc ? proof->qc.parent : proof->cc.block;
}

struct rank commit_proof_rank(const struct commit_proof *proof)
{
    return proof->is_child_qc ? proof->qc.parent_rank : proof->cc.rank;
}

struct qc qc_of_root(const struct validator_set *set)
{
    return (struct qc){.rank = {set->epoch, 0, 0}, .block = set->root};
}

const char *cert_verdict_text(enum cert_verdict verdict)
{
    switch (verdict) {
    case CERT_OK:
        return "ok";
    case CERT_MALFORMED:
        return "malformed";
    case CERT_WRONG_EPOCH:
        return "of another epoch";
    case CERT_STRANGER:
        return "signed by a stranger";
    case CERT_NO_QUORUM:
        return "no quorum";
    case CERT_BAD_SIGNATURE:
        return "bad signature";
    case CERT_INCONSISTENT:
        return "ranks contradict one another";
    }
    return "unknown";
}

struct hash header_id(const struct wire_header *header)
{
    uint8_t bytes[HEADER_BYTES_MAX];
    size_t size = header_encode(header, bytes);

    return hash_bytes(span_of(bytes, size));
}

struct hash qc_digest(const struct qc *qc)
{
    uint8_t bytes[QC_BYTES_MAX];
    size_t size = qc_encode(qc, bytes, sizeof(bytes));
    struct span encoded = span_of(bytes, size);

    MUST(size > 0);
    return hash_tagged("apm2/qc/1", &encoded, 1);
}

struct hash entry_digest(const struct entry *entry)
{
    uint8_t bytes[ENTRY_BYTES_MAX];

    if (entry->kind == ENTRY_NONE)
        return (struct hash){{0}};

    size_t size = entry_encode(entry, bytes, sizeof(bytes));
    struct span encoded = span_of(bytes, size);
    MUST(size > 0);
    return hash_tagged("apm2/entry/1", &encoded, 1);
}
