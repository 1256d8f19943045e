/*
 * node - one validator: the core's inputs and actions joined to bus, door, signer,
 * store, mempool and execution.
 *
 * Private to services/consensus. One thread runs all of it (the verifier threads only
 * hand results over). A message's way: bus → wire_decode → verify.c → on_<name>.c →
 * core_step → act.c → signer and store → core_step → bus. Each file below names
 * its part of that way and touches no other's state but through these functions.
 */
#ifndef APM2_NODE_H
#define APM2_NODE_H

#include "common/bus.h"
#include "common/door.h"
#include "common/genesis.h"
#include "common/hash.h"
#include "common/service.h"
#include "services/consensus/accuse.h"
#include "services/consensus/authority/execute.h"
#include "services/consensus/block_pool.h"
#include "services/consensus/clients.h"
#include "services/consensus/commit_log.h"
#include "services/consensus/core/core.h"
#include "services/consensus/mempool.h"
#include "services/consensus/offer.h"
#include "services/consensus/peer_watch.h"
#include "services/consensus/persist.h"
#include "services/consensus/signer.h"
#include "services/consensus/store.h"
#include "services/consensus/sync.h"
#include "services/consensus/verify_pool.h"
#include "services/consensus/vote_strip.h"
#include "services/consensus/waiters.h"

_Static_assert(POOLED_BLOCKS_MAX <= MEMPOOL_BLOCKS_MAX, "the mempool marks every pooled block");

/* Clients that may wait at a time: every pending bundle's, and those being verified. */
#define WAITERS_MAX (2u * MEMPOOL_BUNDLES_MAX)

/* Bodies that one write or frame lists, at most. */
#define SPANS_MAX (PERSIST_JOBS_MAX * BLOCK_BUNDLES_MAX)

enum node_phase { NODE_LOADING, NODE_RUNNING, NODE_DRAINING };

struct node {
    struct service_env *env;
    enum node_phase phase;
    struct genesis *genesis;
    uint32_t self;
    struct zap *zap;
    struct bus *bus;
    struct door *door;
    struct signer *signer;
    struct signer_hello *hello;
    struct store *store;
    struct verify_pool *verify_pool;
    struct mempool *mempool;
    void *arena;
    size_t arena_size;
    struct execution *execution;

    struct core *core;
    struct core_config core_config;
    struct actions *actions;
    struct input *queue; /* inputs that actions brought about, in order */
    uint32_t n_queue;
    bool is_stepping;
    struct core_view view; /* after the last step */
    struct peer_watch watch;
    struct vote_strip strip;

    struct block_pool pool;
    struct hash built_ids[BLOCK_BUNDLES_MAX]; /* of the last BUILD */
    uint32_t n_built;
    struct persister persister;
    struct commit_log log;
    struct waiters *waiters;
    struct outbox outbox;
    struct span *spans; /* scratch: bodies of one write, of one frame */
    struct accuser accuser;
    struct syncer sync;
    struct staged_block *staged; /* RANGE_BLOCKS_MAX */
    uint32_t n_staged;
    struct offer_door offers;

    struct safety_record *loaded_record; /* of the store, NULL = none */
    struct tip loaded_tip;
    struct hash loaded_roots[EXECUTED_ROOTS]; /* of the newest heights, by height */
    uint8_t *loaded_proof;
    size_t loaded_proof_size;
    bool is_load_failed;
    enum safety_start_reason start_reason;

    bool was_pending;
    uint64_t pending_oldest_ms;
    bool was_overtaken;
    uint64_t beat_sent_ms;           /* our last heartbeat: round trips */
    enum note_reason timeout_reason; /* of the last timeout: why a term ended */
    uint64_t drain_started_ms;
    uint8_t *frame;                       /* FRAME_BYTES_MAX: messages are encoded here */
    uint64_t n_missed[VALIDATORS_MAX];    /* settled blocks without a vote of theirs */
    uint64_t n_dropped[VALIDATORS_MAX];   /* of the bus, as last counted */
    uint32_t n_verifying[VALIDATORS_MAX]; /* bundles of a peer at the verifier threads */
    bool was_db_up;
    uint64_t db_grace_ms;  /* a start waits this long for its database without a word */
    uint64_t gauges_ms;    /* when the gauges were last set */
    bool are_gauges_stale; /* something may have changed since */
};

/* setup.c and node.c: what the frame calls. */
enum apm_err node_prefork(void *state, struct service_env *env);
enum apm_err node_start(void *state, struct service_env *env);
void node_turn(void *state, uint64_t now_ms);
uint64_t node_deadline_ms(void *state);
bool node_drain(void *state);
void node_stop(void *state);
void node_reload(void *state);
void node_child_exited(void *state);
void node_health(void *state, struct health *health);
void node_client(void *state, struct span from, struct span frame);
/* Timers and limits from the settings, again after a reload. */
void node_configure(struct node *node);
/* Ends the service: a bug or the world, past repair. */
void node_fail(struct node *node, enum apm_err err);
extern const struct admin_query node_queries[];

/* start.c: from the store's rows to a running core. */
void start_load(struct node *node);

/* act.c: one input to the core, its actions carried out, and what those bring about. */
void act_input(struct node *node, struct input *input);
void act_tick(struct node *node);
/* Encodes into node->frame; empty when it does not fit (our bug). */
struct span act_encode(struct node *node, enum wire_id id, const void *message);

/* payload.c: bodies of proposed blocks, and the payload of our own. */
void payload_wanted(struct node *node, const struct hash *block);
void payload_build(struct node *node, const struct action *action);
/* The block's bytes, and its mark in the mempool. */
void payload_forget(struct node *node, const struct hash *block);
/* A body came: blocks that waited may be whole now. */
void payload_turn(struct node *node, uint64_t now_ms);
uint64_t payload_deadline(const struct node *node);
void payload_ask(struct node *node, uint32_t to, const struct hash *ids, uint32_t n);

/* peer.c: frames from the bus, dispatched to the handlers below. */
bool peer_on_bus(void *arg, short revents);
void peer_refuse(struct node *node, uint32_t peer, enum metric_label why, const char *what);

/* One on_<name>() per row of CONSENSUS_MESSAGES; a missing one does not link. `frame` is
 * the whole message as received; `message` borrows from it. */
#define NODE_HANDLER(id, name)                                                                     \
    void on_##name(struct node *node, uint32_t from, const struct wire_##name *message,            \
                   struct span frame);
CONSENSUS_MESSAGES(NODE_HANDLER)
#undef NODE_HANDLER

/* verify.c: from wire messages to what the core may see. False: refused and counted. */
bool verify_qc(struct node *node, uint32_t from, struct span bytes, struct qc *ret_qc);
bool verify_cert(struct node *node, uint32_t from, enum cert_verdict verdict, const char *what);
bool verify_proposal(struct node *node, uint32_t from, const struct wire_proposal *message,
                     struct proposal *ret_proposal);
/* The same without signatures: blocks of our own store, or under a certificate. */
bool verify_proposal_form(const struct node *node, const struct wire_proposal *message,
                          struct proposal *ret_proposal);

/* votes.c: what validators signed, for operators. */
void votes_saw(struct node *node, struct rank rank, uint64_t voter);
void votes_committed(struct node *node, const struct wire_header *header,
                     const struct commit_proof *proof);

/* queries.c and status.c: what operators ask over the admin socket. */
/* Unheard for this long: away. */
uint64_t node_silence_ms(const struct node *node);
bool node_is_active(const struct node *node, uint32_t validator, uint64_t now_ms);
const char *node_name_of(const struct node *node, uint32_t validator);

#endif
