#include "services/cli/parse_value.h"

#include "services/cli/help.h"

static bool digits_to_u64(const char **text, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *at = *text;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *text = at;
    *ret_value = value;
    return true;
}

bool text_to_ms(const char *text, uint64_t *ret_ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

    uint64_t value = 0;
    if (!digits_to_u64(&text, &value))
        return false;
    for (size_t i = 0; i < N_ELEMENTS(units); i++) {
        if (strcmp(text, units[i].unit) != 0)
            continue;
        if (value > UINT64_MAX / units[i].ms)
            return false;
        *ret_ms = value * units[i].ms;
        return true;
    }
    return false;
}

static enum apm_err bad_value(const struct invocation *invocation, enum option option,
                              const char *want, struct complaint *complaint)
{
    char name[OPTION_TEXT_BYTES];
    help_option_text(option, name);
    return complain(complaint, APM_ERR_USAGE, "%s: \"%s\" is not %s", name,
                    invocation->option[option], want);
}

enum apm_err parse_u64(const struct invocation *invocation, enum option option,
                       struct bounds bounds, uint64_t *ret_value, struct complaint *ret_complaint)
{
    const char *text = invocation->option[option];
    uint64_t value = 0;
    if (text == NULL)
        return APM_OK;
    if (!digits_to_u64(&text, &value) || *text != 0 || value < bounds.min || value > bounds.max) {
        char want[96];
        (void)snprintf(want, sizeof(want), "a number from %llu to %llu",
                       (unsigned long long)bounds.min, (unsigned long long)bounds.max);
        return bad_value(invocation, option, want, ret_complaint);
    }
    *ret_value = value;
    return APM_OK;
}

enum apm_err parse_ms(const struct invocation *invocation, enum option option, uint64_t *ret_ms,
                      struct complaint *ret_complaint)
{
    const char *text = invocation->option[option];
    if (text == NULL || text_to_ms(text, ret_ms))
        return APM_OK;
    return bad_value(invocation, option, "a time like 500ms, 10s or 2m", ret_complaint);
}

enum apm_err parse_timeout(const struct invocation *invocation, uint64_t default_ms,
                           uint64_t *ret_ms, struct complaint *ret_complaint)
{
    uint64_t ms = default_ms;
    enum apm_err err = parse_ms(invocation, OPTION_timeout, &ms, ret_complaint);
    if (err == APM_OK)
        *ret_ms = ms;
    return err;
}
