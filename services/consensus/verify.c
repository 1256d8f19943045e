/* From wire messages to what the core may see: every signature and digest checked once. */
#include "services/consensus/node.h"

#include "common/merkle/merkle.h"

static enum metric_label label_of(enum cert_verdict verdict)
{
    switch (verdict) {
    case CERT_OK:
    case CERT_MALFORMED:
        return LABEL_malformed;
    case CERT_WRONG_EPOCH:
        return LABEL_stale;
    case CERT_STRANGER:
        return LABEL_stranger;
    case CERT_BAD_SIGNATURE:
        return LABEL_bad_signature;
    case CERT_NO_QUORUM:
    case CERT_INCONSISTENT:
        return LABEL_bad_certificate;
    }
    return LABEL_other;
}

bool verify_cert(struct node *node, uint32_t from, enum cert_verdict verdict, const char *what)
{
    if (verdict == CERT_OK)
        return true;
    if (verdict == CERT_BAD_SIGNATURE)
        accuse_bad_signature(node, from);
    peer_refuse(node, from, label_of(verdict), what);
    return false;
}

/* Same statement as the high QC: a quorum's signatures on it were checked already. */
static bool is_high_qc(const struct node *node, const struct qc *qc)
{
    const struct qc *high = core_high_qc(node->core);

    return rank_eq(qc->rank, high->rank) && hash_eq(&qc->block, &high->block) &&
           hash_eq(&qc->parent, &high->parent) && rank_eq(qc->parent_rank, high->parent_rank);
}

bool verify_qc(struct node *node, uint32_t from, struct span bytes, struct qc *ret_qc)
{
    if (!verify_cert(node, from, qc_decode(bytes, ret_qc), "qc"))
        return false;
    return is_high_qc(node, ret_qc) ||
           verify_cert(node, from, qc_verify(core_set(node->core), ret_qc), "qc");
}

static bool decode_header(const struct node *node, struct span bytes, struct wire_header *header)
{
    const struct genesis *genesis = node->genesis;

    return wire_decode_as(WIRE_header, bytes, header) == WIRE_OK &&
           header->rules_version == genesis->rules_version &&
           hash_eq(&header->chain, &genesis->chain) && header->author < genesis->n_validators;
}

static bool decode_entry(const struct wire_proposal *message, struct entry *ret_entry)
{
    ret_entry->kind = ENTRY_NONE;
    return message->entry.size == 0 || entry_decode(message->entry, ret_entry) == CERT_OK;
}

bool verify_proposal_form(const struct node *node, const struct wire_proposal *message,
                          struct proposal *ret_proposal)
{
    size_t n = message->bundles.size / sizeof(struct hash);

    if (!decode_header(node, message->header, &ret_proposal->header) ||
        !decode_entry(message, &ret_proposal->entry) ||
        qc_decode(message->justify, &ret_proposal->justify) != CERT_OK)
        return false;
    ret_proposal->id = hash_bytes(message->header);
    ret_proposal->is_payload_empty = n == 0;
    struct hash justify = qc_digest(&ret_proposal->justify);
    struct hash entry = entry_digest(&ret_proposal->entry);
    struct hash root = merkle_root_of_hashes((const struct hash *)message->bundles.data, n);
    return hash_eq(&justify, &ret_proposal->header.justify) &&
           hash_eq(&entry, &ret_proposal->header.entry) &&
           hash_eq(&root, &ret_proposal->header.payload_root);
}

static bool is_signed_by_author(const struct node *node, const struct wire_proposal *message,
                                const struct proposal *proposal)
{
    const struct validator_set *set = core_set(node->core);
    uint8_t statement[STATEMENT_BYTES_MAX];
    size_t size = statement_proposal(&set->chain, &proposal->id, statement);

    return set->check(&set->keys[proposal->header.author], span_of(statement, size),
                      &message->signature);
}

/* A certificate of a proposal, whose author's signature is good: it answers for it. */
static bool verify_cited(struct node *node, uint32_t from, const struct wire_proposal *message,
                         struct span certificate, enum cert_verdict verdict)
{
    if (verdict == CERT_OK)
        return true;
    accuse_cited(node, message, certificate);
    peer_refuse(node, from, label_of(verdict), "a certificate that a proposal cites");
    return false;
}

bool verify_proposal(struct node *node, uint32_t from, const struct wire_proposal *message,
                     struct proposal *ret_proposal)
{
    const struct validator_set *set = core_set(node->core);

    if (!verify_proposal_form(node, message, ret_proposal)) {
        peer_refuse(node, from, LABEL_malformed, "proposal");
        return false;
    }
    if (!is_signed_by_author(node, message, ret_proposal)) {
        accuse_bad_signature(node, from);
        peer_refuse(node, from, LABEL_bad_signature, "proposal");
        return false;
    }
    accuse_saw_proposal(node, &ret_proposal->header, message);
    if (!is_high_qc(node, &ret_proposal->justify) &&
        !verify_cited(node, from, message, message->justify,
                      qc_verify(set, &ret_proposal->justify)))
        return false;
    return ret_proposal->entry.kind == ENTRY_NONE ||
           verify_cited(node, from, message, message->entry,
                        entry_verify(set, &ret_proposal->entry));
}
