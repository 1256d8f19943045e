#include <stdio.h>
#include <time.h>

#include "common/clock.h"
#include "services/cli/dev_wait.h"
#include "services/cli/parse_value.h"
#include "services/cli/watcher_client.h"

#define HEALTHY_TIMEOUT_MS 60000u

int cmd_dev_restart(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct cluster cluster;
    char dir[CLUSTER_PATH_MAX];
    uint64_t timeout_ms = 0, began_ms = clock_mono_ms();

    enum apm_err err = cluster_dev_dir(invocation, dir, &complaint);
    if (err == APM_OK)
        err = parse_timeout(invocation, HEALTHY_TIMEOUT_MS, &timeout_ms, &complaint);
    if (err == APM_OK)
        err = cluster_read(dir, &cluster, &complaint);
    if (err == APM_OK)
        err = watcher_ask(dir, "restart", invocation, NULL, &complaint);
    if (err == APM_OK)
        err = dev_wait_healthy(&cluster, timeout_ms, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);

    uint64_t elapsed_ms = clock_mono_ms() - began_ms;
    if (say_is_json(invocation))
        (void)printf("{\"elapsed_ms\": %llu}\n", (unsigned long long)elapsed_ms);
    else
        (void)printf("healthy again after %llu.%llu s\n", (unsigned long long)(elapsed_ms / 1000),
                     (unsigned long long)(elapsed_ms % 1000 / 100));
    return 0;
}
