/*
 * event - event types, their payload fields and the one codec for payloads.
 *
 * Pure: everything expands from schemas/events.def: enum event_type, a struct
 * payload_<Type> per payload, and a field table that decoder, encoder and JSON
 * conversion interpret. Decoded spans borrow from the bytes decoded. Payloads are
 * msgpack maps with the canonicalizer named below.
 */
#ifndef APM2_EVENT_H
#define APM2_EVENT_H

#include "common/ids.h"
#include "common/limits.h"
#include "common/wire.h"
#include "schemas/events.def"

#define EVENT_CANONICALIZER "apm2-msgpack"
#define EVENT_CANONICALIZER_VERSION 1u

/* The namespace every chain has. */
#define NAMESPACE_KERNEL "kernel"

/* No event record of the tables is larger. */
#define EVENT_ENCODED_MAX 4096u

#define EVENT_ENUM(number, name, family, verb) EVENT_##name = (number),
enum event_type { EVENTS(EVENT_ENUM) EVENT_NONE };
#undef EVENT_ENUM

enum event_status {
    EVENT_IMPLEMENTED,
    EVENT_DERIVED, /* made by execution, refused at submit */
    EVENT_LATER,   /* not yet executed: refused as unknown */
};

enum event_kind {
    EVENT_KIND_str,
    EVENT_KIND_u64,
    EVENT_KIND_key,
    EVENT_KIND_hash,
    EVENT_KIND_sig,
    EVENT_KIND_list
};

struct event_list {
    uint32_t n;
    struct span items[EVENT_LIST_MAX];
};

#define EVENT_CTYPE_str struct span
#define EVENT_CTYPE_u64 uint64_t
#define EVENT_CTYPE_key struct key
#define EVENT_CTYPE_hash struct hash
#define EVENT_CTYPE_sig struct sig
#define EVENT_CTYPE_list struct event_list

#define EVENT_FIELD(T, kind, field, min, max, need) EVENT_CTYPE_##kind field;
#define EVENT_STRUCT(number, name, family, verb)                                                   \
    struct payload_##name {                                                                        \
        EVENT_FIELDS_##name(EVENT_FIELD, name)                                                     \
    };
EVENTS_IMPLEMENTED(EVENT_STRUCT)
EVENTS_DERIVED(EVENT_STRUCT)
#undef EVENT_STRUCT
#undef EVENT_FIELD

#define EVENT_MEMBER(number, name, family, verb) struct payload_##name name;
/* Any payload, decoded. */
union event_payload {
    EVENTS_IMPLEMENTED(EVENT_MEMBER)
    EVENTS_DERIVED(EVENT_MEMBER)
};
#undef EVENT_MEMBER

struct event_field {
    const char *name;
    enum event_kind kind;
    bool is_required;
    uint64_t min, max;
    size_t offset; /* in struct payload_<Type> */
};

struct event_info {
    const char *name;   /* "LeaseIssued" */
    const char *family; /* "lease" */
    const char *verb;   /* "issue" */
    enum event_status status;
    const struct event_field *fields; /* NULL for EVENT_LATER */
    uint32_t n_fields;
};

/* What a value of a kind of fixed size takes (key, hash, sig); 0 for the others. */
size_t event_kind_bytes(enum event_kind kind);

/* EVENT_NONE for a name that is not in the table. */
enum event_type event_type_of(struct span name);
const struct event_info *event_info(enum event_type type);

enum payload_verdict {
    PAYLOAD_OK,
    PAYLOAD_MALFORMED, /* not one msgpack map with string keys */
    PAYLOAD_UNKNOWN_FIELD,
    PAYLOAD_DUPLICATE_FIELD,
    PAYLOAD_MISSING_FIELD,
    PAYLOAD_BAD_KIND, /* another type than the field's */
    PAYLOAD_OUT_OF_RANGE,
};

/* What is wrong, and with which field ("" when with the whole payload). */
struct payload_fault {
    enum payload_verdict verdict;
    const char *field;
};

const char *payload_verdict_text(enum payload_verdict verdict);

/* Reads the payload of a type that has fields. ret_payload is untouched unless
 * the verdict is PAYLOAD_OK. */
struct payload_fault event_payload_decode(enum event_type type, struct span bytes,
                                          union event_payload *ret_payload);

/* Is the value (a field's C type) within the field's limits? */
enum payload_verdict event_field_check(const struct event_field *field, const void *value);

/* Is an optional field's value there? */
bool event_field_is_given(const struct event_field *field, const void *value);

/* Everything of an event record that its payload does not say. */
struct event_head {
    enum event_type type;
    struct hash schema;
    uint64_t hlc_wall_ms;
    uint64_t hlc_counter;
};

/* Writes an event record with the payload encoded, fields in the table's order.
 * Returns its size, 0 when it does not fit. */
size_t event_encode(const struct event_head *head, const union event_payload *payload, uint8_t *out,
                    size_t capacity);

#endif
