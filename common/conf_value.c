#include "common/conf_value.h"
#include "common/mem.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdlib.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, so that printing finds the unit that divides evenly. */
static const struct unit durations[] = {
    {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit sizes[] = {
    {"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}, {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(const struct conf_setting *setting)
{
    if (setting->type == CONF_duration) {
        return durations;
    }
    return setting->type == CONF_size ? sizes : plain;
}

void conf_number_print(const struct conf_setting *setting, uint64_t number, struct buf *ret_text)
{
    for (const struct unit *unit = units_of(setting); unit->name != NULL; unit++) {
        bool is_exact = number % unit->factor == 0 && (number > 0 || unit->factor == 1);
        if (is_exact) {
            buf_printf(ret_text, "%" PRIu64 "%s", number / unit->factor, unit->name);
            return;
        }
    }
}

static void say_range(const struct conf_setting *setting, struct buf *why)
{
    buf_text(why, "allowed is ");
    conf_number_print(setting, setting->min, why);
    buf_text(why, " to ");
    conf_number_print(setting, setting->max, why);
}

/* Decimal digits only; false when there are none or the number passes 64 bits. */
static bool read_digits(const char **at, uint64_t *ret_number)
{
    const char *start = *at;
    uint64_t number = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return *at > start;
}

static bool read_number(const struct conf_setting *setting, const char *text, uint64_t *ret_number)
{
    uint64_t count = 0;
    if (!read_digits(&text, &count)) {
        return false;
    }
    for (const struct unit *unit = units_of(setting); unit->name != NULL; unit++) {
        if (strcmp(unit->name, text) == 0 && count <= UINT64_MAX / unit->factor) {
            *ret_number = count * unit->factor;
            return true;
        }
    }
    return false;
}

static const char *form_of(enum conf_type type)
{
    switch (type) {
    case CONF_duration:
        return "a duration like 200ms, 1s or 5m";
    case CONF_size:
        return "a size like 4096B, 512KiB or 64MiB";
    case CONF_u64:
    case CONF_bool:
    case CONF_string:
    case CONF_path:
    case CONF_conninfo:
    case CONF_word:
        break;
    }
    return "a whole number";
}

static bool parse_number(const struct conf_setting *setting, const char *text,
                         struct conf_value *ret_value, struct buf *why)
{
    uint64_t number = 0;
    if (!read_number(setting, text, &number)) {
        buf_printf(why, "is not %s; ", form_of(setting->type));
        say_range(setting, why);
        return false;
    }
    if (number < setting->min || number > setting->max) {
        buf_text(why, "is out of range; ");
        say_range(setting, why);
        return false;
    }
    *ret_value = (struct conf_value){.number = number};
    return true;
}

static bool parse_word(const char *words, const char *text, struct conf_value *ret_value,
                       struct buf *why)
{
    size_t length = strlen(text);
    const char *word = words;
    for (uint64_t i = 0;; i++) {
        size_t size = strcspn(word, "|");
        if (size == length && memcmp(word, text, size) == 0) {
            *ret_value = (struct conf_value){.number = i};
            return true;
        }
        if (word[size] == 0) {
            break;
        }
        word += size + 1;
    }
    buf_printf(why, "is not one of %s", words);
    return false;
}

static bool parse_text(const struct conf_setting *setting, const char *text,
                       struct conf_value *ret_value, struct buf *why)
{
    size_t length = strlen(text);
    if (length < setting->min || length > setting->max) {
        buf_printf(why, "is %zu bytes long; allowed is %" PRIu64 " to %" PRIu64, length,
                   setting->min, setting->max);
        return false;
    }
    if (setting->type == CONF_path && length > 0 && text[0] != '/') {
        buf_text(why, "is not an absolute path");
        return false;
    }
    *ret_value = (struct conf_value){.text = mem_strdup(text)};
    return true;
}

bool conf_value_parse(const struct conf_setting *setting, const char *text,
                      struct conf_value *ret_value, struct buf *why)
{
    switch (setting->type) {
    case CONF_u64:
    case CONF_duration:
    case CONF_size:
        return parse_number(setting, text, ret_value, why);
    case CONF_bool:
        return parse_word("false|true", text, ret_value, why);
    case CONF_word:
        return parse_word(setting->words, text, ret_value, why);
    case CONF_string:
    case CONF_path:
    case CONF_conninfo:
        return parse_text(setting, text, ret_value, why);
    }
    MUST(!"a type of the table");
    return false;
}

static void print_word(const char *words, uint64_t index, struct buf *ret_text)
{
    for (; index > 0; index--) {
        words += strcspn(words, "|") + 1;
    }
    buf_append(ret_text, words, strcspn(words, "|"));
}

void conf_value_print(const struct conf_setting *setting, const struct conf_value *value,
                      struct buf *ret_text)
{
    switch (setting->type) {
    case CONF_u64:
    case CONF_duration:
    case CONF_size:
        conf_number_print(setting, value->number, ret_text);
        break;
    case CONF_bool:
        print_word("false|true", value->number, ret_text);
        break;
    case CONF_word:
        print_word(setting->words, value->number, ret_text);
        break;
    case CONF_string:
    case CONF_path:
    case CONF_conninfo:
        buf_text(ret_text, value->text);
        break;
    }
}
