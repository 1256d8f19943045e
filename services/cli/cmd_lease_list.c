#include "services/cli/list_objects.h"

static const char *const columns[] = {"resource", "holder", "issued_ms", "expires_ms"};

int cmd_lease_list(const struct invocation *invocation)
{
    return list_objects(invocation, &(struct object_list){.verb = "leases",
                                                          .columns = columns,
                                                          .n_columns = N_ELEMENTS(columns)});
}
