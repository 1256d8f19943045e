/*
 * sync - catching up from a peer's committed ranges (sync.c) while nobody offers them
 * (offer.h), and serving others
 * theirs (serve.c).
 *
 * One request at a time, to one peer; another when it fails. A range's blocks are staged
 * while the core judges it and borrow from the message.
 */
#ifndef APM2_SYNC_H
#define APM2_SYNC_H

#include "common/wire.h"

struct node;

struct staged_block {
    struct hash id;
    struct wire_header header;
    struct span proposal;
    struct span ids;
    uint32_t n_bundles;
    struct blobs bundles;
};

struct syncer {
    bool is_active;
    bool is_waiting;       /* for the answer to `request` */
    bool request_answered; /* one of this run was */
    uint32_t peer;
    uint64_t request; /* the newest's number */
    uint64_t asked_ms;
    uint64_t tip_height; /* as the peer says: a hint, certificates decide */
    uint32_t n_failures;
    uint64_t started_ms;
    uint64_t started_height;
};

void sync_begin(struct node *node, uint32_t peer, uint64_t signers);
void sync_turn(struct node *node, uint64_t now_ms);
uint64_t sync_deadline(const struct node *node);
/* A range of that peer's, whoever fetched it: what is committed for it, or false. */
bool sync_take(struct node *node, uint32_t from, const struct wire_range *range);
void sync_on_range(struct node *node, uint32_t from, const struct wire_range *range);
const struct staged_block *sync_staged(const struct node *node, const struct hash *id);

void sync_serve(struct node *node, uint32_t to, const struct wire_range_request *request);
void sync_serve_block(struct node *node, uint32_t to, const struct hash *block);

#endif
