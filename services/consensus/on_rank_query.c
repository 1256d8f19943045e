/* rank_query: a validator that just started asks what we hold signed by it. */
#include "services/consensus/node.h"

void on_rank_query(struct node *node, uint32_t from, const struct wire_rank_query *message,
                   struct span frame)
{
    struct input input = {.kind = INPUT_RANK_QUERY, .from = from, .nonce = message->nonce};

    (void)frame;
    act_input(node, &input);
}
