#include "common/json_field.h"

#include "common/hash.h"
#include "common/must.h"

#define HEX_BYTES_MAX 64u

bool json_field_text(const json_t *object, const char *name, char *ret_text, size_t capacity)
{
    const json_t *value = json_object_get(object, name);
    size_t size = json_string_length(value); /* 0 for what is no string */
    if (size == 0 || size >= capacity)
        return false;
    const char *text = json_string_value(value);
    if (strlen(text) != size)
        return false;
    memcpy(ret_text, text, size + 1);
    return true;
}

bool json_hex(const json_t *value, size_t size, void *ret_bytes)
{
    const char *text = json_string_value(value);
    return text != NULL && json_string_length(value) == 2 * size &&
           hex_decode(text, size, ret_bytes);
}

bool json_field_hex(const json_t *object, const char *name, size_t size, void *ret_bytes)
{
    return json_hex(json_object_get(object, name), size, ret_bytes);
}

bool json_field_u64(const json_t *object, const char *name, uint64_t max, uint64_t *ret_value)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    uint64_t number = (uint64_t)json_integer_value(value);
    if (number > max)
        return false;
    *ret_value = number;
    return true;
}

bool json_field_port(const json_t *object, const char *name, uint16_t *ret_port)
{
    uint64_t port;
    if (!json_field_u64(object, name, UINT16_MAX, &port) || port == 0)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

json_t *json_of_hex(const void *bytes, size_t size)
{
    char text[2 * HEX_BYTES_MAX + 1];
    MUST(size <= HEX_BYTES_MAX);
    hex_encode(bytes, size, text);
    json_t *value = json_stringn(text, 2 * size);
    MUST(value != NULL);
    return value;
}
