/* Samples of evidence: a pair, a forgery, a sighting, and the messages they are made of. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/evidence/evidence.h"
#include "common/must.h"
#include "tests/fuzz/sample.h"
#include "tests/support/good_certs.h"

static void put(const char *directory, const char *name, struct span bytes)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/evidence", directory);
    (void)mkdir(path, 0755);
    (void)snprintf(path, sizeof(path), "%s/evidence/%s", directory, name);
    FILE *file = fopen(path, "wb");
    MUST(file != NULL && bytes.size > 0);
    MUST(fwrite(bytes.data, 1, bytes.size, file) == bytes.size && fclose(file) == 0);
}

static struct span bytes_of(const struct evidence_bytes *evidence)
{
    return span_of(evidence->data, evidence->size);
}

static void forged_header(uint8_t *out, size_t capacity, size_t *ret_size, struct qc *ret_qc)
{
    uint8_t header_bytes[HEADER_BYTES_MAX], statement[STATEMENT_BYTES_MAX];
    struct wire_header header = {.chain = set.chain, .rank = {2, 5, 3}, .author = 1};

    *ret_qc = good.qc;
    ret_qc->sigs[0].b[0] ^= 1;
    header.justify = qc_digest(ret_qc);
    struct hash id = header_id(&header);
    const struct wire_proposal proposal = {
        .header = span_of(header_bytes, header_encode(&header, header_bytes)),
        .signature = SIGN(1, proposal, &id)};
    *ret_size = signed_message_of_proposal(&proposal, out, capacity);
}

void evidence_seeds(const char *directory)
{
    static struct evidence_bytes evidence;
    uint8_t a[SIGNED_MESSAGE_BYTES_MAX], b[SIGNED_MESSAGE_BYTES_MAX], qc_bytes[QC_BYTES_MAX];
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct qc qc;

    all_good();
    struct wire_vote twin = good.vote;
    twin.block = filled(0xb2);
    twin.signature = SIGN(3, vote, &twin);
    struct span first = span_of(a, signed_message_of_vote(&good.vote, a, sizeof(a)));
    struct span second = span_of(b, signed_message_of_vote(&twin, b, sizeof(b)));
    MUST(evidence_pair(&set, first, second, &evidence) == EVIDENCE_PROVEN);
    put(directory, "equivocation", bytes_of(&evidence));
    put(directory, "vote", first);

    size_t size = 0;
    forged_header(a, sizeof(a), &size, &qc);
    struct span header = span_of(a, size);
    struct span cited = span_of(qc_bytes, qc_encode(&qc, qc_bytes, sizeof(qc_bytes)));
    MUST(evidence_forgery(&set, header, cited, &evidence) == EVIDENCE_PROVEN);
    put(directory, "quorum_forgery", bytes_of(&evidence));
    put(directory, "signed_header", header);

    const struct evidence_sighting sighting = {
        .kind = EVIDENCE_REPLAY, .what = WIRE_vote, .validator = 3, .message = second};
    MUST(evidence_sight(&set, &sighting, &evidence));
    put(directory, "replay", bytes_of(&evidence));
}
