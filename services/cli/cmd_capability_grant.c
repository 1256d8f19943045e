#include "services/cli/capability_payload.h"
#include "services/cli/submit_session.h"

int cmd_capability_grant(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *payload = NULL;
    if (capability_payload(invocation, &payload, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);
    return submit_one_event(invocation, "CapabilityGranted", payload);
}
