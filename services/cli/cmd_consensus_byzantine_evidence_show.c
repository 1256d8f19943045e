#include <stdio.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"

static const char *const fields[] = {"id",        "fault_type", "validator_id",   "details",
                                     "timestamp", "last_seen",  "count",          "epoch",
                                     "round",     "seq",        "attributable",   "acknowledged",
                                     "reason",    "record",     "acknowledged_at"};

int cmd_consensus_byzantine_evidence_show(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *args = json_pack("{s:s}", "id", invocation->args[0]);
    json_t *body = NULL;

    enum apm_err err =
        ask_service(invocation, &(struct request){"byzantine-monitor", "evidence_get", args}, &body,
                    &complaint);
    json_decref(args);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation)) {
        output_json(body);
    } else {
        for (size_t i = 0; i < N_ELEMENTS(fields); i++) {
            const json_t *value = json_object_get(body, fields[i]);
            char text[SCALAR_BYTES];
            scalar_text(value, text);
            if (json_is_string(value))
                print_field(fields[i], "%s", json_string_value(value));
            else if (value != NULL)
                print_field(fields[i], "%s", text);
        }
    }
    json_decref(body);
    return 0;
}
