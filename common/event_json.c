#include "common/event_json.h"

#include "common/hash.h"
#include "common/json_read.h"
#include "common/must.h"

/* What is allowed in the field, said with the name it has in the line. */
static enum apm_err refuse(const struct event_field *field, struct why *ret_why)
{
    unsigned long long min = field->min;
    unsigned long long max = field->max;

    switch (field->kind) {
    case EVENT_KIND_str:
        return explain(ret_why, APM_ERR_BAD_INPUT,
                       "payload.%s: must be %llu..%llu printable ASCII characters without blanks",
                       field->name, min, max);
    case EVENT_KIND_u64:
        return explain(ret_why, APM_ERR_BAD_INPUT, "payload.%s: must be an integer, %llu..%llu",
                       field->name, min, max);
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        return explain(ret_why, APM_ERR_BAD_INPUT,
                       "payload.%s: must be %llu hex digits, not all zero", field->name, 2 * max);
    case EVENT_KIND_list:
        return explain(ret_why, APM_ERR_BAD_INPUT,
                       "payload.%s: must be a list of %llu..%llu strings, each of 1..%u printable "
                       "ASCII characters without blanks",
                       field->name, min, max, ID_BYTES_MAX);
    }
    MUST(!"a field kind");
}

static struct span string_span(const json_t *string)
{
    return span_of(json_string_value(string), json_string_length(string));
}

static bool read_hex(const json_t *value, size_t size, void *out)
{
    return json_is_string(value) && hex_decode(json_string_value(value), size, out);
}

static bool read_list(const json_t *value, struct event_list *out)
{
    if (!json_is_array(value) || json_array_size(value) > EVENT_LIST_MAX)
        return false;

    for (out->n = 0; out->n < json_array_size(value); out->n++) {
        const json_t *item = json_array_get(value, out->n);
        if (!json_is_string(item))
            return false;
        out->items[out->n] = string_span(item);
    }
    return true;
}

/* Strings are borrowed from the JSON value. */
static bool read_value(enum event_kind kind, const json_t *value, void *out)
{
    switch (kind) {
    case EVENT_KIND_str:
        if (!json_is_string(value))
            return false;
        *(struct span *)out = string_span(value);
        return true;
    case EVENT_KIND_u64:
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return false;
        *(uint64_t *)out = (uint64_t)json_integer_value(value);
        return true;
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        return read_hex(value, event_kind_bytes(kind), out);
    case EVENT_KIND_list:
        return read_list(value, out);
    }
    MUST(!"a field kind");
}

static bool has_field(const struct event_info *info, const char *name)
{
    for (uint32_t i = 0; i < info->n_fields; i++) {
        if (strcmp(info->fields[i].name, name) == 0)
            return true;
    }
    return false;
}

static enum apm_err refuse_unknown(const struct event_info *info, json_t *payload,
                                   struct why *ret_why)
{
    const char *name;
    json_t *value;

    json_object_foreach(payload, name, value)
    {
        if (!has_field(info, name))
            return explain(ret_why, APM_ERR_BAD_INPUT, "payload.%.64s: %s has no such field", name,
                           info->name);
    }
    return APM_OK;
}

static enum apm_err read_payload(const struct event_info *info, json_t *payload, uint8_t *out,
                                 struct why *ret_why)
{
    if (!json_is_object(payload))
        return explain(ret_why, APM_ERR_BAD_INPUT, "payload: must be an object");

    enum apm_err err = refuse_unknown(info, payload, ret_why);
    for (uint32_t i = 0; i < info->n_fields && err == APM_OK; i++) {
        const struct event_field *field = &info->fields[i];
        const json_t *value = json_object_get(payload, field->name);
        void *at = out + field->offset;
        if (value == NULL && field->is_required)
            err = explain(ret_why, APM_ERR_BAD_INPUT, "payload.%s: missing, %s needs it",
                          field->name, info->name);
        else if (value != NULL && (!read_value(field->kind, value, at) ||
                                   event_field_check(field, at) != PAYLOAD_OK))
            err = refuse(field, ret_why);
    }
    return err;
}

static enum apm_err refuse_type(struct span name, enum event_type type, struct why *ret_why)
{
    const char *reason = "no such event type";

    if (type != EVENT_NONE) {
        bool is_derived = event_info(type)->status == EVENT_DERIVED;
        reason = is_derived ? "made by execution, cannot be submitted" : "not yet supported";
    }
    return explain(ret_why, APM_ERR_BAD_INPUT, "type: %.*s: %s",
                   (int)(name.size < ID_BYTES_MAX ? name.size : ID_BYTES_MAX), name.data, reason);
}

static enum apm_err read_type(const json_t *line, enum event_type *ret_type, struct why *ret_why)
{
    const json_t *value = json_object_get(line, "type");
    if (!json_is_string(value))
        return explain(ret_why, APM_ERR_BAD_INPUT, "type: must be the name of an event type");

    enum event_type type = event_type_of(string_span(value));
    if (type == EVENT_NONE || event_info(type)->status != EVENT_IMPLEMENTED)
        return refuse_type(string_span(value), type, ret_why);
    *ret_type = type;
    return APM_OK;
}

static enum apm_err read_space(const json_t *line, char *out, struct why *ret_why)
{
    const json_t *value = json_object_get(line, "namespace");
    struct span space = span_of(NAMESPACE_KERNEL, sizeof(NAMESPACE_KERNEL) - 1);

