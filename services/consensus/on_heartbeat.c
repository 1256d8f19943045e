/* heartbeat: the leader's pulse, or the answer to ours. */
#include "services/consensus/node.h"

#include "common/clock.h"

/* An answer measures the round trip; half of it ago the peer's clock said sent_ms. */
static void measure(struct node *node, uint32_t from, const struct wire_heartbeat *message)
{
    uint64_t now_ms = clock_mono_ms();

    if (message->reply != BEAT_ANSWER || node->beat_sent_ms == 0 || now_ms < node->beat_sent_ms)
        return;
    double rtt_s = (double)(now_ms - node->beat_sent_ms) / 1e3;
    double offset_s = ((double)message->sent_ms - (double)clock_wall_ms()) / 1e3 + rtt_s / 2;
    metric_set_at(node->env->metrics, METRIC_peer_rtt, from, rtt_s);
    metric_set_at(node->env->metrics, METRIC_clock_offset, from, offset_s);
}

void on_heartbeat(struct node *node, uint32_t from, const struct wire_heartbeat *message,
                  struct span frame)
{
    struct input input = {.kind = INPUT_HEARTBEAT, .from = from, .heartbeat = *message};

    (void)frame;
    measure(node, from, message);
    act_input(node, &input);
}
