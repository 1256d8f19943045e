#include "common/wire.h"

#include "common/must.h"
#include "common/wire_desc.h"

#define FIELD_ROW(S, kind, field, limit)                                                           \
    {#field, WIRE_KIND_##kind, offsetof(struct wire_##S, field), limit},
#define FIELD_ROWS(id, name)                                                                       \
    static const struct wire_field fields_##name[] = {FIELDS_##name(FIELD_ROW, name)};
WIRE_ALL(FIELD_ROWS)

#define DESC(id, name)                                                                             \
    static const struct wire_desc desc_##name = {#name, WIRE_##name, N_ELEMENTS(fields_##name),    \
                                                 fields_##name, sizeof(struct wire_##name)};
WIRE_ALL(DESC)

#define DESC_CASE(id, name)                                                                        \
    case WIRE_##name:                                                                              \
        return &desc_##name;

const struct wire_desc *wire_desc_of(uint64_t id)
{
    if (id >= WIRE_END)
        return NULL;

    switch ((enum wire_id)id) {
        WIRE_ALL(DESC_CASE)
    case WIRE_END:
        break;
    }
    return NULL;
}

const char *wire_name(enum wire_id id)
{
    const struct wire_desc *desc = wire_desc_of((uint64_t)id);
    return desc != NULL ? desc->name : "unknown";
}

const char *wire_verdict_text(enum wire_verdict verdict)
{
    switch (verdict) {
    case WIRE_OK:
        return "ok";
    case WIRE_TRUNCATED:
        return "ends inside a value";
    case WIRE_TRAILING:
        return "bytes after the message";
    case WIRE_BAD_TYPE:
        return "a value of the wrong type";
    case WIRE_NOT_SHORTEST:
        return "an integer or length not in its shortest form";
    case WIRE_OVER_LIMIT:
        return "a value over its limit";
    case WIRE_BAD_UTF8:
        return "a string that is not UTF-8";
    case WIRE_UNKNOWN_ID:
        return "unknown message id";
    case WIRE_FIELD_COUNT:
        return "wrong number of fields";
    }
    MUST(!"a wire verdict");
}

static bool next_item(const struct blobs *blobs, size_t *cursor, struct span *ret_blob)
{
    if (*cursor >= blobs->n)
        return false;
    *ret_blob = blobs->items[(*cursor)++];
    return true;
}

bool blobs_next(const struct blobs *blobs, size_t *cursor, struct span *ret_blob)
{
    if (blobs->items != NULL)
        return next_item(blobs, cursor, ret_blob);

    MUST(*cursor <= blobs->raw.size);
    if (*cursor == blobs->raw.size)
        return false;

    struct span rest = span_of(blobs->raw.data + *cursor, blobs->raw.size - *cursor);
    struct reader reader = reader_of(rest);
    struct span blob = reader_bin(&reader, SIZE_MAX);
    /* The decoder has walked these bytes before. */
    MUST(reader.verdict == WIRE_OK);
    *cursor += (size_t)(reader.at - rest.data);
    *ret_blob = blob;
    return true;
}
