#include "services/cli/submit_session.h"

int cmd_lease_release(const struct invocation *invocation)
{
    const char *lease_id = invocation->option[OPTION_lease_id];
    json_t *payload = json_pack("{s:s}", "resource", invocation->args[0]);
    if (lease_id != NULL)
        (void)json_object_set_new(payload, "lease_id", json_string(lease_id));
    return submit_one_event(invocation, "LeaseReleased", payload);
}
