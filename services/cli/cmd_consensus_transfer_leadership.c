#include <stdio.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"

int cmd_consensus_transfer_leadership(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    const char *to = invocation->option[OPTION_to];
    json_t *args = to != NULL ? json_pack("{s:s}", "to", to) : json_object();
    json_t *body = NULL;

    enum apm_err err = ask(invocation, "transfer", args, &body, &complaint);
    json_decref(args);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation))
        output_json(body);
    else
        (void)printf("leader is %s, term %llu\n", json_text(body, "leader_id"),
                     (unsigned long long)json_u64(body, "term"));
    json_decref(body);
    return 0;
}