    if (value != NULL && !json_is_string(value))
        space.size = 0;
    else if (value != NULL)
        space = string_span(value);
    if (space.size == 0 || space.size > ID_BYTES_MAX)
        return explain(ret_why, APM_ERR_BAD_INPUT, "namespace: must be a string of 1..%u bytes",
                       ID_BYTES_MAX);
    memcpy(out, space.data, space.size);
    out[space.size] = '\0';
    return APM_OK;
}

static enum apm_err check_keys(json_t *line, struct why *ret_why)
{
    const char *name;
    json_t *value;

    if (!json_is_object(line))
        return explain(ret_why, APM_ERR_BAD_INPUT, "must be one JSON object");
    json_object_foreach(line, name, value)
    {
        if (strcmp(name, "type") != 0 && strcmp(name, "namespace") != 0 &&
            strcmp(name, "payload") != 0)
            return explain(ret_why, APM_ERR_BAD_INPUT,
                           "%.64s: no such key; type, namespace and payload are", name);
    }
    return APM_OK;
}

static enum apm_err read_line(json_t *line, const struct event_json_context *context,
                              struct event_draft *draft, struct why *ret_why)
{
    enum apm_err err = check_keys(line, ret_why);
    if (err == APM_OK)
        err = read_type(line, &draft->type, ret_why);
    if (err == APM_OK)
        err = read_space(line, draft->space, ret_why);
    if (err != APM_OK)
        return err;

    const struct event_info *info = event_info(draft->type);
    union event_payload payload = {0};
    err = read_payload(info, json_object_get(line, "payload"), (uint8_t *)&payload, ret_why);
    if (err != APM_OK)
        return err;

    struct event_head head = {.type = draft->type,
                              .hlc_wall_ms = context->hlc_wall_ms,
                              .hlc_counter = context->hlc_counter};
    if (!context->schema_of(context->context, draft->type, &head.schema))
        return explain(ret_why, APM_ERR_BAD_INPUT, "type: the chain has no schema for %s",
                       info->name);
    draft->size = event_encode(&head, &payload, draft->bytes, sizeof(draft->bytes));
    /* The field tables keep every event below EVENT_ENCODED_MAX. */
    MUST(draft->size > 0);
    return APM_OK;
}

enum apm_err event_json_parse(struct span line, const struct event_json_context *context,
                              struct event_draft *ret_draft, struct why *ret_why)
{
    if (line.size > EVENT_BYTES_MAX)
        return explain(ret_why, APM_ERR_TOO_LARGE, "a line of %zu bytes; at most %u are allowed",
                       line.size, EVENT_BYTES_MAX);

    json_t *json = NULL;
    enum apm_err err = json_read(line, &json, ret_why);
    if (err != APM_OK)
        return err;

    struct event_draft draft = {0};
    err = read_line(json, context, &draft, ret_why);
    json_decref(json);
    if (err == APM_OK)
        *ret_draft = draft;
    return err;
}

static json_t *hex_of(const void *bytes, size_t size)
{
    char text[2 * EVENT_ENCODED_MAX + 1];

    if (size > EVENT_ENCODED_MAX)
        size = EVENT_ENCODED_MAX;
    hex_encode(bytes, size, text);
    return json_string(text);
}

static json_t *string_of(struct span text)
{
    return json_stringn((const char *)text.data, text.size);
}

static json_t *value_of(enum event_kind kind, const void *value)
{
    const struct event_list *list = value;
    json_t *array;

    switch (kind) {
    case EVENT_KIND_str:
        return string_of(*(const struct span *)value);
    case EVENT_KIND_u64:
        return json_integer((json_int_t) * (const uint64_t *)value);
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        return hex_of(value, event_kind_bytes(kind));
    case EVENT_KIND_list:
        array = json_array();
        for (uint32_t i = 0; i < list->n; i++)
            (void)json_array_append_new(array, string_of(list->items[i]));
        return array;
    }
    MUST(!"a field kind");
}

static json_t *payload_of(const struct event_info *info, const uint8_t *payload)
{
    json_t *object = json_object();

    for (uint32_t i = 0; i < info->n_fields; i++) {
        const struct event_field *field = &info->fields[i];
        const void *value = payload + field->offset;
        if (event_field_is_given(field, value))
            (void)json_object_set_new(object, field->name, value_of(field->kind, value));
    }
    return object;
}

static void set_payload(json_t *object, const struct wire_event *event)
{
    enum event_type type = event_type_of(event->type);
    union event_payload payload;

    if (type != EVENT_NONE && event_info(type)->fields != NULL &&
        event_payload_decode(type, event->payload, &payload).verdict == PAYLOAD_OK) {
        json_t *decoded = payload_of(event_info(type), (const uint8_t *)&payload);
        (void)json_object_set_new(object, "payload", decoded);
        return;
    }
    json_t *hex = hex_of(event->payload.data, event->payload.size);
    (void)json_object_set_new(object, "payload_hex", hex);
}

json_t *event_json_of(struct span bytes)
{
    struct wire_event event;
    if (wire_decode_as(WIRE_event, bytes, &event) != WIRE_OK)
        return NULL;

    json_t *canonicalizer = json_pack("{s:o, s:I}", "id", string_of(event.canonicalizer), "version",
                                      (json_int_t)event.canonicalizer_version);
    json_t *hlc = json_pack("{s:I, s:I}", "wall_ms", (json_int_t)event.hlc_wall_ms, "counter",
                            (json_int_t)event.hlc_counter);
    json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "type", string_of(event.type), "schema",
                               hex_of(event.schema.b, sizeof(event.schema.b)), "canonicalizer",
                               canonicalizer, "hlc", hlc);
    if (object != NULL)
        set_payload(object, &event);
    return object;
}
