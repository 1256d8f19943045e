/* commit_vote: a validator's vote to commit a certified block. */
#include "services/consensus/node.h"

void on_commit_vote(struct node *node, uint32_t from, const struct wire_commit_vote *message,
                    struct span frame)
{
    struct input input = {.kind = INPUT_COMMIT_VOTE, .from = from, .commit_vote = *message};

    if (message->voter != from) {
        accuse_not_its_own(node, from);
        peer_refuse(node, from, LABEL_stranger, "commit vote of another validator");
        return;
    }
    if (!verify_cert(node, from, commit_vote_verify(core_set(node->core), message), "commit vote"))
        return;
    votes_saw(node, message->rank, from);
    accuse_saw_commit_vote(node, message, frame);
    act_input(node, &input);
}
