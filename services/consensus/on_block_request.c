/* block_request: a validator knows a block by certificate only. */
#include "services/consensus/node.h"

void on_block_request(struct node *node, uint32_t from, const struct wire_block_request *message,
                      struct span frame)
{
    (void)frame;
    sync_serve_block(node, from, &message->block);
}
