#include "services/cli/submit_session.h"

int cmd_capability_revoke(const struct invocation *invocation)
{
    return submit_one_event(invocation, "CapabilityRevoked",
                            json_pack("{s:s}", "capability_id", invocation->args[0]));
}
