/*
 * clients - bundles from clients and peers through the verifier threads into the mempool
 * (clients.c), out to the other validators (dissemination.c), and their outcomes back to
 * whoever waits (replies.c, waiters.h; recall.c for those committed before).
 *
 * A client hears of its bundle twice: a reply when it is taken or refused, an outcome
 * when it is committed or has expired.
 */
#ifndef APM2_CLIENTS_H
#define APM2_CLIENTS_H

#include "common/wire.h"
#include "services/consensus/body.h"
#include "services/consensus/waiters.h"

struct node;

bool clients_on_door(void *arg, short revents);
bool clients_on_verified(void *arg, short revents);
void clients_frame(struct node *node, const struct client_ref *client, const struct key *origin,
                   struct span frame);
void clients_peer_bundle(struct node *node, uint32_t peer, struct span bundle);

/* To everybody who waits for the bundle. */
void clients_outcome(struct node *node, const struct wire_outcome *outcome);
/* To one client, under its number of the request. */
void clients_send_outcome(struct node *node, const struct client_ref *client,
                          const struct wire_outcome *outcome);
void clients_reply(struct node *node, const struct client_ref *client, const struct hash *bundle,
                   enum apm_err err, const char *detail);
void clients_send(struct node *node, const struct client_ref *client, struct span frame);

/* recall.c: the outcome of a bundle committed before. */
void recall_outcome(struct node *node, const struct client_ref *client, const struct hash *bundle);

/* Bodies that go to the other validators at the end of the turn. */
struct outbox {
    struct body **bodies; /* MEMPOOL_BUNDLES_MAX */
    uint32_t n;
};

void outbox_init(struct outbox *outbox);
/* All zero is fine too. */
void outbox_release(struct outbox *outbox);
void disseminate(struct node *node, struct body *body);
/* The end of a turn: sends, sends again what is old, gives up what has expired. */
void disseminate_turn(struct node *node, uint64_t now_ms);

#endif
