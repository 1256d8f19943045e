/* bundles: bodies, disseminated by the node they arrived at or sent on request. */
#include "services/consensus/node.h"

void on_bundles(struct node *node, uint32_t from, const struct wire_bundles *message,
                struct span frame)
{
    size_t cursor = 0;
    struct span bundle;

    (void)frame;
    while (blobs_next(&message->bundles, &cursor, &bundle))
        clients_peer_bundle(node, from, bundle);
}
