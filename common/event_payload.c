#include <sodium.h>

#include "common/event.h"
#include "common/must.h"

const char *payload_verdict_text(enum payload_verdict verdict)
{
    switch (verdict) {
    case PAYLOAD_OK:
        return "ok";
    case PAYLOAD_MALFORMED:
        return "not one msgpack map with string keys";
    case PAYLOAD_UNKNOWN_FIELD:
        return "a field the type does not have";
    case PAYLOAD_DUPLICATE_FIELD:
        return "given twice";
    case PAYLOAD_MISSING_FIELD:
        return "missing";
    case PAYLOAD_BAD_KIND:
        return "of another type than the field";
    case PAYLOAD_OUT_OF_RANGE:
        return "out of its range, or not printable ASCII";
    }
    MUST(!"a payload verdict");
}

size_t event_kind_bytes(enum event_kind kind)
{
    switch (kind) {
    case EVENT_KIND_key:
        return sizeof(struct key);
    case EVENT_KIND_hash:
        return sizeof(struct hash);
    case EVENT_KIND_sig:
        return sizeof(struct sig);
    case EVENT_KIND_str:
    case EVENT_KIND_u64:
    case EVENT_KIND_list:
        break;
    }
    return 0;
}

static struct payload_fault fault(enum payload_verdict verdict, const char *field)
{
    return (struct payload_fault){verdict, field};
}

/* Printable and without blanks, so that characters are bytes. */
static bool is_name(struct span text, uint64_t min, uint64_t max)
{
    if (text.size < min || text.size > max)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e)
            return false;
    }
    return true;
}

static bool is_list(const struct event_list *list, uint64_t min, uint64_t max)
{
    if (list->n < min || list->n > max)
        return false;
    for (uint32_t i = 0; i < list->n; i++) {
        if (!is_name(list->items[i], 1, ID_BYTES_MAX))
            return false;
    }
    return true;
}

enum payload_verdict event_field_check(const struct event_field *field, const void *value)
{
    bool is_good = false;

    switch (field->kind) {
    case EVENT_KIND_str:
        is_good = is_name(*(const struct span *)value, field->min, field->max);
        break;
    case EVENT_KIND_u64:
        is_good = *(const uint64_t *)value >= field->min && *(const uint64_t *)value <= field->max;
        break;
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        /* Zero stands for "absent", and is nobody's key and nothing's hash. */
        is_good = !sodium_is_zero(value, event_kind_bytes(field->kind));
        break;
    case EVENT_KIND_list:
        is_good = is_list(value, field->min, field->max);
        break;
    }
    return is_good ? PAYLOAD_OK : PAYLOAD_OUT_OF_RANGE;
}

bool event_field_is_given(const struct event_field *field, const void *value)
{
    switch (field->kind) {
    case EVENT_KIND_str:
        return ((const struct span *)value)->size > 0;
    case EVENT_KIND_u64:
        return *(const uint64_t *)value != 0;
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        return !sodium_is_zero(value, event_kind_bytes(field->kind));
    case EVENT_KIND_list:
        return ((const struct event_list *)value)->n > 0;
    }
    MUST(!"a field kind");
}

static enum reader_type type_on_wire(enum event_kind kind)
{
    switch (kind) {
    case EVENT_KIND_str:
        return READER_STR;
    case EVENT_KIND_u64:
        return READER_UINT;
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        return READER_BIN;
    case EVENT_KIND_list:
        return READER_ARRAY;
    }
    MUST(!"a field kind");
}

static enum payload_verdict read_fixed(struct reader *reader, size_t size, void *out)
{
    struct span bytes = reader_bin(reader, SIZE_MAX);

    if (bytes.size != size)
        return PAYLOAD_OUT_OF_RANGE;
    memcpy(out, bytes.data, bytes.size);
    return PAYLOAD_OK;
}

static enum payload_verdict read_list(struct reader *reader, struct event_list *out)
{
    uint32_t n = reader_array(reader, UINT32_MAX);

    if (n > EVENT_LIST_MAX)
        return PAYLOAD_OUT_OF_RANGE;
    for (uint32_t i = 0; i < n; i++) {
        if (reader_peek(reader) != READER_STR)
            return PAYLOAD_BAD_KIND;
        out->items[i] = reader_str(reader, SIZE_MAX);
    }
    out->n = n;
    return PAYLOAD_OK;
}

static enum payload_verdict read_value(struct reader *reader, const struct event_field *field,
                                       void *out)
{
    enum payload_verdict verdict = PAYLOAD_OK;

    if (reader_peek(reader) != type_on_wire(field->kind))
        return PAYLOAD_BAD_KIND;

    switch (field->kind) {
    case EVENT_KIND_str:
        *(struct span *)out = reader_str(reader, SIZE_MAX);
        break;
    case EVENT_KIND_u64:
        *(uint64_t *)out = reader_u64(reader);
        break;
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        verdict = read_fixed(reader, event_kind_bytes(field->kind), out);
        break;
    case EVENT_KIND_list:
        verdict = read_list(reader, out);
        break;
    }
    if (reader->verdict != WIRE_OK)
        return PAYLOAD_MALFORMED;
    return verdict == PAYLOAD_OK ? event_field_check(field, out) : verdict;
}

