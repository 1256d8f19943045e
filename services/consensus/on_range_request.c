/* range_request: a validator fetches committed blocks. */
#include "services/consensus/node.h"

void on_range_request(struct node *node, uint32_t from, const struct wire_range_request *message,
                      struct span frame)
{
    (void)frame;
    sync_serve(node, from, message);
}
