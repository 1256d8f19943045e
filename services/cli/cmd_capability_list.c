#include "services/cli/list_objects.h"

static const char *const columns[] = {"id",         "state",  "rights", "parent", "resource_prefix",
                                      "expires_ms", "subject"};

int cmd_capability_list(const struct invocation *invocation)
{
    return list_objects(invocation, &(struct object_list){.verb = "capabilities",
                                                          .columns = columns,
                                                          .n_columns = N_ELEMENTS(columns)});
}
