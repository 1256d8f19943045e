#include "common/outcome.h"

#include <stddef.h>

struct outcome_row {
    const char *name;
    const char *text;
};

#define OUTCOME_ROW(code, name, text) [code] = {#name, text},
static const struct outcome_row rows[UINT8_MAX + 1] = {OUTCOMES(OUTCOME_ROW)};

bool outcome_is_known(uint8_t code)
{
    return rows[code].name != NULL;
}

const char *outcome_name(uint8_t code)
{
    return outcome_is_known(code) ? rows[code].name : "UNKNOWN";
}

const char *outcome_text(uint8_t code)
{
    return outcome_is_known(code) ? rows[code].text : "a code of a later version";
}
