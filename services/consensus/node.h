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
#include "services/consensus/authority/execute.h"
#include "services/consensus/body.h"
#include "services/consensus/core/core.h"
#include "services/consensus/mempool.h"
#include "services/consensus/signer.h"
#include "services/consensus/store.h"
#include "services/consensus/verify_pool.h"

/* ---- blocks above the committed one, with their bytes (block_pool.c) ---- */

struct pooled_block {
    bool is_used;
    bool is_stored;         /* durable here */
    bool is_payload_wanted; /* the core waits for a verdict */
    struct hash id;
    struct wire_header header;
    uint8_t *proposal; /* the message's bytes, owned */
    size_t proposal_size;
    struct span ids; /* inside them: bundle ids, 32 bytes each */
    uint32_t n_bundles;
    uint32_t from;   /* who sent it: asked first for missing bodies */
    uint64_t ask_ms; /* when to ask for missing bodies (again) */
    uint32_t n_asks;
};

/* The core's window, and what it has just let go of. */
#define POOLED_BLOCKS_MAX (CHAIN_WINDOW + 8u)
_Static_assert(POOLED_BLOCKS_MAX <= MEMPOOL_BLOCKS_MAX, "the mempool marks every pooled block");

/* ---- committed blocks on their way to execution (commit_log.c) ---- */

struct commit_entry {
    struct hash id;
    struct wire_header header;
    uint64_t height;
    uint8_t *proposal;
    size_t proposal_size;
    struct span ids;
    uint32_t n_bundles;
    struct body **bodies; /* n_bundles of them; NULL where still missing */
    uint32_t n_missing;
    bool is_stored;
    bool is_storing; /* in the write in flight */
    uint8_t *proof;  /* commit_proof record, NULL = committed as an ancestor */
    size_t proof_size;
    uint64_t committed_ms;
};

#define COMMIT_LOG_MAX 1024u
/* Beyond this many the node takes nothing new from peers but answers to its own requests. */
#define COMMIT_LOG_BUSY 256u

/* An executed block whose rows the store has not taken yet: owned copies. */
struct executed_row {
    struct store_commit_row row;
    uint8_t *bytes; /* what the row's spans point into */
};

/* ---- persists (persist.c) ---- */

struct persist_job {
    uint64_t token;
    uint32_t n_intents;
    struct intent intents[INTENTS_MAX];
    struct hash block; /* to store with it; zero = none */
    bool is_record;    /* false: blocks only */
};

/* As many as the core ever has under way, and block-only ones beside them. */
#define PERSIST_JOBS_MAX 64u

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

/* ---- clients waiting for an outcome (clients.c) ---- */

enum client_kind { CLIENT_NONE, CLIENT_DOOR, CLIENT_ADMIN };

struct client_ref {
    enum client_kind kind;
    struct door_route route; /* of an admin client too: its identity */
};

struct waiter {
    bool is_used;
    struct hash bundle;
    struct client_ref client;
    uint64_t request;
    uint64_t arrived_us;
    uint32_t next; /* in its hash chain */
};

/* ---- catching up (sync.c) ---- */

/* A block of a range while the core judges the range: borrows from the message. */
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

    struct pooled_block blocks[POOLED_BLOCKS_MAX];
    struct hash built_ids[BLOCK_BUNDLES_MAX]; /* of the last BUILD */
    uint32_t n_built;
    struct persister persister;
    struct commit_entry *log; /* ring of COMMIT_LOG_MAX */
    uint32_t log_first, log_n;
    struct executed_row *rows;
    uint32_t n_rows, n_rows_sent;
    uint64_t rows_sent_ms;
    struct waiter *waiters;
    uint32_t *waiter_heads;
    uint32_t waiter_free;
    uint32_t n_waiters;
    struct span *spans; /* scratch: bodies of one write, of one frame */
    struct body **outbox_bodies;
    uint32_t n_outbox;
    size_t outbox_bytes;
    struct syncer sync;
    struct staged_block *staged; /* RANGE_BLOCKS_MAX */
    uint32_t n_staged;

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
    uint64_t beat_sent_ms; /* our last heartbeat: round trips */
    uint64_t proposed_ms;
    uint64_t drain_started_ms;
    uint8_t *frame;                    /* FRAME_BYTES_MAX: messages are encoded here */
    uint64_t n_missed[VALIDATORS_MAX]; /* committed blocks whose certificate lacks them */
    uint64_t gauges_ms;                /* when the gauges were last set */
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
/* Timers and limits from the settings: at the start and after a reload. */
void node_configure_core(struct node *node);
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

