#include <stdio.h>

#include "common/clock.h"
#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"

/* Drops the inactive ones; "total" and "active" stay what the node says. */
static void keep_active(json_t *body)
{
    json_t *validators = json_object_get(body, "validators");
    for (size_t i = json_array_size(validators); i > 0; i--) {
        if (!json_flag(json_array_get(validators, i - 1), "active"))
            (void)json_array_remove(validators, i - 1);
    }
}

static void add_row(struct table *table, const json_t *validator)
{
    char index[SCALAR_BYTES], height[SCALAR_BYTES], missed[SCALAR_BYTES], seen[32] = "-";
    uint64_t seen_ms = json_u64(validator, "last_seen_ms"), now_ms = clock_wall_ms();
    scalar_text(json_object_get(validator, "index"), index);
    scalar_text(json_object_get(validator, "height"), height);
    scalar_text(json_object_get(validator, "missed_votes"), missed);
    if (seen_ms > 0)
        age_text(now_ms > seen_ms ? now_ms - seen_ms : 0, seen);
    table_add(table,
              (const char *[]){json_text(validator, "id"), index, json_text(validator, "endpoint"),
                               json_text(validator, "role"),
                               json_flag(validator, "active") ? "yes" : "no", seen, height, missed,
                               json_text(validator, "public_key")});
}

static void print_text(const json_t *body)
{
    /* "leader" in lower case stands on its row alone (the runbook greps for it). */
    static const char *const headers[] = {"ID",        "INDEX",  "ENDPOINT", "ROLE",      "ACTIVE",
                                          "LAST SEEN", "HEIGHT", "MISSED",   "PUBLIC KEY"};
    struct table table;
    size_t i = 0;
    json_t *validator = NULL;
    table_init(&table, headers, N_ELEMENTS(headers));
    json_array_foreach(json_object_get(body, "validators"), i, validator)
        add_row(&table, validator);
    table_print(&table);
    (void)printf("%llu of %llu active\n", (unsigned long long)json_u64(body, "active"),
                 (unsigned long long)json_u64(body, "total"));
}

int cmd_consensus_validators(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *body = NULL;
    if (ask(invocation, "validators", NULL, &body, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);
    if (has_option(invocation, OPTION_active_only))
        keep_active(body);
    if (say_is_json(invocation))
        output_json(body);
    else
        print_text(body);
    json_decref(body);
    return 0;
}
