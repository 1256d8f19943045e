#include "common/wire.h"

#include "common/must.h"
#include "common/wire_desc.h"

/* What a head of an array, a bin or a str, and a u64 take at most. */
#define HEAD_BYTES_MAX 5u
#define U64_BYTES_MAX 9u

static const void *field_at(const struct wire_field *field, const void *msg)
{
    return (const uint8_t *)msg + field->offset;
}

/* A blob list that was decoded is its own encoding. */
static bool is_raw(const struct blobs *blobs)
{
    return blobs->items == NULL;
}

/* True unless the decoder would refuse the value. */
static bool is_encodable(const struct wire_field *field, const void *value)
{
    const struct span *span = value;
    const struct blobs *blobs = value;

    switch (field->kind) {
    case WIRE_KIND_u64:
    case WIRE_KIND_hash:
    case WIRE_KIND_key:
    case WIRE_KIND_sig:
    case WIRE_KIND_rank:
        return true;
    case WIRE_KIND_str:
        return span->size <= field->limit && utf8_is_valid(*span);
    case WIRE_KIND_bytes:
        return span->size <= field->limit;
    case WIRE_KIND_hashes:
        return span->size % sizeof(struct hash) == 0 &&
               span->size / sizeof(struct hash) <= field->limit;
    case WIRE_KIND_blobs:
        return blobs->n <= field->limit;
    }
    MUST(!"a wire kind");
}

static void encode_rank(struct writer *writer, const struct rank *rank)
{
    writer_array(writer, 3);
    writer_u64(writer, rank->epoch);
    writer_u64(writer, rank->term);
    writer_u64(writer, rank->seq);
}

static void encode_blobs(struct writer *writer, const struct blobs *blobs)
{
    writer_array(writer, blobs->n);
    if (is_raw(blobs)) {
        MUST(blobs->n == 0 || blobs->raw.size > 0);
        writer_raw(writer, blobs->raw);
        return;
    }
    for (uint32_t i = 0; i < blobs->n; i++)
        writer_bin(writer, blobs->items[i]);
}

static void encode_field(struct writer *writer, enum wire_kind kind, const void *value)
{
    switch (kind) {
    case WIRE_KIND_u64:
        writer_u64(writer, *(const uint64_t *)value);
        return;
    case WIRE_KIND_hash:
        writer_bin(writer, span_of(value, sizeof(struct hash)));
        return;
    case WIRE_KIND_key:
        writer_bin(writer, span_of(value, sizeof(struct key)));
        return;
    case WIRE_KIND_sig:
        writer_bin(writer, span_of(value, sizeof(struct sig)));
        return;
    case WIRE_KIND_rank:
        encode_rank(writer, value);
        return;
    case WIRE_KIND_str:
        writer_str(writer, *(const struct span *)value);
        return;
    case WIRE_KIND_bytes:
    case WIRE_KIND_hashes:
        writer_bin(writer, *(const struct span *)value);
        return;
    case WIRE_KIND_blobs:
        encode_blobs(writer, value);
        return;
    }
}

size_t wire_encode(enum wire_id id, const void *msg, uint8_t *out, size_t capacity)
{
    const struct wire_desc *desc = wire_desc_of((uint64_t)id);
    MUST(desc != NULL);

    struct writer writer = writer_of(out, capacity);
    writer_array(&writer, desc->n_fields + 1);
    writer_u64(&writer, (uint64_t)id);
    for (uint32_t i = 0; i < desc->n_fields; i++) {
        const struct wire_field *field = &desc->fields[i];
        const void *value = field_at(field, msg);
        if (!is_encodable(field, value))
            return 0;
        encode_field(&writer, field->kind, value);
    }
    return writer.overflow ? 0 : writer.size;
}

static size_t blobs_max(const struct blobs *blobs)
{
    if (is_raw(blobs))
        return HEAD_BYTES_MAX + blobs->raw.size;

    size_t size = HEAD_BYTES_MAX;
    for (uint32_t i = 0; i < blobs->n; i++)
        size += HEAD_BYTES_MAX + blobs->items[i].size;
    return size;
}

static size_t field_max(enum wire_kind kind, const void *value)
{
    switch (kind) {
    case WIRE_KIND_u64:
        return U64_BYTES_MAX;
    case WIRE_KIND_hash:
        return HEAD_BYTES_MAX + sizeof(struct hash);
    case WIRE_KIND_key:
        return HEAD_BYTES_MAX + sizeof(struct key);
    case WIRE_KIND_sig:
        return HEAD_BYTES_MAX + sizeof(struct sig);
    case WIRE_KIND_rank:
        return HEAD_BYTES_MAX + 3 * U64_BYTES_MAX;
    case WIRE_KIND_str:
    case WIRE_KIND_bytes:
    case WIRE_KIND_hashes:
        return HEAD_BYTES_MAX + ((const struct span *)value)->size;
    case WIRE_KIND_blobs:
        return blobs_max(value);
    }
    MUST(!"a wire kind");
}

size_t wire_encoded_max(enum wire_id id, const void *msg)
{
    const struct wire_desc *desc = wire_desc_of((uint64_t)id);
    MUST(desc != NULL);

    size_t size = HEAD_BYTES_MAX + U64_BYTES_MAX;
    for (uint32_t i = 0; i < desc->n_fields; i++) {
        const struct wire_field *field = &desc->fields[i];
        size += field_max(field->kind, field_at(field, msg));
    }
    return size;
}