/* persist.c */
void persist_ask(struct node *node, const struct action *action);
void persist_block(struct node *node, const struct hash *block);
void persist_turn(struct node *node);
void persist_on_stored(struct node *node, uint64_t token);
bool persist_on_signer(void *arg, short revents);
bool persist_is_idle(const struct node *node);

/* block_pool.c */
struct pooled_block *block_find(struct node *node, const struct hash *id);
/* A block from its proposal message, copied. NULL: no room. */
struct pooled_block *block_add(struct node *node, const struct hash *id,
                               const struct wire_header *header, struct span proposal,
                               uint32_t from);
void block_forget(struct node *node, const struct hash *id);
void block_release(struct pooled_block *block);
/* The uncommitted blocks from `id` back, newest first. Returns how many. */
uint32_t block_chain(struct node *node, const struct hash *id, struct hash *ret_blocks,
                     uint32_t max);

/* payload.c: bodies of proposed blocks, and the payload of our own. */
void payload_wanted(struct node *node, const struct hash *block);
void payload_build(struct node *node, const struct action *action);
/* A body came: blocks that waited may be whole now. */
void payload_turn(struct node *node, uint64_t now_ms);
uint64_t payload_deadline(const struct node *node);
void payload_ask(struct node *node, uint32_t to, const struct hash *ids, uint32_t n);

/* commit_log.c */
void commit_append(struct node *node, const struct action *action);
struct commit_entry *commit_entry_at(struct node *node, uint64_t height);
/* Bodies of a committed block, from a peer's range. */
void commit_fill(struct node *node, struct commit_entry *entry, const struct blobs *bundles);
void commit_turn(struct node *node, uint64_t now_ms);
void commit_on_rows(struct node *node, uint64_t height);
uint64_t commit_deadline(const struct node *node);
void commit_entry_release(struct commit_entry *entry);

/* clients.c: bundles from clients and peers through the verifier threads, outcomes back. */
void clients_init(struct node *node);
void clients_release(struct node *node);
bool clients_on_door(void *arg, short revents);
bool clients_on_verified(void *arg, short revents);
void clients_frame(struct node *node, const struct client_ref *client, const struct key *origin,
                   struct span frame);
void clients_peer_bundle(struct node *node, uint32_t peer, struct span bundle);
/* To everybody who waits for the bundle. */
void clients_outcome(struct node *node, const struct wire_outcome *outcome);
/* To one client, whose request it carries. */
void clients_send_outcome(struct node *node, const struct client_ref *client,
                          const struct wire_outcome *outcome);
void clients_reply(struct node *node, const struct client_ref *client, uint64_t request,
                   const struct hash *bundle, enum apm_err err, const char *detail);
void clients_turn(struct node *node, uint64_t now_ms);

/* recall.c: the outcome of a bundle committed before. */
void recall_outcome(struct node *node, const struct client_ref *client, uint64_t request,
                    const struct hash *bundle);

/* sync.c */
void sync_begin(struct node *node, uint32_t peer, uint64_t signers);
void sync_turn(struct node *node, uint64_t now_ms);
uint64_t sync_deadline(const struct node *node);
void sync_on_range(struct node *node, uint32_t from, const struct wire_range *range);
const struct staged_block *sync_staged(const struct node *node, const struct hash *id);

/* serve.c */
void sync_serve(struct node *node, uint32_t to, const struct wire_range_request *request);
void sync_serve_block(struct node *node, uint32_t to, const struct hash *block);

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

/* queries.c and status.c: what operators ask over the admin socket. */
bool node_is_active(const struct node *node, uint32_t validator, uint64_t now_ms);
const char *node_name_of(const struct node *node, uint32_t validator);

#endif
