#include "common/json_read.h"

/* What jansson 2.14 allocates, malloc's rounding included: an object with its first
 * buckets; an array with its first slots; a member's pair and its share of the buckets;
 * a string's two pieces; the slot and the value that a comma announces. Growing holds old
 * and new at once. */
#define COST_OBJECT 288u
#define COST_ARRAY 136u
#define COST_MEMBER 144u
#define COST_STRING 64u
#define COST_ITEM 72u

struct scale {
    uint64_t cost;
    bool is_in_string, is_escaped;
};

static void weigh_in_string(struct scale *scale, uint8_t byte)
{
    scale->cost++;
    if (scale->is_escaped)
        scale->is_escaped = false;
    else if (byte == '\\')
        scale->is_escaped = true;
    else if (byte == '"')
        scale->is_in_string = false;
}

static void weigh(struct scale *scale, uint8_t byte)
{
    if (byte == '{')
        scale->cost += COST_OBJECT;
    else if (byte == '[')
        scale->cost += COST_ARRAY;
    else if (byte == ':')
        scale->cost += COST_MEMBER;
    else if (byte == ',')
        scale->cost += COST_ITEM;
    else if (byte == '"')
        scale->cost += COST_STRING;
    scale->is_in_string = byte == '"';
}

static uint64_t cost_of(struct span text)
{
    struct scale scale = {0};

    for (size_t i = 0; i < text.size; i++) {
        if (scale.is_in_string)
            weigh_in_string(&scale, text.data[i]);
        else
            weigh(&scale, text.data[i]);
    }
    return scale.cost;
}

enum apm_err json_read(struct span text, json_t **ret_json, struct why *ret_why)
{
    json_error_t error;

    if (cost_of(text) > JSON_COST_BASE + (uint64_t)JSON_COST_PER_BYTE * text.size)
        return explain(ret_why, APM_ERR_TOO_LARGE,
                       "too many values for its size: %zu bytes of JSON", text.size);
    json_t *json = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return explain(ret_why, APM_ERR_BAD_INPUT, "not JSON: line %d, column %d: %s", error.line,
                       error.column, error.text);
    *ret_json = json;
    return APM_OK;
}
