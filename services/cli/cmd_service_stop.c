#include "services/cli/service_verb.h"

int cmd_service_stop(const struct invocation *invocation)
{
    return service_verb_run(invocation, SERVICE_STOP);
}
