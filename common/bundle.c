#include "common/bundle.h"

#include <sodium.h>

#include "common/hash.h"
#include "common/merkle/merkle.h"
#include "common/must.h"

/* As in the `bundle` record's field of messages.def. */
#define BODY_BYTES_MAX 512u

const char *bundle_verdict_text(enum bundle_verdict verdict)
{
    switch (verdict) {
    case BUNDLE_OK:
        return "ok";
    case BUNDLE_MALFORMED:
        return "not a bundle";
    case BUNDLE_TOO_LARGE:
        return "too many bytes or events";
    case BUNDLE_EMPTY:
        return "no events";
    case BUNDLE_WRONG_CHAIN:
        return "signed for another chain";
    case BUNDLE_BAD_EVENT:
        return "an event is malformed";
    case BUNDLE_BAD_ROOT:
        return "the events are not those that were signed";
    case BUNDLE_BAD_SIGNATURE:
        return "bad signature";
    }
    MUST(!"a bundle verdict");
}

/* The two layers of the record: outer fields, then the signed body's. */
static enum bundle_verdict parse_record(struct span bytes, struct bundle_view *out)
{
    if (bytes.size > BUNDLE_BYTES_MAX)
        return BUNDLE_TOO_LARGE;

    struct wire_bundle record;
    enum wire_verdict verdict = wire_decode_as(WIRE_bundle, bytes, &record);
    if (verdict != WIRE_OK)
        return verdict == WIRE_OVER_LIMIT ? BUNDLE_TOO_LARGE : BUNDLE_MALFORMED;
    if (wire_decode_as(WIRE_bundle_body, record.body, &out->body) != WIRE_OK)
        return BUNDLE_MALFORMED;
    if (out->body.n_events != record.events.n)
        return BUNDLE_MALFORMED;

    out->bytes = bytes;
    out->id = hash_bytes(record.body);
    out->signature = record.signature;
    out->events = record.events;
    return BUNDLE_OK;
}

/* The payload's meaning is the authority's business, its form is ours: one map
 * that can be walked without asking again how deep it goes. */
static bool is_payload(struct span payload)
{
    struct reader reader = reader_of(payload);

    if (reader_peek(&reader) != READER_MAP)
        return false;
    reader_skip(&reader, EVENT_DEPTH_MAX);
    return reader_is_done(&reader);
}

static enum bundle_verdict check_event(struct span bytes)
{
    if (bytes.size > EVENT_BYTES_MAX)
        return BUNDLE_TOO_LARGE;

    struct wire_event event;
    if (wire_decode_as(WIRE_event, bytes, &event) != WIRE_OK)
        return BUNDLE_BAD_EVENT;
    return is_payload(event.payload) ? BUNDLE_OK : BUNDLE_BAD_EVENT;
}

static void append_leaf(struct merkle_frontier *frontier, struct span event)
{
    struct hash leaf = merkle_leaf(event);
    merkle_frontier_append(frontier, &leaf);
}

static enum bundle_verdict check_events(const struct bundle_view *bundle)
{
    struct merkle_frontier frontier;
    merkle_frontier_init(&frontier);

    size_t cursor = 0;
    struct span event;
    while (blobs_next(&bundle->events, &cursor, &event)) {
        enum bundle_verdict verdict = check_event(event);
        if (verdict != BUNDLE_OK)
            return verdict;
        append_leaf(&frontier, event);
    }

    struct hash root = merkle_frontier_root(&frontier);
    return hash_eq(&root, &bundle->body.events_root) ? BUNDLE_OK : BUNDLE_BAD_ROOT;
}

enum bundle_verdict bundle_parse(struct span bytes, const struct hash *chain,
                                 struct bundle_view *ret_bundle)
{
    struct bundle_view bundle;
    enum bundle_verdict verdict = parse_record(bytes, &bundle);
    if (verdict != BUNDLE_OK)
        return verdict;
    if (bundle.events.n == 0)
        return BUNDLE_EMPTY;
    if (!hash_eq(&bundle.body.chain, chain))
        return BUNDLE_WRONG_CHAIN;

    verdict = check_events(&bundle);
    if (verdict == BUNDLE_OK)
        *ret_bundle = bundle;
    return verdict;
}

struct bundle_view bundle_reopen(struct span bytes)
{
    struct bundle_view bundle;
    enum bundle_verdict verdict = parse_record(bytes, &bundle);
    MUST(verdict == BUNDLE_OK);
    return bundle;
}

#define BUNDLE_TAG "apm2/bundle/1"

/* What the signature covers; the layout has no padding to leak or to differ. */
struct statement {
    uint8_t tag[sizeof(BUNDLE_TAG)]; /* with its zero byte */
    struct hash chain;
    struct hash id;
};

_Static_assert(sizeof(struct statement) == 14 + 32 + 32, "statement has no padding");

static struct statement statement_of(const struct hash *chain, const struct hash *id)
{
    return (struct statement){BUNDLE_TAG, *chain, *id};
}

enum bundle_verdict bundle_verify(const struct bundle_view *bundle, const struct hash *chain)
{
    struct statement statement = statement_of(chain, &bundle->id);
    int failed = crypto_sign_verify_detached(bundle->signature.b, (const uint8_t *)&statement,
                                             sizeof(statement), bundle->body.actor.b);

    return failed == 0 ? BUNDLE_OK : BUNDLE_BAD_SIGNATURE;
}

struct hash bundle_events_root(const struct span *events, uint32_t n_events)
{
    struct merkle_frontier frontier;

    merkle_frontier_init(&frontier);
    for (uint32_t i = 0; i < n_events; i++)
        append_leaf(&frontier, events[i]);
    return merkle_frontier_root(&frontier);
}

static size_t encode_body(const struct bundle_draft *draft, uint8_t out[BODY_BYTES_MAX])
{
    struct wire_bundle_body body = {
        .chain = draft->chain,
        .space = draft->space,
        .actor = draft->actor,
        .nonce = draft->nonce,
        .expiry_height = draft->expiry_height,
        .n_events = draft->n_events,
        .events_root = bundle_events_root(draft->events, draft->n_events),
    };

    return wire_encode(WIRE_bundle_body, &body, out, BODY_BYTES_MAX);
}

static struct sig sign(const struct hash *chain, const struct hash *id,
                       const uint8_t secret_key[64])
{
    struct statement statement = statement_of(chain, id);
    struct sig signature;
    int failed = crypto_sign_detached(signature.b, NULL, (const uint8_t *)&statement,
                                      sizeof(statement), secret_key);
    MUST(failed == 0);
    return signature;
}

size_t bundle_sign(const struct bundle_draft *draft, const uint8_t secret_key[64], uint8_t *out,
                   size_t capacity, struct hash *ret_id)
{
    uint8_t body[BODY_BYTES_MAX];
    size_t body_size = encode_body(draft, body);
    if (body_size == 0)
        return 0;

    struct hash id = hash_bytes(span_of(body, body_size));
    struct wire_bundle record = {
        .body = span_of(body, body_size),
        .signature = sign(&draft->chain, &id, secret_key),
        .events = {.n = draft->n_events, .items = draft->events},
    };
    /* Nobody would take a larger one. */
    size_t room = capacity < BUNDLE_BYTES_MAX ? capacity : BUNDLE_BYTES_MAX;
    size_t size = wire_encode(WIRE_bundle, &record, out, room);
    if (size > 0 && ret_id != NULL)
        *ret_id = id;
    return size;
}
