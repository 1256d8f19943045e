#include "services/cli/parse_value.h"
#include "services/cli/submit_session.h"

int cmd_lease_issue(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    uint64_t ttl_ms = 0;
    const char *holder = invocation->option[OPTION_holder];
    if (holder == NULL || !has_option(invocation, OPTION_ttl))
        return say_usage(invocation, "--holder and --ttl are needed");
    if (parse_ms(invocation, OPTION_ttl, &ttl_ms, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);
    return submit_one_event(invocation, "LeaseIssued",
                            json_pack("{s:s, s:s, s:I}", "resource", invocation->args[0], "holder",
                                      holder, "ttl_ms", (json_int_t)ttl_ms));
}
