/*
 * parse_value - option values as numbers, durations and keys, with a message that
 * names the option.
 */
#ifndef APM2_CLI_PARSE_VALUE_H
#define APM2_CLI_PARSE_VALUE_H

#include "services/cli/say.h"

struct bounds {
    uint64_t min, max;
};

/* *ret_value keeps its default when the option was not given. */
WARN_UNUSED enum apm_err parse_u64(const struct invocation *invocation, enum option option,
                                   struct bounds bounds, uint64_t *ret_value,
                                   struct complaint *ret_complaint);

/* "500ms", "10s", "2m", "1h". */
WARN_UNUSED enum apm_err parse_ms(const struct invocation *invocation, enum option option,
                                  uint64_t *ret_ms, struct complaint *ret_complaint);

bool text_to_ms(const char *text, uint64_t *ret_ms);

/* --timeout, else `default_ms`; a malformed one is a usage error. */
WARN_UNUSED enum apm_err parse_timeout(const struct invocation *invocation, uint64_t default_ms,
                                       uint64_t *ret_ms, struct complaint *ret_complaint);

#endif
