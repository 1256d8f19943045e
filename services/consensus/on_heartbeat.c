/* heartbeat: the leader's pulse, or the answer to ours. */
#include "services/consensus/node.h"

#include "common/clock.h"

/* An answer measures the round trip; half of it ago the peer's clock said sent_ms. */
static void measure(struct node *node, uint32_t from, const struct wire_heartbeat *message)
{
    uint64_t now_ms = clock_mono_ms();

    if (message->reply != BEAT_ANSWER || node->beat_sent_ms == 0 || now_ms < node->beat_sent_ms)
        return;
    struct watched_peer *peer = &node->watch.peers[from];
    peer->is_measured = true;
    peer->rtt_ms = now_ms - node->beat_sent_ms;
    peer->clock_offset_ms =
        (int64_t)message->sent_ms - (int64_t)clock_wall_ms() + (int64_t)(peer->rtt_ms / 2);
    metric_set_at(node->env->metrics, METRIC_peer_rtt, from, (double)peer->rtt_ms / 1e3);
    metric_set_at(node->env->metrics, METRIC_clock_offset, from,
                  (double)peer->clock_offset_ms / 1e3);
}

void on_heartbeat(struct node *node, uint32_t from, const struct wire_heartbeat *message,
                  struct span frame)
{
    struct input input = {.kind = INPUT_HEARTBEAT, .from = from, .heartbeat = *message};

    (void)frame;
    measure(node, from, message);
    act_input(node, &input);
}
