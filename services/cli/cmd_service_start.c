#include "services/cli/service_verb.h"

int cmd_service_start(const struct invocation *invocation)
{
    return service_verb_run(invocation, SERVICE_START);
}
