/* The OFFER_RANGE door: whole ranges from this node's apm2-anti-entropy. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

/* Silent for this long, the door counts as closed. */
#define FED_MS 1500u
/* A wide gap is left to whoever watches this door; both may have just been started. */
#define GAP_MIN 64u
#define BEGIN_MS 2000u
#define APPEAR_MS 700u

/* What more than f validators say is committed: one liar cannot raise it. */
static uint64_t believable_tip(const struct node *node)
{
    uint64_t heights[VALIDATORS_MAX];
    uint32_t n = 0;
    uint32_t f = (node->genesis->n_validators - 1) / 3;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++) {
        if (i == node->self)
            continue;
        uint64_t height = node->view.peers[i].committed_height;
        uint32_t at = n++;
        for (; at > 0 && heights[at - 1] < height; at--)
            heights[at] = heights[at - 1];
        heights[at] = height;
    }
    return n > f ? heights[f] : 0;
}

static void reply(struct node *node, const struct client_ref *client, uint64_t request,
                  enum apm_err err)
{
    bool has_room = node->phase == NODE_RUNNING && !commit_log_is_busy(&node->log);
    const struct wire_offer_reply message = {
        .request = request,
        .error = log_text(apm_err_name(err)),
        .committed_height = node->view.committed.height,
        .executed_height = node->view.executed_height,
        .tip_height = believable_tip(node),
        .room = has_room ? COMMIT_LOG_MAX - node->log.n : 0,
        .is_voting = node->phase == NODE_RUNNING && !node->sync.is_active,
    };
    uint8_t out[256];
    size_t size = wire_encode(WIRE_offer_reply, &message, out, sizeof(out));

    MUST(size > 0);
    clients_send(node, client, span_of(out, size));
}

/* The range itself; its sender is a validator, whatever else it is. */
static enum apm_err take(struct node *node, const struct wire_offer_range *offer)
{
    struct wire_range range;

    if (offer->from >= node->genesis->n_validators ||
        wire_decode_as(WIRE_range, offer->range, &range) != WIRE_OK)
        return APM_ERR_BAD_INPUT;
    return sync_take(node, (uint32_t)offer->from, &range) ? APM_OK : APM_ERR_REJECTED;
}

static void drop(struct offer_door *door)
{
    free(door->frame);
    door->frame = NULL;
    door->size = 0;
}

bool offer_on_frame(struct node *node, const struct client_ref *client, struct span frame)
{
    struct offer_door *door = &node->offers;
    struct wire_message message;

    if (wire_decode(frame, &message) != WIRE_OK || message.id != WIRE_offer_range)
        return false;
    const struct wire_offer_range *offer = &message.offer_range;
    if (node->phase != NODE_RUNNING || (offer->range.size > 0 && door->frame != NULL)) {
        reply(node, client, offer->request, APM_ERR_BUSY);
    } else if (offer->range.size == 0) {
        door->polled_ms = clock_mono_ms();
        reply(node, client, offer->request, APM_OK);
    } else {
        door->client = *client;
        door->frame = mem_new(1, frame.size);
        door->size = frame.size;
        memcpy(door->frame, frame.data, frame.size);
    }
    return true;
}

void offer_turn(struct node *node, uint64_t now_ms)
{
    struct offer_door *door = &node->offers;
    struct wire_offer_range offer;

    if (door->frame == NULL || commit_log_is_busy(&node->log))
        return;
    MUST(wire_decode_as(WIRE_offer_range, span_of(door->frame, door->size), &offer) == WIRE_OK);
    enum apm_err err = take(node, &offer);
    if (err == APM_OK) {
        door->fed_ms = now_ms;
        node->sync.request_answered = true;
    }
    reply(node, &door->client, offer.request, err);
    drop(door);
}

bool offer_is_fed(const struct node *node, uint64_t now_ms)
{
    const struct offer_door *door = &node->offers;
    bool is_watched = door->polled_ms != 0 && now_ms < door->polled_ms + FED_MS;
    /* Anybody's word will do: it costs a liar's victim BEGIN_MS at most. */
    uint64_t tip = believable_tip(node);
    if (node->sync.tip_height > tip)
        tip = node->sync.tip_height;
    bool is_wide = tip > node->view.committed.height + GAP_MIN;

    if (is_wide && now_ms < node->sync.started_ms + (is_watched ? BEGIN_MS : APPEAR_MS))
        return true;
    return door->frame != NULL || (door->fed_ms != 0 && now_ms < door->fed_ms + FED_MS);
}
