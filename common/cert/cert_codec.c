#include "common/cert/cert.h"

#include "common/must.h"

/* A TC's timeout: 4 u64 and a signature. */
#define TIMEOUT_BYTES 96u

/* Every form is canonical: the wire takes shortest forms only, signatures stand in
 * bit order, unused fields are empty. So digests of structs and of received bytes agree. */

static size_t n_bits(uint64_t signers)
{
    return (size_t)__builtin_popcountll(signers);
}

static size_t sigs_pack(uint64_t signers, const struct sig *sigs, uint8_t *out)
{
    size_t size = 0;

    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        if ((signers >> i & 1) == 0)
            continue;
        memcpy(out + size, sigs[i].b, sizeof(sigs[i].b));
        size += sizeof(sigs[i].b);
    }
    return size;
}

/* `bytes` holds as many signatures as `signers` has bits. */
static void sigs_unpack(uint64_t signers, const uint8_t *bytes, struct sig *sigs)
{
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        if ((signers >> i & 1) == 0)
            continue;
        memcpy(sigs[i].b, bytes, sizeof(sigs[i].b));
        bytes += sizeof(sigs[i].b);
    }
}

static bool has_sigs(uint64_t signers, struct span sigs)
{
    return sigs.size == n_bits(signers) * sizeof(struct sig);
}

size_t header_encode(const struct wire_header *header, uint8_t out[HEADER_BYTES_MAX])
{
    size_t size = wire_encode(WIRE_header, header, out, HEADER_BYTES_MAX);

    MUST(size > 0);
    return size;
}

size_t qc_encode(const struct qc *qc, uint8_t *out, size_t capacity)
{
    uint8_t sigs[VALIDATORS_MAX * sizeof(struct sig)];
    size_t size = sigs_pack(qc->signers, qc->sigs, sigs);
    const struct wire_qc_record record = {.rank = qc->rank,
                                          .block = qc->block,
                                          .parent = qc->parent,
                                          .parent_rank = qc->parent_rank,
                                          .signers = qc->signers,
                                          .sigs = span_of(sigs, size)};

    return wire_encode(WIRE_qc_record, &record, out, capacity);
}

enum cert_verdict qc_decode(struct span bytes, struct qc *ret_qc)
{
    struct wire_qc_record record;

    if (wire_decode_as(WIRE_qc_record, bytes, &record) != WIRE_OK)
        return CERT_MALFORMED;
    if (!has_sigs(record.signers, record.sigs))
        return CERT_MALFORMED;
    *ret_qc = (struct qc){.rank = record.rank,
                          .block = record.block,
                          .parent = record.parent,
                          .parent_rank = record.parent_rank,
                          .signers = record.signers};
    sigs_unpack(record.signers, record.sigs.data, ret_qc->sigs);
    return CERT_OK;
}

size_t cc_encode(const struct cc *cc, uint8_t *out, size_t capacity)
{
    uint8_t sigs[VALIDATORS_MAX * sizeof(struct sig)];
    size_t size = sigs_pack(cc->signers, cc->sigs, sigs);
    const struct wire_cc_record record = {
        .rank = cc->rank, .block = cc->block, .signers = cc->signers, .sigs = span_of(sigs, size)};

    return wire_encode(WIRE_cc_record, &record, out, capacity);
}

enum cert_verdict cc_decode(struct span bytes, struct cc *ret_cc)
{
    struct wire_cc_record record;

    if (wire_decode_as(WIRE_cc_record, bytes, &record) != WIRE_OK)
        return CERT_MALFORMED;
    if (!has_sigs(record.signers, record.sigs))
        return CERT_MALFORMED;
    *ret_cc = (struct cc){.rank = record.rank, .block = record.block, .signers = record.signers};
    sigs_unpack(record.signers, record.sigs.data, ret_cc->sigs);
    return CERT_OK;
}

static uint8_t *u64_pack(uint8_t *out, uint64_t value)
{
    for (unsigned int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    return out + 8;
}

static uint64_t u64_unpack(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

static size_t timeouts_pack(const struct tc *tc, uint8_t *out)
{
    uint8_t *at = out;

    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        const struct tc_timeout *timeout = &tc->timeouts[i];
        if ((tc->signers >> i & 1) == 0)
            continue;
        at = u64_pack(at, timeout->term);
        at = u64_pack(at, timeout->high.epoch);
        at = u64_pack(at, timeout->high.term);
        at = u64_pack(at, timeout->high.seq);
        memcpy(at, timeout->sig.b, sizeof(timeout->sig.b));
        at += sizeof(timeout->sig.b);
    }
    return (size_t)(at - out);
}

static void timeouts_unpack(const uint8_t *bytes, struct tc *tc)
{
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        struct tc_timeout *timeout = &tc->timeouts[i];
        if ((tc->signers >> i & 1) == 0)
            continue;
        timeout->term = u64_unpack(bytes);
        timeout->high.epoch = u64_unpack(bytes + 8);
        timeout->high.term = u64_unpack(bytes + 16);
        timeout->high.seq = u64_unpack(bytes + 24);
        memcpy(timeout->sig.b, bytes + 32, sizeof(timeout->sig.b));
        bytes += TIMEOUT_BYTES;
    }
}

