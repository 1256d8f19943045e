/* apm2-consensus: orders authority events among the validators of one epoch. */
#include "services/consensus/node.h"

static const struct service consensus = {
    .name = "apm2-consensus",
    .purpose = "orders authority events among the validators of one epoch",
    .state_size = sizeof(struct node),
    .sets = CONF_SET_CONSENSUS,
    .health_port = SETTING_health_port,
    .queries = node_queries,
    .prefork = node_prefork,
    .start = node_start,
    .turn = node_turn,
    .deadline_ms = node_deadline_ms,
    .drain = node_drain,
    .stop = node_stop,
    .reload = node_reload,
    .child_exited = node_child_exited,
    .health = node_health,
    .client = node_client,
};

int main(int argc, char **argv)
{
    return service_main(&consensus, argc, argv);
}
