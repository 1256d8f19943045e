/*
 * conf_value - one setting's value: from text, within the table's bounds, and back.
 *
 * The inner half of conf: only conf*.c includes it. A value owns its text.
 */
#ifndef APM2_CONF_VALUE_H
#define APM2_CONF_VALUE_H

#include "common/conf.h"

struct conf_value {
    uint64_t number; /* u64, ms, bytes, bool, index of a word */
    char *text;      /* string, path, conninfo; otherwise NULL */
    char *origin;
};

struct conf {
    struct conf_value values[SETTING_END];
};

/* False: `why` then says what is wrong with the text and what is allowed. The
 * origin is left to the caller. */
bool conf_value_parse(const struct conf_setting *setting, const char *text,
                      struct conf_value *ret_value, struct buf *why);

/* As one would write it in a file: "1s", "64MiB". */
void conf_value_print(const struct conf_setting *setting, const struct conf_value *value,
                      struct buf *ret_text);

/* A number of the setting's type and unit. */
void conf_number_print(const struct conf_setting *setting, uint64_t number, struct buf *ret_text);

#endif
