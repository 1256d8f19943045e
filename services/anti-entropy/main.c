/*
 * apm2-anti-entropy: carries observations between the nodes in signed feeds, and fetches the
 * committed blocks that its node's consensus lacks.
 */
#include "services/anti-entropy/entropy.h"

static const struct service anti_entropy = {
    .name = "apm2-anti-entropy",
    .purpose = "carries observations between nodes and helps its node catch up",
    .state_size = sizeof(struct entropy),
    .sets = CONF_SET_ANTI_ENTROPY,
    .health_port = SETTING_anti_entropy_health_port,
    .queries = entropy_queries,
    .start = entropy_start,
    .turn = entropy_turn,
    .deadline_ms = entropy_deadline_ms,
    .drain = entropy_drain,
    .stop = entropy_stop,
    .health = entropy_health,
    .client = door_client,
};

int main(int argc, char **argv)
{
    return service_main(&anti_entropy, argc, argv);
}
