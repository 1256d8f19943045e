#include "services/cli/list_objects.h"

static const char *const columns[] = {"id", "owner", "rights", "parent", "expires_ms", "revoked"};

int cmd_capability_list(const struct invocation *invocation)
{
    return list_objects(invocation, &(struct object_list){.verb = "capabilities",
                                                          .columns = columns,
                                                          .n_columns = N_ELEMENTS(columns)});
}