size_t tc_encode(const struct tc *tc, uint8_t *out, size_t capacity)
{
    uint8_t timeouts[VALIDATORS_MAX * TIMEOUT_BYTES];
    uint8_t high_qc[QC_BYTES_MAX];
    size_t timeouts_size = timeouts_pack(tc, timeouts);
    size_t high_qc_size = qc_encode(&tc->high_qc, high_qc, sizeof(high_qc));
    const struct wire_tc_record record = {.epoch = tc->term.epoch,
                                          .term = tc->term.term,
                                          .signers = tc->signers,
                                          .timeouts = span_of(timeouts, timeouts_size),
                                          .high_qc = span_of(high_qc, high_qc_size)};

    return wire_encode(WIRE_tc_record, &record, out, capacity);
}

enum cert_verdict tc_decode(struct span bytes, struct tc *ret_tc)
{
    struct wire_tc_record record;
    struct qc high_qc;

    if (wire_decode_as(WIRE_tc_record, bytes, &record) != WIRE_OK)
        return CERT_MALFORMED;
    if (record.timeouts.size != n_bits(record.signers) * TIMEOUT_BYTES)
        return CERT_MALFORMED;
    if (qc_decode(record.high_qc, &high_qc) != CERT_OK)
        return CERT_MALFORMED;
    *ret_tc = (struct tc){
        .term = {record.epoch, record.term}, .signers = record.signers, .high_qc = high_qc};
    timeouts_unpack(record.timeouts.data, ret_tc);
    return CERT_OK;
}

size_t entry_encode(const struct entry *entry, uint8_t *out, size_t capacity)
{
    uint8_t certificate[TC_BYTES_MAX];
    uint8_t header[HEADER_BYTES_MAX];
    struct wire_entry_record record = {.kind = (uint64_t)entry->kind};

    switch (entry->kind) {
    case ENTRY_NONE:
        return 0;
    case ENTRY_TC:
        record.certificate.size = tc_encode(&entry->tc, certificate, sizeof(certificate));
        break;
    case ENTRY_HANDOFF:
        record.certificate.size = qc_encode(&entry->handoff_qc, certificate, sizeof(certificate));
        record.header = span_of(header, header_encode(&entry->handoff_header, header));
        break;
    case ENTRY_ROOT:
        break;
    }
    record.certificate.data = certificate;
    return wire_encode(WIRE_entry_record, &record, out, capacity);
}

static enum cert_verdict entry_decode_tc(const struct wire_entry_record *record,
                                         struct entry *ret_entry)
{
    if (record->header.size != 0 || tc_decode(record->certificate, &ret_entry->tc) != CERT_OK)
        return CERT_MALFORMED;
    ret_entry->kind = ENTRY_TC;
    return CERT_OK;
}

static enum cert_verdict entry_decode_handoff(const struct wire_entry_record *record,
                                              struct entry *ret_entry)
{
    struct wire_header header;

    if (wire_decode_as(WIRE_header, record->header, &header) != WIRE_OK)
        return CERT_MALFORMED;
    if (qc_decode(record->certificate, &ret_entry->handoff_qc) != CERT_OK)
        return CERT_MALFORMED;
    ret_entry->handoff_header = header;
    ret_entry->kind = ENTRY_HANDOFF;
    return CERT_OK;
}

enum cert_verdict entry_decode(struct span bytes, struct entry *ret_entry)
{
    struct wire_entry_record record;

    if (bytes.size == 0) {
        ret_entry->kind = ENTRY_NONE;
        return CERT_OK;
    }
    if (wire_decode_as(WIRE_entry_record, bytes, &record) != WIRE_OK)
        return CERT_MALFORMED;
    if (record.kind == ENTRY_TC)
        return entry_decode_tc(&record, ret_entry);
    if (record.kind == ENTRY_HANDOFF)
        return entry_decode_handoff(&record, ret_entry);
    if (record.kind != ENTRY_ROOT || record.certificate.size != 0 || record.header.size != 0)
        return CERT_MALFORMED;
    ret_entry->kind = ENTRY_ROOT;
    return CERT_OK;
}

/* commit_proof.kind, see messages.def. */
enum { PROOF_CC = 1, PROOF_CHILD_QC = 2 };

size_t commit_proof_encode(const struct commit_proof *proof, uint8_t *out, size_t capacity)
{
    uint8_t body[QC_BYTES_MAX];
    size_t size = proof->is_child_qc ? qc_encode(&proof->qc, body, sizeof(body))
                                     : cc_encode(&proof->cc, body, sizeof(body));
    const struct wire_commit_proof record = {.kind = proof->is_child_qc ? PROOF_CHILD_QC : PROOF_CC,
                                             .body = span_of(body, size)};

    return wire_encode(WIRE_commit_proof, &record, out, capacity);
}

enum cert_verdict commit_proof_decode(struct span bytes, struct commit_proof *ret_proof)
{
    struct wire_commit_proof record;

    if (wire_decode_as(WIRE_commit_proof, bytes, &record) != WIRE_OK)
        return CERT_MALFORMED;
    if (record.kind != PROOF_CC && record.kind != PROOF_CHILD_QC)
        return CERT_MALFORMED;

    bool is_child_qc = record.kind == PROOF_CHILD_QC;
    enum cert_verdict verdict = is_child_qc ? qc_decode(record.body, &ret_proof->qc)
                                            : cc_decode(record.body, &ret_proof->cc);
    if (verdict == CERT_OK)
        ret_proof->is_child_qc = is_child_qc;
    return verdict;
}
