#include "services/cli/list_objects.h"

static const char *const columns[] = {"resource", "holder", "issued_ms", "expires_ms"};

int cmd_lease_get(const struct invocation *invocation)
{
    return list_objects(invocation, &(struct object_list){.verb = "leases",
                                                          .filter_name = "resource",
                                                          .filter = invocation->args[0],
                                                          .columns = columns,
                                                          .n_columns = N_ELEMENTS(columns)});
}
