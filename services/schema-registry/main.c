/* apm2-schema-registry: keeps and serves the schemas of every event type. */
#include "services/schema-registry/registry.h"

static const struct service schema_registry = {
    .name = "apm2-schema-registry",
    .purpose = "keeps and serves the schemas of every event type",
    .state_size = sizeof(struct registry),
    .sets = CONF_SET_SCHEMA_REGISTRY,
    .health_port = SETTING_schema_registry_health_port,
    .queries = registry_queries,
    .start = registry_start,
    .turn = registry_turn,
    .stop = registry_stop,
    .health = registry_health,
};

int main(int argc, char **argv)
{
    return service_main(&schema_registry, argc, argv);
}
