/* apm2-metrics-exporter: the node's metrics and status page, gathered from its services. */
#include "services/metrics-exporter/exporter.h"

static const struct service exporter = {
    .name = "apm2-metrics-exporter",
    .purpose = "serves the node's metrics and status page",
    .state_size = sizeof(struct exporter),
    .sets = CONF_SET_METRICS_EXPORTER,
    .health_port = SETTING_metrics_port,
    .queries = exporter_queries,
    .routes = exporter_routes,
    .start = exporter_start,
    .turn = exporter_turn,
    .deadline_ms = exporter_deadline_ms,
    .stop = exporter_stop,
    .health = exporter_health,
};

int main(int argc, char **argv)
{
    return service_main(&exporter, argc, argv);
}
