#include "services/cli/service_verb.h"

int cmd_service_restart(const struct invocation *invocation)
{
    return service_verb_run(invocation, SERVICE_RESTART);
}
