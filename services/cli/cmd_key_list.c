#include "services/cli/list_objects.h"

static const char *const columns[] = {"key",        "state",      "tier",     "capabilities",
                                      "next_nonce", "rotated_ms", "successor"};

int cmd_key_list(const struct invocation *invocation)
{
    return list_objects(invocation, &(struct object_list){.verb = "actors",
                                                          .columns = columns,
                                                          .n_columns = N_ELEMENTS(columns)});
}
