/*
 * persist - the core's saves: signed by the signer, stored with their blocks, then done.
 *
 * One write in flight; what the core asks for meanwhile is merged into the next. A save
 * is done when signer and store both say so, in whichever order.
 */
#ifndef APM2_PERSIST_H
#define APM2_PERSIST_H

#include "services/consensus/core/core.h"
#include "services/consensus/signer.h"
#include "services/consensus/store.h"

struct node;

/* As many as the core ever has under way, and block-only ones beside them. */
#define PERSIST_JOBS_MAX 256u

struct persist_job {
    uint64_t token;
    uint32_t n_intents;
    struct intent intents[INTENTS_MAX];
    struct hash block; /* to store with it; zero = none */
    bool is_record;    /* false: blocks only */
};

struct persister {
    struct persist_job queue[PERSIST_JOBS_MAX];
    uint32_t n_queued;
    struct persist_job flight[PERSIST_JOBS_MAX];
    uint32_t n_flight;
    bool is_signed, is_stored; /* of the flight; both true: nothing in flight */
    uint32_t n_sigs;
    struct sig sigs[SIGN_INTENTS_MAX];
    uint64_t counter; /* of writes: the last one's */
    uint64_t token;   /* of the flight, for signer and store */
    uint64_t started_us;
    struct safety_record record;     /* the newest the core asked for */
    uint8_t bytes[RECORD_BYTES_MAX]; /* the record of the flight, encoded */
    size_t size;
};

/* What the store is given of a flight. */
struct write_list {
    struct store_block blocks[PERSIST_JOBS_MAX];
    uint32_t n;
    struct span *bodies; /* of all of them, one after the other */
    uint32_t n_bodies;
};

/* persist_batch.c: how many of the queue fit one write, one at least; and the blocks of the
 * flight, each once, wherever they now are. */
uint32_t persist_batch_size(struct node *node);
void persist_list(struct node *node, struct write_list *list);

void persist_ask(struct node *node, const struct action *action);
void persist_block(struct node *node, const struct hash *block);
void persist_turn(struct node *node);
void persist_on_stored(struct node *node, uint64_t token);
bool persist_on_signer(void *arg, short revents);
bool persist_is_idle(const struct node *node);

#endif
