/* bundle_request: a validator lacks bodies that a block lists. */
#include "services/consensus/node.h"

void on_bundle_request(struct node *node, uint32_t from, const struct wire_bundle_request *message,
                       struct span frame)
{
    struct wire_bundles answer = {.bundles = {.items = node->spans}};
    size_t bytes = 0;

    (void)frame;
    for (size_t at = 0; at < message->ids.size; at += sizeof(struct hash)) {
        struct hash id;
        memcpy(&id, message->ids.data + at, sizeof(id));
        const struct body *body = mempool_body(node->mempool, &id);
        if (body == NULL || bytes + body->size > FRAME_BYTES_MAX - 64 * KIB)
            continue; /* asked for again if it matters */
        bytes += body->size;
        node->spans[answer.bundles.n++] = body_span(body);
    }
    if (answer.bundles.n > 0)
        (void)bus_send(node->bus, from, act_encode(node, WIRE_bundles, &answer));
}
