/* Validators' messages, and all that stands inside them. */
#include "common/bundle.h"
#include "common/cert/cert.h"
#include "tests/fuzz/form.h"

static void check_qc(struct span bytes)
{
    struct qc qc;
    uint8_t again[QC_BYTES_MAX];

    if (qc_decode(bytes, &qc) == CERT_OK)
        MUST(qc_encode(&qc, again, sizeof(again)) == bytes.size &&
             memcmp(again, bytes.data, bytes.size) == 0);
}

static void check_entry(struct span bytes)
{
    struct entry entry;
    uint8_t again[ENTRY_BYTES_MAX];

    if (entry_decode(bytes, &entry) == CERT_OK && bytes.size > 0)
        MUST(entry_encode(&entry, again, sizeof(again)) == bytes.size &&
             memcmp(again, bytes.data, bytes.size) == 0);
}

static void check_proposal(const struct wire_proposal *proposal)
{
    struct wire_header header;
    uint8_t again[HEADER_BYTES_MAX];

    if (wire_decode_as(WIRE_header, proposal->header, &header) == WIRE_OK)
        MUST(header_encode(&header, again) == proposal->header.size &&
             memcmp(again, proposal->header.data, proposal->header.size) == 0);
    check_qc(proposal->justify);
    check_entry(proposal->entry);
}

static void check_bundles(const struct blobs *bundles)
{
    const struct hash chain = {{0xc0}};
    size_t cursor = 0;
    struct span bytes;
    uint32_t n = 0;

    for (; blobs_next(bundles, &cursor, &bytes); n++) {
        struct bundle_view bundle;
        (void)bundle_parse(bytes, &chain, &bundle);
    }
    MUST(n == bundles->n);
}

static void check_blocks(const struct blobs *blocks)
{
    size_t cursor = 0;
    struct span bytes;

    while (blobs_next(blocks, &cursor, &bytes)) {
        struct wire_sync_block block;
        struct wire_proposal proposal;
        if (wire_decode_as(WIRE_sync_block, bytes, &block) != WIRE_OK)
            continue;
        check_bundles(&block.bundles);
        if (wire_decode_as(WIRE_proposal, block.proposal, &proposal) == WIRE_OK)
            check_proposal(&proposal);
    }
}

static void run(struct span input)
{
    struct wire_message message;

    if (!form_check(input, &message))
        return;
    if (message.id == WIRE_proposal)
        check_proposal(&message.proposal);
    else if (message.id == WIRE_timeout)
        check_qc(message.timeout.high_qc);
    else if (message.id == WIRE_certificate)
        check_entry(message.certificate.body);
    else if (message.id == WIRE_bundles)
        check_bundles(&message.bundles.bundles);
    else if (message.id == WIRE_range)
        check_blocks(&message.range.blocks);
}

const struct fuzz_target fuzz_target = {.run = run, .mutate = form_mutate};
