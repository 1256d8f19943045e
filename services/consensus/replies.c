/* What clients are told of their bundles. */
#include "services/consensus/node.h"

#include "common/clock.h"
#include "common/outcome.h"

static void count_drop(struct node *node)
{
    metric_add(node->env->metrics, METRIC_notification_drops_total, LABEL_none, 1);
    metric_add(node->env->metrics, METRIC_apm2_notification_drops_total, LABEL_none, 1);
}

void clients_send(struct node *node, const struct client_ref *client, struct span frame)
{
    switch (client->kind) {
    case CLIENT_NONE:
        break;
    case CLIENT_DOOR:
        if (door_send(node->door, &client->route, frame) == APM_ERR_BUSY)
            count_drop(node);
        break;
    case CLIENT_ADMIN:
        if (!admin_send(node->env->admin, span_of(client->route.bytes, client->route.size), frame))
            count_drop(node);
        break;
    }
}

void clients_reply(struct node *node, const struct client_ref *client, const struct hash *bundle,
                   enum apm_err err, const char *detail)
{
    const char *name = apm_err_name(err);
    struct wire_submit_reply reply = {
        .request = client->request,
        .bundle = *bundle,
        .error = span_of(name, strlen(name)),
        .detail = span_of(detail, strnlen(detail, 256)),
    };

    clients_send(node, client, act_encode(node, WIRE_submit_reply, &reply));
}

void clients_send_outcome(struct node *node, const struct client_ref *client,
                          const struct wire_outcome *outcome)
{
    struct wire_outcome message = *outcome;

    message.request = client->request;
    clients_send(node, client, act_encode(node, WIRE_outcome, &message));
}

/* Sent again while this node was still catching up with its own chain, a bundle may be
 * ordered twice. What became of it the first time is what its client must learn. */
static bool is_repeat(const struct wire_outcome *outcome)
{
    return outcome->codes.size > 0 && outcome->codes.data[0] == OUTCOME_REPLAYED;
}

void clients_outcome(struct node *node, const struct wire_outcome *outcome)
{
    struct waiter waiter;

    while (waiters_claim(node->waiters, &outcome->bundle, &waiter)) {
        if (is_repeat(outcome))
            recall_outcome(node, &waiter.client, &outcome->bundle);
        else
            clients_send_outcome(node, &waiter.client, outcome);
        metric_observe(node->env->metrics, METRIC_finality,
                       (double)(clock_mono_us() - waiter.arrived_us) / 1e6);
    }
}
