#include "services/cli/capability_payload.h"
#include "services/cli/submit_session.h"

int cmd_capability_delegate(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *payload = NULL;
    const char *parent = invocation->option[OPTION_parent];
    if (parent == NULL)
        return say_usage(invocation, "--parent is needed: the capability it is cut from");
    if (capability_payload(invocation, &payload, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);
    (void)json_object_set_new(payload, "from", json_string(parent));
    return submit_one_event(invocation, "CapabilityDelegated", payload);
}
