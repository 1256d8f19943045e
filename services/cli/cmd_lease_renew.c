#include "services/cli/parse_value.h"
#include "services/cli/submit_session.h"

int cmd_lease_renew(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    uint64_t ttl_ms = 0;
    const char *lease_id = invocation->option[OPTION_lease_id];
    if (!has_option(invocation, OPTION_ttl))
        return say_usage(invocation, "--ttl is needed");
    if (parse_ms(invocation, OPTION_ttl, &ttl_ms, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);
    json_t *payload =
        json_pack("{s:s, s:I}", "resource", invocation->args[0], "ttl_ms", (json_int_t)ttl_ms);
    if (lease_id != NULL)
        (void)json_object_set_new(payload, "lease_id", json_string(lease_id));
    return submit_one_event(invocation, "LeaseRenewed", payload);
}
