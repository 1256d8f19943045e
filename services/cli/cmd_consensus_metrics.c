#include <stdio.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"
#include "services/cli/parse_value.h"

#define PERIOD_MAX_S 86400u

/* One line per figure; members of an object become name_member, so that
 * `grep conflicts` finds one line per resolution. */
static void print_members(const char *prefix, const json_t *object)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        char full[160], text[SCALAR_BYTES];
        (void)snprintf(full, sizeof(full), "%s%s%s", prefix, prefix[0] != 0 ? "_" : "", name);
        if (json_is_object(value)) {
            print_members(full, value);
            continue;
        }
        scalar_text(value, text);
        (void)printf("%-36s %s\n", full, text);
    }
}

int cmd_consensus_metrics(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    uint64_t period_s = 60;
    json_t *body = NULL;
    enum apm_err err = parse_u64(invocation, OPTION_period, (struct bounds){1, PERIOD_MAX_S},
                                 &period_s, &complaint);
    if (err == APM_OK) {
        json_t *args = json_pack("{s:I}", "period_s", (json_int_t)period_s);
        err = ask(invocation, "metrics", args, &body, &complaint);
        json_decref(args);
    }
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation))
        output_json(body);
    else
        print_members("", body);
    json_decref(body);
    return 0;
}
