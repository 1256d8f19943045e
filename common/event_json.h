/*
 * event_json - events as people write them, one JSON object a line, and back.
 *
 * Edge (jansson). Strict: unknown keys, other types, values out of range and
 * duplicate keys are refused with a text that names the field and says what is
 * allowed. In:
 *
 *   {"type":"LeaseIssued","namespace":"kernel",
 *    "payload":{"resource":"db/primary","holder":"svc-a","ttl_ms":60000}}
 *
 * `namespace` may be left out: kernel. Keys and hashes are lower-case hex.
 */
#ifndef APM2_EVENT_JSON_H
#define APM2_EVENT_JSON_H

#include <jansson.h>

#include "common/event.h"
#include "common/explain.h"

/* The schema digest in force for a type (genesis knows). False: none. */
typedef bool event_schema_lookup(const void *context, enum event_type type,
                                 struct hash *ret_digest);

struct event_json_context {
    event_schema_lookup *schema_of;
    const void *context;
    uint64_t hlc_wall_ms; /* stamp of the event, from common/hlc.h */
    uint64_t hlc_counter;
};

struct event_draft {
    enum event_type type;
    char space[ID_BYTES_MAX + 1]; /* namespace */
    size_t size;
    uint8_t bytes[EVENT_ENCODED_MAX]; /* event record */
};

/* BAD_INPUT or TOO_LARGE, and why: "payload.ttl_ms: must be 1..31536000000, not 0". */
WARN_UNUSED enum apm_err event_json_parse(struct span line,
                                          const struct event_json_context *context,
                                          struct event_draft *ret_draft, struct why *ret_why);

/* {"type", "schema", "canonicalizer", "hlc", "payload"}; a new reference. A payload
 * that this version cannot read is given as hex in "payload_hex", cut at
 * EVENT_ENCODED_MAX bytes. NULL: the bytes are not an event record. */
json_t *event_json_of(struct span event);

#endif
