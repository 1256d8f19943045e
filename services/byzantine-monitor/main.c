/* apm2-byzantine-monitor: keeps evidence of validators' misbehaviour, and shows it. */
#include "services/byzantine-monitor/monitor.h"

static const struct service byzantine_monitor = {
    .name = "apm2-byzantine-monitor",
    .purpose = "keeps evidence of validators' misbehaviour, and shows it",
    .state_size = sizeof(struct monitor),
    .sets = CONF_SET_BYZANTINE_MONITOR,
    .health_port = SETTING_byzantine_monitor_health_port,
    .queries = monitor_queries,
    .start = monitor_start,
    .turn = monitor_turn,
    .deadline_ms = monitor_deadline_ms,
    .stop = monitor_stop,
    .health = monitor_health,
    .client = intake_client,
};

int main(int argc, char **argv)
{
    return service_main(&byzantine_monitor, argc, argv);
}
