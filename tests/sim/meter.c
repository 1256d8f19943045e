#include "tests/sim/meter.h"

#include "common/must.h"
#include "tests/sim/world.h"

/* The largest that is metered: a block's bundles. */
#define MESSAGE_BYTES_MAX (REQUESTS_MAX * (METER_BUNDLE_BYTES + 8u) + ENTRY_BYTES_MAX + 16384u)

static size_t encoded(enum wire_id id, const void *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = wire_encode(id, message, bytes, sizeof(bytes));

    MUST(size > 0);
    return size;
}

static size_t proposal_size(const struct pool_block *block)
{
    static const uint8_t ids[REQUESTS_MAX * sizeof(struct hash)];
    uint8_t header[HEADER_BYTES_MAX], justify[QC_BYTES_MAX], entry[ENTRY_BYTES_MAX];
    const struct proposal *proposal = &block->proposal;
    size_t n_bundles = (size_t)__builtin_popcountll(block->requests);
    struct wire_proposal wire = {
        .header = span_of(header, header_encode(&proposal->header, header)),
        .justify = span_of(justify, qc_encode(&proposal->justify, justify, sizeof(justify))),
        .bundles = span_of(ids, n_bundles * sizeof(struct hash)),
        .signature = block->signature,
    };

    if (proposal->entry.kind != ENTRY_NONE)
        wire.entry = span_of(entry, entry_encode(&proposal->entry, entry, sizeof(entry)));
    return encoded(WIRE_proposal, &wire);
}

static size_t certificate_size(enum certificate_kind kind, const struct message *message)
{
    uint8_t body[ENTRY_BYTES_MAX];
    struct wire_certificate wire = {.kind = kind};
    size_t size = 0;

    switch (kind) {
    case CERTIFICATE_QC:
        size = qc_encode(message->qc, body, sizeof(body));
        break;
    case CERTIFICATE_CC:
        size = cc_encode(message->cc, body, sizeof(body));
        break;
    case CERTIFICATE_ENTRY:
        size = entry_encode(message->entry, body, sizeof(body));
        break;
    case CERTIFICATE_EPOCH: /* there is one epoch */
        MUST(false);
    }
    wire.body = span_of(body, size);
    return encoded(WIRE_certificate, &wire);
}

static size_t timeout_size(const struct message *message)
{
    uint8_t body[QC_BYTES_MAX];
    struct wire_timeout wire = message->timeout.timeout;

    wire.high_qc = span_of(body, qc_encode(message->timeout.high_qc, body, sizeof(body)));
    return encoded(WIRE_timeout, &wire);
}

static size_t bundles_size(uint64_t requests)
{
    static const uint8_t bundle[METER_BUNDLE_BYTES];
    struct span items[REQUESTS_MAX];
    struct wire_bundles wire = {.bundles = {.items = items}};

    for (; requests != 0; requests &= requests - 1)
        items[wire.bundles.n++] = span_of(bundle, sizeof(bundle));
    return encoded(WIRE_bundles, &wire);
}

/* 0: of a kind that does not occur where nothing goes wrong. */
static size_t size_of(const struct world *world, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_PROPOSAL:
        return proposal_size(&world->pool.blocks[message->block]);
    case MESSAGE_VOTE:
        return encoded(WIRE_vote, &message->vote);
    case MESSAGE_COMMIT_VOTE:
        return encoded(WIRE_commit_vote, &message->commit_vote);
    case MESSAGE_TIMEOUT:
        return timeout_size(message);
    case MESSAGE_QC:
        return certificate_size(CERTIFICATE_QC, message);
    case MESSAGE_CC:
        return certificate_size(CERTIFICATE_CC, message);
    case MESSAGE_ENTRY:
        return certificate_size(CERTIFICATE_ENTRY, message);
    case MESSAGE_HEARTBEAT:
        return encoded(WIRE_heartbeat, &message->heartbeat);
    case MESSAGE_CHECKPOINT:
        return encoded(WIRE_checkpoint, &message->checkpoint);
    case MESSAGE_BUNDLES:
        return bundles_size(message->requests);
    case MESSAGE_RANK_QUERY:
        return encoded(WIRE_rank_query, &(struct wire_rank_query){.nonce = message->nonce});
    case MESSAGE_RANK_ANSWER:
    case MESSAGE_TRANSFER:
    case MESSAGE_EPOCH_PROOF:
    case MESSAGE_BUNDLE_REQUEST:
    case MESSAGE_BLOCK_REQUEST:
    case MESSAGE_RANGE_REQUEST:
    case MESSAGE_RANGE:
    case MESSAGES_END:
        break;
    }
    return 0;
}

void meter_count(struct meter *meter, const struct world *world, const struct message *message,
                 uint32_t n_receivers)
{
    meter->messages[message->kind] += n_receivers;
    meter->bytes[message->kind] += n_receivers * size_of(world, message);
}
