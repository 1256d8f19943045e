#include <stdio.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"
#include "services/cli/parse_value.h"

static enum apm_err make_args(const struct invocation *invocation, json_t **ret_args,
                              struct complaint *complaint)
{
    const char *space = invocation->option[OPTION_namespace];
    uint64_t seq = 0;
    if (invocation->n_args == 1) {
        *ret_args = json_pack("{s:s}", "bundle", invocation->args[0]);
        return APM_OK;
    }
    if (!has_option(invocation, OPTION_seq))
        return complain(complaint, APM_ERR_USAGE, "name a bundle, or a record with --seq");
    enum apm_err err =
        parse_u64(invocation, OPTION_seq, (struct bounds){0, INT64_MAX}, &seq, complaint);
    if (err == APM_OK)
        *ret_args = json_pack("{s:s, s:I}", "namespace", space != NULL ? space : "kernel", "seq",
                              (json_int_t)seq);
    return err;
}

static void print_event(size_t i, const json_t *event)
{
    char *payload = json_dumps(json_object_get(event, "payload"), JSON_COMPACT);
    (void)printf("event %zu: %s %s %s\n", i + 1, json_text(event, "type"),
                 json_text(event, "outcome"), payload != NULL ? payload : "");
    free(payload);
}

static void print_text(const json_t *body)
{
    const char *name = NULL;
    json_t *value = NULL, *event = NULL;
    size_t i = 0;
    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        char text[SCALAR_BYTES];
        if (json_is_object(value) || json_is_array(value))
            continue;
        scalar_text(value, text);
        print_field(name, "%s", text);
    }
    json_array_foreach(json_object_get(body, "events"), i, event) print_event(i, event);
    json_t *record = json_object_get(body, "event");
    if (record == NULL)
        return;
    char *payload = json_dumps(json_object_get(record, "payload"), JSON_COMPACT);
    print_field("payload", "%s", payload != NULL ? payload : "");
    free(payload);
}

int cmd_event_get(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *args = NULL, *body = NULL;
    enum apm_err err = make_args(invocation, &args, &complaint);
    if (err == APM_OK)
        err = ask(invocation, "event_get", args, &body, &complaint);
    json_decref(args);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation))
        output_json(body);
    else
        print_text(body);
    json_decref(body);
    return 0;
}
