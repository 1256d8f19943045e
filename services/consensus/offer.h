/*
 * offer - the OFFER_RANGE door: blocks that this node's apm2-anti-entropy fetched for it.
 *
 * One offer is held at a time and taken when the log of committed blocks has room; its reply
 * is the credit for the next. Everything in it is checked as if the peer had sent it here.
 * Without offers consensus fetches by itself (sync.h): it never waits for this door.
 */
#ifndef APM2_OFFER_H
#define APM2_OFFER_H

#include "common/wire.h"
#include "services/consensus/waiters.h"

struct node;

struct offer_door {
    struct client_ref client; /* of the offer held */
    uint8_t *frame;           /* NULL: none is held */
    size_t size;
    uint64_t fed_ms;    /* when the last range was taken */
    uint64_t polled_ms; /* when somebody last asked where we stand */
};

/* True if the frame is this door's. */
bool offer_on_frame(struct node *node, const struct client_ref *client, struct span frame);
void offer_turn(struct node *node, uint64_t now_ms);
/* Are ranges coming in, or about to, so that fetching them here would be twice the work? */
bool offer_is_fed(const struct node *node, uint64_t now_ms);

#endif
