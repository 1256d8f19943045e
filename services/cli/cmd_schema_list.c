#include "services/cli/list_objects.h"

static const char *const columns[] = {"type", "namespace", "version", "state", "bytes", "digest"};

int cmd_schema_list(const struct invocation *invocation)
{
    return list_objects(invocation, &(struct object_list){.service = "schema-registry",
                                                          .verb = "schemas",
                                                          .columns = columns,
                                                          .n_columns = N_ELEMENTS(columns)});
}
