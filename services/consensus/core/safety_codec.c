#include "services/consensus/core/safety.h"

#include "common/must.h"

/* ---- intents: kind, carries_entry, then the statement's fields at fixed places ---- */

struct cursor {
    const uint8_t *in; /* reading */
    uint8_t *out;      /* writing */
    size_t at;
    size_t end;
    bool is_short;
};

/* Reads or writes `size` bytes; one walk serves both, so that they cannot differ. */
static void pass_bytes(struct cursor *cursor, void *bytes, size_t size)
{
    if (cursor->is_short || cursor->end - cursor->at < size) {
        cursor->is_short = true;
        return;
    }
    if (cursor->out != NULL)
        memcpy(cursor->out + cursor->at, bytes, size);
    else
        memcpy(bytes, cursor->in + cursor->at, size);
    cursor->at += size;
}

static void pass_u64(struct cursor *cursor, uint64_t *value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(*value >> (56 - 8 * i));
    pass_bytes(cursor, bytes, sizeof(bytes));
    uint64_t read = 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        read = read << 8 | bytes[i];
    *value = read;
}

static void pass_rank(struct cursor *cursor, struct rank *rank)
{
    pass_u64(cursor, &rank->epoch);
    pass_u64(cursor, &rank->term);
    pass_u64(cursor, &rank->seq);
}

static void pass_hash(struct cursor *cursor, struct hash *hash)
{
    pass_bytes(cursor, hash->b, sizeof(hash->b));
}

static void pass_vote(struct cursor *cursor, struct wire_vote *vote)
{
    pass_rank(cursor, &vote->rank);
    pass_hash(cursor, &vote->block);
    pass_hash(cursor, &vote->parent);
    pass_rank(cursor, &vote->parent_rank);
    pass_u64(cursor, &vote->voter);
}

static void pass_timeout(struct cursor *cursor, struct wire_timeout *timeout)
{
    pass_u64(cursor, &timeout->epoch);
    pass_u64(cursor, &timeout->term);
    pass_rank(cursor, &timeout->high);
    pass_u64(cursor, &timeout->voter);
}

static void pass_checkpoint(struct cursor *cursor, struct wire_checkpoint *checkpoint)
{
    pass_u64(cursor, &checkpoint->height);
    pass_hash(cursor, &checkpoint->block);
    pass_hash(cursor, &checkpoint->state_root);
    pass_u64(cursor, &checkpoint->voter);
}

static void pass_intent(struct cursor *cursor, struct intent *intent)
{
    switch (intent->kind) {
    case INTENT_PROPOSAL:
        pass_rank(cursor, &intent->proposal.rank);
        pass_hash(cursor, &intent->proposal.block);
        return;
    case INTENT_VOTE:
        pass_vote(cursor, &intent->vote);
        return;
    case INTENT_COMMIT_VOTE:
        pass_rank(cursor, &intent->commit_vote.rank);
        pass_hash(cursor, &intent->commit_vote.block);
        pass_u64(cursor, &intent->commit_vote.voter);
        return;
    case INTENT_TIMEOUT:
        pass_timeout(cursor, &intent->timeout);
        return;
    case INTENT_CHECKPOINT:
        pass_checkpoint(cursor, &intent->checkpoint);
        return;
    }
    cursor->is_short = true; /* no such kind */
}

size_t intent_encode(const struct intent *intent, uint8_t out[INTENT_BYTES_MAX])
{
    struct intent copy = *intent;
    struct cursor cursor = {.out = out, .at = 2, .end = INTENT_BYTES_MAX};
    out[0] = (uint8_t)intent->kind;
    out[1] = intent->carries_entry;
    pass_intent(&cursor, &copy);
    return cursor.is_short ? 0 : cursor.at;
}

bool intent_decode(struct span bytes, struct intent *ret_intent)
{
    if (bytes.size < 2 || bytes.data[1] > 1)
        return false;
    struct intent intent = {.kind = (enum intent_kind)bytes.data[0],
                            .carries_entry = bytes.data[1] == 1};
    struct cursor cursor = {.in = bytes.data, .at = 2, .end = bytes.size};
    pass_intent(&cursor, &intent);
    if (cursor.is_short || cursor.at != bytes.size)
        return false;
    *ret_intent = intent;
    return true;
}

/* ---- the record ---- */

static bool is_no_qc(const struct qc *qc)
{
    return rank_eq(qc->rank, (struct rank){0, 0, 0}) && qc->signers == 0;
}

/* What fits into the largest of its kind always does. No QC, no entry, no proof: no bytes. */
static struct span filled(const uint8_t *bytes, size_t size)
{
    MUST(size > 0);
    return span_of(bytes, size);
}

static struct span encode_qc(const struct qc *qc, uint8_t out[QC_BYTES_MAX])
{
    return is_no_qc(qc) ? span_of(out, 0) : filled(out, qc_encode(qc, out, QC_BYTES_MAX));
}

static bool decode_qc(struct span bytes, struct qc *qc)
{
    return bytes.size == 0 || (qc_decode(bytes, qc) == CERT_OK && !is_no_qc(qc));
}

size_t safety_encode(const struct safety_record *record, uint8_t *out, size_t capacity)
{
    uint8_t high_qc[QC_BYTES_MAX], timeout_qc[QC_BYTES_MAX], entry[ENTRY_BYTES_MAX];
    uint8_t proof[EPOCH_PROOF_BYTES_MAX];
    struct wire_safety wire = {
        .counter = record->counter,
        .instance = record->instance,
        .epoch = record->epoch,
        .observing = record->observing,
        .last_vote = record->last_vote,
        .last_vote_id = record->last_vote_id,
        .last_proposal = record->last_proposal,
        .last_proposal_id = record->last_proposal_id,
        .timed_out_epoch = record->timed_out.epoch,
        .timed_out_term = record->timed_out.term,
        .timeout_high = record->timeout_high,
        .key = record->key,
    };
    wire.high_qc = encode_qc(&record->high_qc, high_qc);
    wire.timeout_qc = encode_qc(&record->timeout_qc, timeout_qc);
    if (record->entry.kind != ENTRY_NONE)
        wire.entry = filled(entry, entry_encode(&record->entry, entry, sizeof(entry)));
    if (record->proof.kind != EPOCH_PROOF_NONE)
        wire.proof = filled(proof, epoch_proof_encode(&record->proof, proof, sizeof(proof)));
    return wire_encode(WIRE_safety, &wire, out, capacity);
}

bool safety_decode(struct span bytes, struct safety_record *ret_record)
{
    struct wire_safety wire;
    if (wire_decode_as(WIRE_safety, bytes, &wire) != WIRE_OK || wire.observing > 1)
        return false;
    struct safety_record record = {
        .counter = wire.counter,
        .instance = wire.instance,
        .epoch = wire.epoch,
        .observing = wire.observing == 1,
        .last_vote = wire.last_vote,
        .last_vote_id = wire.last_vote_id,
        .last_proposal = wire.last_proposal,
        .last_proposal_id = wire.last_proposal_id,
        .timed_out = {wire.timed_out_epoch, wire.timed_out_term},
        .timeout_high = wire.timeout_high,
        .key = wire.key,
    };
    if (!decode_qc(wire.high_qc, &record.high_qc) ||
        !decode_qc(wire.timeout_qc, &record.timeout_qc))
        return false;
    if (entry_decode(wire.entry, &record.entry) != CERT_OK)
        return false;
    if (wire.proof.size > 0 && epoch_proof_decode(wire.proof, &record.proof) != CERT_OK)
        return false;
    *ret_record = record;
    return true;
}
