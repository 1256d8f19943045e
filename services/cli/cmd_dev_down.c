#include <stdio.h>

#include "services/cli/dev_wait.h"
#include "services/cli/parse_value.h"
#include "services/cli/watcher_client.h"

#define DOWN_TIMEOUT_MS 60000u

int cmd_dev_down(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    char dir[CLUSTER_PATH_MAX];
    uint64_t timeout_ms = 0;
    bool is_all = invocation->n_args == 0;

    enum apm_err err = cluster_dev_dir(invocation, dir, &complaint);
    if (err == APM_OK)
        err = parse_timeout(invocation, DOWN_TIMEOUT_MS, &timeout_ms, &complaint);
    if (err == APM_OK)
        err = watcher_ask(dir, is_all ? "down" : "stop", invocation, NULL, &complaint);
    if (err == APM_OK)
        err = dev_wait_down(dir, invocation, timeout_ms, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);

    if (say_is_json(invocation))
        (void)printf("{\"down\": %s}\n", is_all ? "\"all\"" : "\"named\"");
    else if (is_all)
        (void)printf("down; the data stays in %s\n", dir);
    for (uint32_t i = 0; i < invocation->n_args && !say_is_json(invocation); i++)
        (void)printf("%s is down until: apm2 dev restart %s\n", invocation->args[i],
                     invocation->args[i]);
    return 0;
}
