/* proposal: a block, from its leader or from whoever was asked for it. */
#include "services/consensus/node.h"

#include "common/clock.h"

void on_proposal(struct node *node, uint32_t from, const struct wire_proposal *message,
                 struct span frame)
{
    struct hash id = hash_bytes(message->header);
    struct proposal proposal;

    if (block_pool_find(&node->pool, &id) != NULL ||
        !verify_proposal(node, from, message, &proposal))
        return;
    if (proposal.header.height <= node->view.committed.height)
        return;
    struct pooled_block *block = block_pool_add(&node->pool, &id, &proposal.header, frame, from);
    if (block == NULL)
        return;
    block->seen_us = clock_mono_us();
    struct input input = {.kind = INPUT_PROPOSAL, .from = from, .proposal = &proposal};
    act_input(node, &input);
    if (!core_has_block(node->core, &id))
        payload_forget(node, &id); /* the core did not want it */
}
