/* Epoch proofs to and from records. One form each: what a kind does not use is empty. */
#include "common/cert/epoch_proof.h"

static size_t t0_sigs_pack(const struct recovery *recovery, uint8_t *out)
{
    size_t size = 0;

    for (uint32_t i = 0; i < T0_KEYS_MAX; i++) {
        if ((recovery->signers >> i & 1) == 0)
            continue;
        memcpy(out + size, recovery->sigs[i].b, sizeof(recovery->sigs[i].b));
        size += sizeof(recovery->sigs[i].b);
    }
    return size;
}

static size_t recovery_encode(const struct recovery *recovery, uint8_t *out, size_t capacity)
{
    uint8_t sigs[T0_KEYS_MAX * sizeof(struct sig)];
    const struct wire_recovery record = {
        .epoch = recovery->epoch,
        .height = recovery->height,
        .block = recovery->block,
        .state_root = recovery->state_root,
        .set = recovery->set,
        .reason = span_of(recovery->reason, recovery->reason_size),
        .signers = recovery->signers,
        .sigs = span_of(sigs, t0_sigs_pack(recovery, sigs)),
    };

    return wire_encode(WIRE_recovery, &record, out, capacity);
}

static bool recovery_decode(struct span bytes, struct recovery *ret_recovery)
{
    struct wire_recovery record;

    if (wire_decode_as(WIRE_recovery, bytes, &record) != WIRE_OK ||
        record.signers >> T0_KEYS_MAX != 0 ||
        record.sigs.size != (size_t)__builtin_popcountll(record.signers) * sizeof(struct sig))
        return false;
    *ret_recovery = (struct recovery){
        .epoch = record.epoch,
        .height = record.height,
        .block = record.block,
        .state_root = record.state_root,
        .set = record.set,
        .reason_size = (uint32_t)record.reason.size,
        .signers = record.signers,
    };
    memcpy(ret_recovery->reason, record.reason.data, record.reason.size);
    const uint8_t *at = record.sigs.data;
    for (uint64_t left = record.signers; left != 0; left &= left - 1, at += sizeof(struct sig))
        memcpy(ret_recovery->sigs[__builtin_ctzll(left)].b, at, sizeof(struct sig));
    return true;
}

size_t epoch_proof_encode(const struct epoch_proof *proof, uint8_t *out, size_t capacity)
{
    uint8_t root[HEADER_BYTES_MAX], path[EPOCH_PATH_MAX][HEADER_BYTES_MAX];
    uint8_t certificate[QC_BYTES_MAX];
    struct span items[EPOCH_PATH_MAX];
    struct wire_epoch_proof record = {
        .kind = (uint64_t)proof->kind,
        .path = {.items = items},
        .members = span_of(proof->next.list, proof->next.n * sizeof(proof->next.list[0])),
    };

    if (proof->kind == EPOCH_PROOF_NONE || proof->n_path > EPOCH_PATH_MAX)
        return 0;
    record.certificate.data = certificate;
    if (proof->kind == EPOCH_PROOF_RECOVERY) {
        record.certificate.size =
            recovery_encode(&proof->recovery, certificate, sizeof(certificate));
    } else {
        record.root = span_of(root, header_encode(&proof->root, root));
        record.path.n = proof->n_path;
        for (uint32_t i = 0; i < proof->n_path; i++)
            items[i] = span_of(path[i], header_encode(&proof->path[i], path[i]));
        record.certificate.size =
            commit_proof_encode(&proof->proof, certificate, sizeof(certificate));
    }
    if (record.certificate.size == 0)
        return 0;
    return wire_encode(WIRE_epoch_proof, &record, out, capacity);
}

static bool path_decode(const struct blobs *blobs, struct epoch_proof *proof)
{
    struct span bytes;
    size_t cursor = 0;

    for (proof->n_path = 0; blobs_next(blobs, &cursor, &bytes); proof->n_path++)
        if (proof->n_path == EPOCH_PATH_MAX ||
            wire_decode_as(WIRE_header, bytes, &proof->path[proof->n_path]) != WIRE_OK)
            return false;
    return true;
}

static bool commit_decode(const struct wire_epoch_proof *record, struct epoch_proof *proof)
{
    return wire_decode_as(WIRE_header, record->root, &proof->root) == WIRE_OK &&
           path_decode(&record->path, proof) &&
           commit_proof_decode(record->certificate, &proof->proof) == CERT_OK;
}

enum cert_verdict epoch_proof_decode(struct span bytes, struct epoch_proof *ret_proof)
{
    struct wire_epoch_proof record;

    if (wire_decode_as(WIRE_epoch_proof, bytes, &record) != WIRE_OK || record.members.size == 0 ||
        record.members.size % MEMBER_BYTES != 0)
        return CERT_MALFORMED;
    if (record.kind == EPOCH_PROOF_COMMIT) {
        if (!commit_decode(&record, ret_proof))
            return CERT_MALFORMED;
    } else if (record.kind != EPOCH_PROOF_RECOVERY || record.root.size != 0 || record.path.n != 0 ||
               !recovery_decode(record.certificate, &ret_proof->recovery)) {
        return CERT_MALFORMED;
    }
    ret_proof->kind = (enum epoch_proof_kind)record.kind;
    ret_proof->next.n = (uint32_t)(record.members.size / MEMBER_BYTES);
    memcpy(ret_proof->next.list, record.members.data, record.members.size);
    return CERT_OK;
}
