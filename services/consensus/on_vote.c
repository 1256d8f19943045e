/* vote: a validator's vote for a block. */
#include "services/consensus/node.h"

void on_vote(struct node *node, uint32_t from, const struct wire_vote *message, struct span frame)
{
    struct input input = {.kind = INPUT_VOTE, .from = from, .vote = *message};

    if (message->voter != from) {
        accuse_not_its_own(node, from);
        peer_refuse(node, from, LABEL_stranger, "vote of another validator");
        return;
    }
    if (!verify_cert(node, from, vote_verify(core_set(node->core), message), "vote"))
        return;
    votes_saw(node, message->rank, from);
    accuse_saw_vote(node, message, frame);
    act_input(node, &input);
}
