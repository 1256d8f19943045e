/*
 * bundle - what a client signs: events of one namespace by one actor (DESIGN 3).
 *
 * Pure. A bundle on the wire is a `bundle` record: the signed body's bytes, the
 * signature and the events' bytes. Its id is BLAKE2b-256 of the body. The
 * signature covers "apm2/bundle/1", a zero byte, chain id, and the id.
 */
#ifndef APM2_BUNDLE_H
#define APM2_BUNDLE_H

#include "common/ids.h"
#include "common/wire.h"

/* A bundle, decoded and borrowing from its bytes. */
struct bundle_view {
    struct span bytes; /* the whole record, as received */
    struct hash id;
    struct wire_bundle_body body;
    struct sig signature;
    struct blobs events; /* event records; n equals body.n_events */
};

enum bundle_verdict {
    BUNDLE_OK,
    BUNDLE_MALFORMED, /* not a bundle record, or its body is not one */
    BUNDLE_TOO_LARGE, /* over BUNDLE_BYTES_MAX, BUNDLE_EVENTS_MAX or EVENT_BYTES_MAX */
    BUNDLE_EMPTY,
    BUNDLE_WRONG_CHAIN,
    BUNDLE_BAD_EVENT, /* an event record is malformed */
    BUNDLE_BAD_ROOT,  /* events_root is not the events' root */
    BUNDLE_BAD_SIGNATURE,
};

const char *bundle_verdict_text(enum bundle_verdict verdict);

/* Everything but the signature: form, sizes, chain, every event's form, root, id. */
enum bundle_verdict bundle_parse(struct span bytes, const struct hash *chain,
                                 struct bundle_view *ret_bundle);

/* The view of bytes that bundle_parse accepted before: its events are not looked at again. */
struct bundle_view bundle_reopen(struct span bytes);

/* The signature over the parsed bundle (about 50 us). */
enum bundle_verdict bundle_verify(const struct bundle_view *bundle, const struct hash *chain);

/* RFC 9162 root (BLAKE2b-256) over the event records. */
struct hash bundle_events_root(const struct span *events, uint32_t n_events);

struct bundle_draft {
    struct hash chain;
    struct span space; /* namespace */
    struct key actor;
    uint64_t nonce;
    uint64_t expiry_height;
    const struct span *events; /* event records */
    uint32_t n_events;
};

/* Encodes and signs with the 64-byte libsodium secret key. Returns the size, 0 if
 * it does not fit `capacity`. ret_id may be NULL. */
size_t bundle_sign(const struct bundle_draft *draft, const uint8_t secret_key[64], uint8_t *out,
                   size_t capacity, struct hash *ret_id);

#endif
