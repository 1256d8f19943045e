#include "common/canonical_json.h"

#include "common/must.h"

#define INTEGER_MAX ((json_int_t)9007199254740991) /* 2^53 - 1: exact in every JSON reader */

static bool put_value(FILE *out, const json_t *value, unsigned depth);

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

static void put_char(FILE *out, unsigned char c)
{
    static const char escapes[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"'};
    if (c == '\\')
        fputs("\\\\", out);
    else if (c < sizeof(escapes) && escapes[c] != 0)
        fprintf(out, "\\%c", escapes[c]);
    else if (c < 0x20)
        fprintf(out, "\\u%04x", c);
    else
        fputc(c, out);
}

static void put_string(FILE *out, const char *text, size_t size)
{
    fputc('"', out);
    for (size_t i = 0; i < size; i++)
        put_char(out, (unsigned char)text[i]);
    fputc('"', out);
}

static bool put_integer(FILE *out, json_int_t value)
{
    if (value > INTEGER_MAX || value < -INTEGER_MAX)
        return false;
    fprintf(out, "%" JSON_INTEGER_FORMAT, value);
    return true;
}

static bool put_array(FILE *out, const json_t *array, unsigned depth)
{
    fputc('[', out);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            fputc(',', out);
        if (!put_value(out, json_array_get(array, i), depth))
            return false;
    }
    fputc(']', out);
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

static bool put_object(FILE *out, const json_t *object, const char *leave_out, unsigned depth)
{
    const char **keys = calloc(json_object_size(object) + 1, sizeof(*keys));
    MUST(keys != NULL);
    size_t n = sorted_keys(object, leave_out, keys);
    bool ok = true;
    fputc('{', out);
    for (size_t i = 0; i < n && ok; i++) {
        if (i > 0)
            fputc(',', out);
        put_string(out, keys[i], strlen(keys[i]));
        fputc(':', out);
        ok = put_value(out, json_object_get(object, keys[i]), depth);
    }
    fputc('}', out);
    free(keys);
    return ok;
}

static bool put_value(FILE *out, const json_t *value, unsigned depth)
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
        return fputs("true", out) >= 0;
    case JSON_FALSE:
        return fputs("false", out) >= 0;
    case JSON_NULL:
        return fputs("null", out) >= 0;
    case JSON_REAL:
        return false;
    }
    return false;
}

enum apm_err canonical_json_without(const json_t *object, const char *leave_out, char **ret_text,
                                    size_t *ret_size)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    MUST(out != NULL);
    bool ok = json_is_object(object) && leave_out != NULL
                  ? put_object(out, object, leave_out, CANONICAL_JSON_DEPTH_MAX - 1)
                  : put_value(out, object, CANONICAL_JSON_DEPTH_MAX);
    /* A memory stream fails for want of memory only. Closing moves its buffer:
     * text and size are right only from here on. */
    MUST(ferror(out) == 0);
    MUST(fclose(out) == 0);
    if (!ok) {
        free(text);
        return APM_ERR_BAD_INPUT;
    }
    *ret_text = text;
    *ret_size = size;
    return APM_OK;
}

enum apm_err canonical_json(const json_t *value, char **ret_text, size_t *ret_size)
{
    return canonical_json_without(value, NULL, ret_text, ret_size);
}
