#include "common/msgpack_json.h"

#include <stdlib.h>

#include "common/hash.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/wire.h"

#define CONTAINER_MAX (64u * KIB)

/* ---- to msgpack ---- */

static enum apm_err write_value(const json_t *value, unsigned depth, struct writer *writer);

static enum apm_err write_array(const json_t *value, unsigned depth, struct writer *writer)
{
    enum apm_err err = APM_OK;
    size_t n = json_array_size(value);

    writer_array(writer, (uint32_t)n);
    for (size_t i = 0; i < n && err == APM_OK; i++)
        err = write_value(json_array_get(value, i), depth - 1, writer);
    return err;
}

static struct span text_span(const char *text)
{
    return span_of(text, strlen(text));
}

static enum apm_err write_object(const json_t *value, unsigned depth, struct writer *writer)
{
    enum apm_err err = APM_OK;
    const char *key;
    json_t *item;

    writer_map(writer, (uint32_t)json_object_size(value));
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        writer_str(writer, text_span(key));
        if (err == APM_OK)
            err = write_value(item, depth - 1, writer);
    }
    return err;
}

static enum apm_err write_value(const json_t *value, unsigned depth, struct writer *writer)
{
    if (depth == 0)
        return APM_ERR_TOO_LARGE;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(value, depth, writer);
    case JSON_ARRAY:
        return write_array(value, depth, writer);
    case JSON_STRING:
        writer_str(writer, span_of(json_string_value(value), json_string_length(value)));
        return APM_OK;
    case JSON_INTEGER:
        if (json_integer_value(value) < 0)
            writer_i64(writer, json_integer_value(value));
        else
            writer_u64(writer, (uint64_t)json_integer_value(value));
        return APM_OK;
    case JSON_REAL:
        return APM_ERR_BAD_INPUT;
    case JSON_TRUE:
    case JSON_FALSE:
        writer_bool(writer, json_is_true(value));
        return APM_OK;
    case JSON_NULL:
        writer_nil(writer);
        return APM_OK;
    }
    MUST(!"a JSON type");
}

enum apm_err msgpack_of_json(const json_t *value, struct buf *ret_bytes)
{
    size_t room = ret_bytes->max - ret_bytes->size;
    uint8_t *out = buf_reserve(ret_bytes, room);

    if (out == NULL)
        return APM_ERR_TOO_LARGE;
    struct writer writer = writer_of(out, room);
    enum apm_err err = write_value(value, EVENT_DEPTH_MAX, &writer);
    if (err == APM_OK && writer.overflow)
        err = APM_ERR_TOO_LARGE;
    if (err == APM_OK)
        buf_grow(ret_bytes, writer.size);
    return err;
}

/* ---- from msgpack ---- */

static json_t *read_value(struct reader *reader, unsigned depth);

static json_t *read_array(struct reader *reader, unsigned depth)
{
    uint32_t n = reader_array(reader, CONTAINER_MAX);
    json_t *array = json_array();

    for (uint32_t i = 0; i < n && reader->verdict == WIRE_OK; i++)
        if (json_array_append_new(array, read_value(reader, depth - 1)) != 0)
            reader->verdict = WIRE_BAD_TYPE;
    return array;
}

static json_t *read_map(struct reader *reader, unsigned depth)
{
    uint32_t n = reader_map(reader, CONTAINER_MAX);
    json_t *object = json_object();

    for (uint32_t i = 0; i < n && reader->verdict == WIRE_OK; i++) {
        struct span key = reader_str(reader, CONTAINER_MAX);
        if (reader->verdict == WIRE_OK &&
            json_object_setn_new(object, (const char *)key.data, key.size,
                                 read_value(reader, depth - 1)) != 0)
            reader->verdict = WIRE_BAD_TYPE;
    }
    return object;
}

static json_t *read_bin(struct reader *reader)
{
    struct span bytes = reader_bin(reader, 2u * OBSERVATION_BYTES_MAX);
    char *hex = mem_new(2 * bytes.size + 1, 1);

    hex_encode(bytes.data, bytes.size, hex);
    json_t *text = json_sprintf("hex:%s", hex);
    free(hex);
    return text;
}

static json_t *read_value(struct reader *reader, unsigned depth)
{
    if (depth == 0)
        return NULL;
    switch (reader_peek(reader)) {
    case READER_NIL:
        reader_skip(reader, 1);
        return json_null();
    case READER_BOOL:
        return json_boolean(reader_bool(reader));
    case READER_UINT:
        return json_integer((json_int_t)reader_u64(reader));
    case READER_INT:
        return json_integer(reader_i64(reader));
    case READER_STR: {
        struct span text = reader_str(reader, 2u * OBSERVATION_BYTES_MAX);
        return json_stringn((const char *)text.data, text.size);
    }
    case READER_BIN:
        return read_bin(reader);
    case READER_ARRAY:
        return read_array(reader, depth);
    case READER_MAP:
        return read_map(reader, depth);
    case READER_OTHER:
        return NULL;
    }
    MUST(!"a reader's type");
}

json_t *json_of_msgpack(struct span bytes)
{
    struct reader reader = reader_of(bytes);
    json_t *value = read_value(&reader, EVENT_DEPTH_MAX);

    if (value != NULL && reader_is_done(&reader))
        return value;
    json_decref(value);
    return NULL;
}
