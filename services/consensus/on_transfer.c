/* transfer: a peer's operator asks us, the leader, to hand leadership on. */
#include "services/consensus/node.h"

#include "common/log.h"

void on_transfer(struct node *node, uint32_t from, const struct wire_transfer *message,
                 struct span frame)
{
    struct input input = {.kind = INPUT_TRANSFER, .from = from};

    (void)frame;
    if (message->epoch != node->view.term.epoch || message->term != node->view.term.term)
        return;
    LOG_INFO("transfer_asked", F_STR("by", node_name_of(node, from)),
             F_STR("to", node_name_of(node, (uint32_t)message->to)));
    input.transfer_to =
        message->to < node->genesis->n_validators ? (uint32_t)message->to : VALIDATOR_NONE;
    act_input(node, &input);
}
