/* checkpoint: a validator executed up to here and says with what result. */
#include "services/consensus/node.h"

void on_checkpoint(struct node *node, uint32_t from, const struct wire_checkpoint *message,
                   struct span frame)
{
    struct input input = {.kind = INPUT_CHECKPOINT, .from = from, .checkpoint = *message};

    (void)frame;
    if (message->voter != from) {
        peer_refuse(node, from, LABEL_stranger, "checkpoint of another validator");
        return;
    }
    if (verify_cert(node, from, checkpoint_verify(core_set(node->core), message), "checkpoint"))
        act_input(node, &input);
}
