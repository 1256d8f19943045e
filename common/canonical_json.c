#include "common/canonical_json.h"

#include "common/buf.h"
#include "common/must.h"

#define INTEGER_MAX ((json_int_t)9007199254740991) /* 2^53 - 1: exact in every JSON reader */

static bool put_value(struct buf *out, const json_t *value, unsigned depth);

/* RFC 8785 orders by UTF-16 code units: a character beyond U+FFFF (lead byte f0 and
 * up) is a surrogate there and sorts before U+E000..U+FFFF (lead bytes ee, ef). */
static int utf16_weight(uint8_t byte)
{
    return byte == 0xee || byte == 0xef ? byte + 16 : byte;
}

static int key_cmp(const void *a, const void *b)
{
    const char *left = *(const char *const *)a;
    const char *right = *(const char *const *)b;
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return utf16_weight((uint8_t)*left) - utf16_weight((uint8_t)*right);
}

static void put_char(struct buf *out, unsigned char c)
{
    static const char escapes[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"'};
    if (c == '\\')
        buf_text(out, "\\\\");
    else if (c < sizeof(escapes) && escapes[c] != 0)
        buf_printf(out, "\\%c", escapes[c]);
    else if (c < 0x20)
        buf_printf(out, "\\u%04x", c);
    else
        buf_char(out, (char)c);
}

static void put_string(struct buf *out, const char *text, size_t size)
{
    buf_char(out, '"');
    for (size_t i = 0; i < size; i++)
        put_char(out, (unsigned char)text[i]);
    buf_char(out, '"');
}

static bool put_integer(struct buf *out, json_int_t value)
{
    if (value > INTEGER_MAX || value < -INTEGER_MAX)
        return false;
    buf_printf(out, "%" JSON_INTEGER_FORMAT, value);
    return true;
}

static bool put_array(struct buf *out, const json_t *array, unsigned depth)
{
    buf_char(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            buf_char(out, ',');
        if (!put_value(out, json_array_get(array, i), depth))
            return false;
    }
    buf_char(out, ']');
    return true;
}

static size_t sorted_keys(const json_t *object, const char *leave_out, const char **ret_keys)
{
    size_t n = 0;
    json_t *walked = (json_t *)object; /* jansson's iterator takes no const */
    for (void *at = json_object_iter(walked); at != NULL; at = json_object_iter_next(walked, at)) {
        const char *key = json_object_iter_key(at);
        if (leave_out == NULL || strcmp(key, leave_out) != 0)
            ret_keys[n++] = key;
    }
    qsort(ret_keys, n, sizeof(*ret_keys), key_cmp);
    return n;
}

static bool put_object(struct buf *out, const json_t *object, const char *leave_out, unsigned depth)
{
    const char **keys = calloc(json_object_size(object) + 1, sizeof(*keys));
    MUST(keys != NULL);
    size_t n = sorted_keys(object, leave_out, keys);
    bool ok = true;
    buf_char(out, '{');
    for (size_t i = 0; i < n && ok; i++) {
        if (i > 0)
            buf_char(out, ',');
        put_string(out, keys[i], strlen(keys[i]));
        buf_char(out, ':');
        ok = put_value(out, json_object_get(object, keys[i]), depth);
    }
    buf_char(out, '}');
    free(keys);
    return ok;
}

static bool put_value(struct buf *out, const json_t *value, unsigned depth)
{
    if (depth == 0)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_object(out, value, NULL, depth - 1);
    case JSON_ARRAY:
        return put_array(out, value, depth - 1);
    case JSON_STRING:
        put_string(out, json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
        return put_integer(out, json_integer_value(value));
    case JSON_TRUE:
        return buf_text(out, "true");
    case JSON_FALSE:
        return buf_text(out, "false");
    case JSON_NULL:
        return buf_text(out, "null");
    case JSON_REAL:
        return false;
    }
    return false;
}

enum apm_err canonical_json_without(const json_t *object, const char *leave_out, char **ret_text,
                                    size_t *ret_size)
{
    struct buf out;
    buf_init(&out, CANONICAL_JSON_BYTES_MAX);
    bool ok = json_is_object(object) && leave_out != NULL
                  ? put_object(&out, object, leave_out, CANONICAL_JSON_DEPTH_MAX - 1)
                  : put_value(&out, object, CANONICAL_JSON_DEPTH_MAX);
    size_t size = out.size;
    if (!ok || !buf_char(&out, '\0')) { /* overflow is sticky: it shows here at the latest */
        buf_release(&out);
        return APM_ERR_BAD_INPUT;
    }
    *ret_text = (char *)out.data; /* the caller frees it in our stead */
    *ret_size = size;
    return APM_OK;
}

enum apm_err canonical_json(const json_t *value, char **ret_text, size_t *ret_size)
{
    return canonical_json_without(value, NULL, ret_text, ret_size);
}
