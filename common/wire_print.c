#include "common/wire.h"

#include "common/hash.h"
#include "common/must.h"
#include "common/wire_desc.h"

static const char ellipsis[] = "...";

/* Output that is cut rather than refused. */
struct text {
    char *out;
    size_t capacity; /* without the final zero */
    size_t size;
    bool is_cut;
};

static void put(struct text *text, const char *bytes, size_t size)
{
    size_t room = text->capacity - text->size;

    if (size > room) {
        size = room;
        text->is_cut = true;
    }
    memcpy(text->out + text->size, bytes, size);
    text->size += size;
}

static void put_string(struct text *text, const char *string)
{
    put(text, string, strlen(string));
}

static void put_u64(struct text *text, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(text, digits + at, sizeof(digits) - at);
}

static void put_hex(struct text *text, struct span bytes)
{
    put_string(text, "\"");
    for (size_t i = 0; i < bytes.size && !text->is_cut; i++) {
        char hex[3];
        hex_encode(bytes.data + i, 1, hex);
        put(text, hex, 2);
    }
    put_string(text, "\"");
}

static void put_escape(struct text *text, uint8_t code)
{
    char hex[3];
    hex_encode(&code, 1, hex);
    put_string(text, "\\u00");
    put(text, hex, 2);
}

/* A peer's string may end on a terminal: no control character passes, neither
 * C0 nor C1 (two bytes in UTF-8, the first 0xc2). */
static void put_json(struct text *text, struct span string)
{
    put_string(text, "\"");
    for (size_t i = 0; i < string.size && !text->is_cut; i++) {
        uint8_t byte = string.data[i];
        bool is_c1 = byte == 0xc2 && i + 1 < string.size && string.data[i + 1] < 0xa0;
        if (is_c1)
            put_escape(text, string.data[++i]);
        else if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\')
            put_escape(text, byte);
        else
            put(text, (const char *)&string.data[i], 1);
    }
    put_string(text, "\"");
}

static void put_rank(struct text *text, const struct rank *rank)
{
    put_string(text, "[");
    put_u64(text, rank->epoch);
    put_string(text, ", ");
    put_u64(text, rank->term);
    put_string(text, ", ");
    put_u64(text, rank->seq);
    put_string(text, "]");
}

static void put_hashes(struct text *text, struct span hashes)
{
    put_string(text, "[");
    for (size_t at = 0; at < hashes.size && !text->is_cut; at += sizeof(struct hash)) {
        put_string(text, at > 0 ? ", " : "");
        put_hex(text, span_of(hashes.data + at, sizeof(struct hash)));
    }
    put_string(text, "]");
}

static void put_blobs(struct text *text, const struct blobs *blobs)
{
    size_t cursor = 0;
    struct span blob;

    put_string(text, "[");
    for (uint32_t i = 0; !text->is_cut && blobs_next(blobs, &cursor, &blob); i++) {
        put_string(text, i > 0 ? ", " : "");
        put_hex(text, blob);
    }
    put_string(text, "]");
}

static void put_value(struct text *text, enum wire_kind kind, const void *value)
{
    switch (kind) {
    case WIRE_KIND_u64:
        put_u64(text, *(const uint64_t *)value);
        return;
    case WIRE_KIND_hash:
        put_hex(text, span_of(value, sizeof(struct hash)));
        return;
    case WIRE_KIND_key:
        put_hex(text, span_of(value, sizeof(struct key)));
        return;
    case WIRE_KIND_sig:
        put_hex(text, span_of(value, sizeof(struct sig)));
        return;
    case WIRE_KIND_rank:
        put_rank(text, value);
        return;
    case WIRE_KIND_str:
        put_json(text, *(const struct span *)value);
        return;
    case WIRE_KIND_bytes:
        put_hex(text, *(const struct span *)value);
        return;
    case WIRE_KIND_hashes:
        put_hashes(text, *(const struct span *)value);
        return;
    case WIRE_KIND_blobs:
        put_blobs(text, value);
        return;
    }
}

static void put_field(struct text *text, const struct wire_field *field, const void *value)
{
    put_string(text, ", \"");
    put_string(text, field->name);
    put_string(text, "\": ");
    put_value(text, field->kind, value);
}

size_t wire_print(const struct wire_message *message, char *out, size_t capacity)
{
    const struct wire_desc *desc = wire_desc_of((uint64_t)message->id);
    MUST(desc != NULL);
    MUST(capacity >= sizeof(ellipsis));

    struct text text = {out, capacity - 1, 0, false};
    put_string(&text, "{\"id\": \"");
    put_string(&text, desc->name);
    put_string(&text, "\"");
    for (uint32_t i = 0; i < desc->n_fields && !text.is_cut; i++) {
        const struct wire_field *field = &desc->fields[i];
        put_field(&text, field, (const uint8_t *)&message->proposal + field->offset);
    }
    put_string(&text, "}");

    out[text.size] = '\0';
    if (text.is_cut)
        memcpy(out + text.size - strlen(ellipsis), ellipsis, sizeof(ellipsis));
    return text.size;
}
