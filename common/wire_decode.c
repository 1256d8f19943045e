#include "common/wire.h"

#include "common/must.h"
#include "common/wire_desc.h"

/* A bin of exactly `size` bytes: a hash of 31 is no hash. */
static void decode_fixed(struct reader *reader, size_t size, void *out)
{
    struct span bytes = reader_bin(reader, SIZE_MAX);

    if (bytes.size != size)
        reader_fail(reader, WIRE_BAD_TYPE);
    else
        memcpy(out, bytes.data, size);
}

static void decode_rank(struct reader *reader, struct rank *out)
{
    if (reader_array(reader, UINT32_MAX) != 3)
        reader_fail(reader, WIRE_BAD_TYPE);
    out->epoch = reader_u64(reader);
    out->term = reader_u64(reader);
    out->seq = reader_u64(reader);
}

static void decode_hashes(struct reader *reader, uint32_t limit, struct span *out)
{
    *out = reader_bin(reader, limit * sizeof(struct hash));
    if (out->size % sizeof(struct hash) != 0)
        reader_fail(reader, WIRE_BAD_TYPE);
}

static void decode_blobs(struct reader *reader, uint32_t limit, struct blobs *out)
{
    uint32_t n = reader_array(reader, limit);
    const uint8_t *start = reader->at;

    for (uint32_t i = 0; i < n && reader->verdict == WIRE_OK; i++)
        (void)reader_bin(reader, SIZE_MAX);
    *out = (struct blobs){n, NULL, span_of(start, (size_t)(reader->at - start))};
}

static void decode_field(struct reader *reader, const struct wire_field *field, void *out)
{
    switch (field->kind) {
    case WIRE_KIND_u64:
        *(uint64_t *)out = reader_u64(reader);
        return;
    case WIRE_KIND_hash:
        decode_fixed(reader, sizeof(struct hash), out);
        return;
    case WIRE_KIND_key:
        decode_fixed(reader, sizeof(struct key), out);
        return;
    case WIRE_KIND_sig:
        decode_fixed(reader, sizeof(struct sig), out);
        return;
    case WIRE_KIND_rank:
        decode_rank(reader, out);
        return;
    case WIRE_KIND_str:
        *(struct span *)out = reader_str(reader, field->limit);
        return;
    case WIRE_KIND_bytes:
        *(struct span *)out = reader_bin(reader, field->limit);
        return;
    case WIRE_KIND_hashes:
        decode_hashes(reader, field->limit, out);
        return;
    case WIRE_KIND_blobs:
        decode_blobs(reader, field->limit, out);
        return;
    }
}

/* The array's head and the id. Returns the number of fields that follow. */
static uint32_t decode_head(struct reader *reader, uint64_t *ret_id)
{
    uint32_t n = reader_array(reader, UINT32_MAX);

    if (n == 0) {
        reader_fail(reader, WIRE_FIELD_COUNT);
        return 0;
    }
    *ret_id = reader_u64(reader);
    return n - 1;
}

static enum wire_verdict decode_fields(struct reader *reader, uint32_t n_fields,
                                       const struct wire_desc *desc, void *out)
{
    if (n_fields != desc->n_fields)
        reader_fail(reader, WIRE_FIELD_COUNT);
    for (uint32_t i = 0; i < desc->n_fields && reader->verdict == WIRE_OK; i++) {
        const struct wire_field *field = &desc->fields[i];
        decode_field(reader, field, (uint8_t *)out + field->offset);
    }
    if (reader->at != reader->end)
        reader_fail(reader, WIRE_TRAILING);
    return reader->verdict;
}

enum wire_verdict wire_decode(struct span bytes, struct wire_message *ret_message)
{
    struct reader reader = reader_of(bytes);
    uint64_t id = 0;
    uint32_t n_fields = decode_head(&reader, &id);
    if (reader.verdict != WIRE_OK)
        return reader.verdict;

    const struct wire_desc *desc = wire_desc_of(id);
    if (desc == NULL)
        return WIRE_UNKNOWN_ID;

    /* The union's members share its address, whatever the id. */
    struct wire_message message = {.id = desc->id};
    enum wire_verdict verdict = decode_fields(&reader, n_fields, desc, &message.proposal);
    if (verdict == WIRE_OK)
        *ret_message = message;
    return verdict;
}

enum wire_verdict wire_decode_as(enum wire_id id, struct span bytes, void *ret_msg)
{
    const struct wire_desc *desc = wire_desc_of((uint64_t)id);
    MUST(desc != NULL);

    struct reader reader = reader_of(bytes);
    uint64_t seen_id = 0;
    uint32_t n_fields = decode_head(&reader, &seen_id);
    if (reader.verdict != WIRE_OK)
        return reader.verdict;
    if (seen_id != (uint64_t)id)
        return WIRE_UNKNOWN_ID;

    struct wire_message message;
    enum wire_verdict verdict = decode_fields(&reader, n_fields, desc, &message.proposal);
    if (verdict == WIRE_OK)
        memcpy(ret_msg, &message.proposal, desc->size);
    return verdict;
}
