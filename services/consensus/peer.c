/* Frames from the other validators: decoded, counted when refused, handed on. */
#include "services/consensus/node.h"

#include "common/log.h"

/* Frames taken per turn before others get theirs. */
#define BUS_BUDGET 256u

void peer_refuse(struct node *node, uint32_t peer, enum metric_label why, const char *what)
{
    metric_add(node->env->metrics, METRIC_peer_refused_total, why, 1);
    LOG_WARN("message_invalid", F_STR("peer", node_name_of(node, peer)), F_STR("what", what));
}

/* A node that cannot store or execute what is committed takes nothing that would add to
 * it; it falls behind, and catches up when it can. */
static bool is_backlogged(const struct node *node)
{
    return commit_log_is_busy(&node->log);
}

static bool is_taken(const struct node *node, enum wire_id id)
{
    if (node->phase == NODE_LOADING)
        return false;
    return !is_backlogged(node) || id == WIRE_range || id == WIRE_range_request ||
           id == WIRE_block_request || id == WIRE_bundle_request || id == WIRE_rank_query;
}

#define DISPATCH(wire, name)                                                                       \
    case WIRE_##name:                                                                              \
        on_##name(node, from, &message->name, frame);                                              \
        return true;

static bool dispatch(struct node *node, uint32_t from, const struct wire_message *message,
                     struct span frame)
{
    switch ((unsigned)message->id) {
        CONSENSUS_MESSAGES(DISPATCH)
    }
    return false; /* a client's message, or a record: not between validators */
}

static bool handle(struct node *node, const struct bus_message *frame,
                   const struct wire_message *message)
{
    accuse_handle(node, message->id, frame->body);
    bool is_known = dispatch(node, frame->from, message, frame->body);
    accuse_handled(node);
    return is_known;
}

static void take(struct node *node, const struct bus_message *frame)
{
    struct wire_message message;
    enum wire_verdict verdict = wire_decode(frame->body, &message);

    if (verdict != WIRE_OK)
        peer_refuse(node, frame->from, LABEL_malformed, wire_verdict_text(verdict));
    else if (is_taken(node, message.id) && !handle(node, frame, &message))
        peer_refuse(node, frame->from, LABEL_malformed, wire_name(message.id));
}

bool peer_on_bus(void *arg, short revents)
{
    struct node *node = arg;
    struct bus_message frame;

    (void)revents;
    for (uint32_t i = 0; i < BUS_BUDGET; i++) {
        switch (bus_receive(node->bus, &frame)) {
        case BUS_NOTHING:
            return false;
        case BUS_REFUSED:
            metric_add(node->env->metrics, METRIC_peer_refused_total, LABEL_rate, 1);
            break;
        case BUS_MESSAGE:
            take(node, &frame);
            bus_message_release(&frame);
            break;
        }
    }
    return true;
}
