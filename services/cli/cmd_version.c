#include <stdio.h>

#include "services/cli/say.h"

int cmd_version(const struct invocation *invocation)
{
    if (say_is_json(invocation))
        (void)printf("{\"version\": \"%s\"}\n", APM2_VERSION);
    else
        (void)printf("apm2 %s\n", APM2_VERSION);
    return 0;
}
