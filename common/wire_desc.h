/*
 * wire_desc - the descriptor table that encoder, decoder and printer interpret.
 *
 * Private to common/wire*.c, reader.c, utf8.c and writer.c. One constant
 * row per field of schemas/messages.def; nothing here is owned or changes.
 */
#ifndef APM2_WIRE_DESC_H
#define APM2_WIRE_DESC_H

#include "common/wire.h"

/* Named after the kinds of messages.def. */
enum wire_kind {
    WIRE_KIND_u64,
    WIRE_KIND_hash,
    WIRE_KIND_key,
    WIRE_KIND_sig,
    WIRE_KIND_rank,
    WIRE_KIND_str,
    WIRE_KIND_bytes,
    WIRE_KIND_hashes,
    WIRE_KIND_blobs,
};

struct wire_field {
    const char *name;
    enum wire_kind kind;
    uint32_t offset; /* in the struct wire_<name> */
    uint32_t limit;
};

struct wire_desc {
    const char *name;
    enum wire_id id;
    uint32_t n_fields;
    const struct wire_field *fields;
    size_t size; /* of the struct wire_<name> */
};

/* NULL when no message or record has this id: ids come from peers. */
const struct wire_desc *wire_desc_of(uint64_t id);

/* The first verdict stays; the rest of the input is given up. */
void reader_fail(struct reader *reader, enum wire_verdict verdict);

bool utf8_is_valid(struct span text);

/* Bytes that are msgpack already. */
void writer_raw(struct writer *writer, struct span bytes);

#endif
