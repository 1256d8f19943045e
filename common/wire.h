/*
 * wire - messages as structs, and the one encoder and one decoder for all.
 *
 * Everything here expands from schemas/messages.def: enum wire_id, a struct
 * wire_<name> per message, and a descriptor table that encoder and decoder
 * interpret. Pure: no allocation, no I/O.
 *
 * Decoding never trusts a count or length: at most the bytes given are read,
 * integers must be shortest-form, strings valid UTF-8, no bytes may trail.
 * Decoded spans and blobs borrow from the input and die with it.
 */
#ifndef APM2_WIRE_H
#define APM2_WIRE_H

#include "common/ids.h"
#include "common/limits.h"
#include "schemas/messages.def"

/* A list of byte strings. To encode, point `items` at n spans. Decoded, `items`
 * is NULL and `raw` holds the n encoded bins: walk them with blobs_next. */
struct blobs {
    uint32_t n;
    const struct span *items;
    struct span raw;
};

/* The next blob: start with *cursor = 0. False after the last. */
bool blobs_next(const struct blobs *blobs, size_t *cursor, struct span *ret_blob);

#define WIRE_CTYPE_u64 uint64_t
#define WIRE_CTYPE_hash struct hash
#define WIRE_CTYPE_key struct key
#define WIRE_CTYPE_sig struct sig
#define WIRE_CTYPE_rank struct rank
#define WIRE_CTYPE_str struct span
#define WIRE_CTYPE_bytes struct span
#define WIRE_CTYPE_hashes struct span
#define WIRE_CTYPE_blobs struct blobs

#define WIRE_ALL(X)                                                                                \
    CONSENSUS_MESSAGES(X) DATA_MESSAGES(X) CLIENT_MESSAGES(X) MONITOR_MESSAGES(X) RECORDS(X)

#define WIRE_FIELD(S, kind, field, limit) WIRE_CTYPE_##kind field;
#define WIRE_STRUCT(id, name)                                                                      \
    struct wire_##name {                                                                           \
        FIELDS_##name(WIRE_FIELD, name)                                                            \
    };
WIRE_ALL(WIRE_STRUCT)
#undef WIRE_STRUCT
#undef WIRE_FIELD

#define WIRE_ENUM(id, name) WIRE_##name = (id),
enum wire_id { WIRE_ALL(WIRE_ENUM) WIRE_END };
#undef WIRE_ENUM

#define WIRE_MEMBER(id, name) struct wire_##name name;
/* Any message, decoded. */
struct wire_message {
    enum wire_id id;
    union {
        WIRE_ALL(WIRE_MEMBER)
    };
};
#undef WIRE_MEMBER

/* Why bytes are not a message. */
enum wire_verdict {
    WIRE_OK,
    WIRE_TRUNCATED,    /* ends inside a value */
    WIRE_TRAILING,     /* bytes after the message */
    WIRE_BAD_TYPE,     /* another msgpack type than the field's */
    WIRE_NOT_SHORTEST, /* an integer or length in more bytes than needed */
    WIRE_OVER_LIMIT,   /* longer or more than the field's limit */
    WIRE_BAD_UTF8,
    WIRE_UNKNOWN_ID,
    WIRE_FIELD_COUNT, /* the array has not as many fields as the message */
};

const char *wire_verdict_text(enum wire_verdict verdict);

/* "vote", or "unknown". */
const char *wire_name(enum wire_id id);

/* Writes the message `msg` (a struct wire_<name> of `id`) to out[0..capacity).
 * Returns its size, or 0 when it does not fit or a field is over its limit. */
size_t wire_encode(enum wire_id id, const void *msg, uint8_t *out, size_t capacity);

/* Upper bound of what wire_encode will need for this very message. */
size_t wire_encoded_max(enum wire_id id, const void *msg);

/* Reads any message. ret_message is untouched unless WIRE_OK. */
enum wire_verdict wire_decode(struct span bytes, struct wire_message *ret_message);

/* Reads one that must be of `id`, into a struct wire_<name>. */
enum wire_verdict wire_decode_as(enum wire_id id, struct span bytes, void *ret_msg);

/* Prints {"id": ..., fields} for people (apm2 wire dump): at most `capacity`
 * bytes with the final 0; returns the length, cut with "..." if need be. */
size_t wire_print(const struct wire_message *message, char *out, size_t capacity);

/* A bounded msgpack reader with a sticky verdict, for payload maps. All bytes it
 * returns borrow from the input; after an error every read returns zero values. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    enum wire_verdict verdict;
};

enum reader_type {
    READER_NIL,
    READER_BOOL,
    READER_UINT,
    READER_INT,
    READER_STR,
    READER_BIN,
    READER_ARRAY,
    READER_MAP,
    READER_OTHER
};

struct reader reader_of(struct span bytes);
enum reader_type reader_peek(const struct reader *reader);
uint64_t reader_u64(struct reader *reader);
int64_t reader_i64(struct reader *reader);
bool reader_bool(struct reader *reader);
struct span reader_str(struct reader *reader, size_t max);
struct span reader_bin(struct reader *reader, size_t max);
uint32_t reader_array(struct reader *reader, uint32_t max);
uint32_t reader_map(struct reader *reader, uint32_t max);
/* Skips one value of any type, at most `depth` deep. */
void reader_skip(struct reader *reader, uint32_t depth);
/* No error and nothing left. */
bool reader_is_done(const struct reader *reader);

/* A bounded msgpack writer with a sticky overflow, the reader's other half. */
struct writer {
    uint8_t *out;
    size_t capacity;
    size_t size;
    bool overflow;
};

struct writer writer_of(uint8_t *out, size_t capacity);
void writer_u64(struct writer *writer, uint64_t value);
void writer_i64(struct writer *writer, int64_t value);
void writer_bool(struct writer *writer, bool value);
void writer_nil(struct writer *writer);
void writer_str(struct writer *writer, struct span text);
void writer_bin(struct writer *writer, struct span bytes);
void writer_array(struct writer *writer, uint32_t n);
void writer_map(struct writer *writer, uint32_t n);

#endif