/* n_fields when there is none. */
static uint32_t field_index(const struct event_info *info, struct span name)
{
    uint32_t i = 0;

    while (i < info->n_fields &&
           !span_eq(name, span_of(info->fields[i].name, strlen(info->fields[i].name))))
        i++;
    return i;
}

struct decoding {
    struct reader reader;
    const struct event_info *info;
    uint32_t seen; /* bit i: fields[i] was read */
};

static struct payload_fault read_field(struct decoding *decoding, uint8_t *out)
{
    const struct event_info *info = decoding->info;

    if (reader_peek(&decoding->reader) != READER_STR)
        return fault(PAYLOAD_MALFORMED, "");

    struct span name = reader_str(&decoding->reader, SIZE_MAX);
    if (decoding->reader.verdict != WIRE_OK)
        return fault(PAYLOAD_MALFORMED, "");

    uint32_t i = field_index(info, name);
    if (i == info->n_fields)
        return fault(PAYLOAD_UNKNOWN_FIELD, "");

    const struct event_field *field = &info->fields[i];
    if ((decoding->seen >> i & 1) != 0)
        return fault(PAYLOAD_DUPLICATE_FIELD, field->name);
    decoding->seen |= 1u << i;
    return fault(read_value(&decoding->reader, field, out + field->offset), field->name);
}

static struct payload_fault find_missing(const struct decoding *decoding)
{
    for (uint32_t i = 0; i < decoding->info->n_fields; i++) {
        const struct event_field *field = &decoding->info->fields[i];
        if (field->is_required && (decoding->seen >> i & 1) == 0)
            return fault(PAYLOAD_MISSING_FIELD, field->name);
    }
    return fault(PAYLOAD_OK, "");
}

struct payload_fault event_payload_decode(enum event_type type, struct span bytes,
                                          union event_payload *ret_payload)
{
    struct decoding decoding = {reader_of(bytes), event_info(type), 0};
    union event_payload payload = {0};

    MUST(decoding.info->fields != NULL);
    if (reader_peek(&decoding.reader) != READER_MAP)
        return fault(PAYLOAD_MALFORMED, "");

    uint32_t n = reader_map(&decoding.reader, UINT32_MAX);
    for (uint32_t i = 0; i < n; i++) {
        struct payload_fault found = read_field(&decoding, (uint8_t *)&payload);
        if (found.verdict != PAYLOAD_OK)
            return found;
    }
    if (!reader_is_done(&decoding.reader))
        return fault(PAYLOAD_MALFORMED, "");

    struct payload_fault found = find_missing(&decoding);
    if (found.verdict == PAYLOAD_OK)
        *ret_payload = payload;
    return found;
}

static void write_value(struct writer *writer, enum event_kind kind, const void *value)
{
    const struct event_list *list = value;

    switch (kind) {
    case EVENT_KIND_str:
        writer_str(writer, *(const struct span *)value);
        return;
    case EVENT_KIND_u64:
        writer_u64(writer, *(const uint64_t *)value);
        return;
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        writer_bin(writer, span_of(value, event_kind_bytes(kind)));
        return;
    case EVENT_KIND_list:
        writer_array(writer, list->n);
        for (uint32_t i = 0; i < list->n; i++)
            writer_str(writer, list->items[i]);
        return;
    }
}

static struct writer write_payload(const struct event_info *info, const uint8_t *payload,
                                   uint8_t *out, size_t capacity)
{
    struct writer writer = writer_of(out, capacity);
    uint32_t n_given = 0;

    for (uint32_t i = 0; i < info->n_fields; i++)
        n_given += event_field_is_given(&info->fields[i], payload + info->fields[i].offset);
    writer_map(&writer, n_given);

    for (uint32_t i = 0; i < info->n_fields; i++) {
        const struct event_field *field = &info->fields[i];
        const void *value = payload + field->offset;
        if (!event_field_is_given(field, value))
            continue;
        writer_str(&writer, span_of(field->name, strlen(field->name)));
        write_value(&writer, field->kind, value);
    }
    return writer;
}

size_t event_encode(const struct event_head *head, const union event_payload *payload, uint8_t *out,
                    size_t capacity)
{
    const struct event_info *info = event_info(head->type);
    uint8_t bytes[EVENT_ENCODED_MAX];
    struct writer writer = write_payload(info, (const uint8_t *)payload, bytes, sizeof(bytes));
    if (writer.overflow)
        return 0;

    struct wire_event event = {
        .type = span_of(info->name, strlen(info->name)),
        .schema = head->schema,
        .canonicalizer = span_of(EVENT_CANONICALIZER, sizeof(EVENT_CANONICALIZER) - 1),
        .canonicalizer_version = EVENT_CANONICALIZER_VERSION,
        .hlc_wall_ms = head->hlc_wall_ms,
        .hlc_counter = head->hlc_counter,
        .payload = span_of(bytes, writer.size),
    };
    return wire_encode(WIRE_event, &event, out, capacity);
}
