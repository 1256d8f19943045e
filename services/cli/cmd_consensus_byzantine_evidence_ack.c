#include <stdio.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"

int cmd_consensus_byzantine_evidence_ack(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    const char *reason = invocation->option[OPTION_reason];
    json_t *body = NULL;

    if (reason == NULL || reason[0] == '\0')
        return say_usage(invocation, "--reason TEXT is needed: why this evidence is dealt with");
    json_t *args = json_pack("{s:s, s:s}", "id", invocation->args[0], "reason", reason);
    enum apm_err err =
        ask_service(invocation, &(struct request){"byzantine-monitor", "evidence_ack", args}, &body,
                    &complaint);
    json_decref(args);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation))
        output_json(body);
    else
        (void)printf("%s acknowledged\n", json_text(body, "id"));
    json_decref(body);
    return 0;
}
