/* range: committed blocks that we asked for. */
#include "services/consensus/node.h"

void on_range(struct node *node, uint32_t from, const struct wire_range *message, struct span frame)
{
    (void)frame;
    sync_on_range(node, from, message);
}
