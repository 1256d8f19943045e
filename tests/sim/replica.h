/*
 * replica - one node around the shipped core: it executes actions against the
 * world's fakes and does by itself what a node does beside the core (mempool,
 * bundles, execution, answers to those who lag).
 */
#ifndef APM2_SIM_REPLICA_H
#define APM2_SIM_REPLICA_H

#include "tests/sim/store.h"

struct world;
struct message;
struct event;

/* Blocks whose bundles the core asked for. */
#define WAITING_MAX 64u
/* Blocks one answer carries to a node that lags. */
#define SIM_RANGE_MAX 16u
/* Requests one block holds at most. */
#define SIM_PAYLOAD_MAX 4

struct replica {
    uint32_t index; /* in the world */
    uint32_t key;   /* validator */
    bool is_up;
    bool is_starting;  /* reading its disk, repairing its file */
    bool is_gone;      /* left the set, and was switched off */
    bool is_starved;   /* FAULT_VICTIM: passes no request on */
    uint32_t boot;     /* counts starts */
    uint32_t doom;     /* actions until it crashes, 0 = none */
    uint64_t clock_ms; /* monotonic clock at virtual time 0 */
    int64_t skew_ms;   /* of the wall clock */
    int64_t drift_ppm; /* of the monotonic clock */
    uint64_t paused_until_ms;
    uint32_t lies;     /* a bit per enum lie; of a liar */
    uint64_t friends;  /* replicas that a liar is open with */
    uint64_t audience; /* who gets its newest proposal */
    struct core *core;
    struct store store;

    /* gone after a crash */
    uint32_t n_writes; /* completed in this life */
    uint64_t tick_ms;  /* virtual; when EVENT_TICK is due */
    uint64_t known;    /* requests whose bodies are here */
    uint64_t arrived_ms[REQUESTS_MAX];
    uint64_t resend_ms[REQUESTS_MAX]; /* when it goes to everybody again */
    struct block_set held, proven;    /* proven: with a proof of their commit */
    uint64_t epochs;                  /* whose proofs it has, a bit each */
    uint32_t head;      /* newest certified block seen: what mempool looks back from */
    uint32_t committed; /* newest */
    uint32_t executed;
    bool is_executing;
    uint64_t committed_requests;
    uint64_t newest_committed_ms; /* arrival of the newest committed request */
    bool is_fetching;
    uint32_t n_waiting;
    uint32_t waiting[WAITING_MAX];
    struct {
        bool any, any_config, is_overtaken;
        uint64_t oldest_ms;
    } pending; /* as last told to the core */
    struct {
        uint64_t known, committed_requests;
        uint32_t head, committed;
        uint64_t resend_ms; /* the earliest, 0 = look anew */
    } looked;               /* what that followed from */
};

/* The first start, and every later one (EVENT_RESTART). */
void replica_boot(struct world *world, struct replica *replica);
void replica_restart(struct world *world, struct replica *replica, bool is_decided);

/* The next epoch's proof, where the store has it already. */
void replica_give_proof(struct world *world, struct replica *replica);

/* Ends this life; it comes back after `downtime_ms`. */
void replica_crash(struct world *world, struct replica *replica, uint64_t downtime_ms);

uint64_t replica_now_ms(const struct world *world, const struct replica *replica);

/* One step of the core, and its actions. Fills in the time. */
void replica_input(struct world *world, struct replica *replica, struct input *input);

/* act.c: one action; may be the replica's last. */
void replica_act(struct world *world, struct replica *replica, const struct action *action);

/* node.c, serve.c: what a node does beside its core. */
void node_on_event(struct world *world, struct replica *replica, const struct event *event);
void node_on_message(struct world *world, struct replica *replica, const struct message *message);
void node_note_arrival(const struct world *world, struct replica *replica, uint32_t request);
void node_learn_requests(struct world *world, struct replica *replica, uint64_t requests);
void node_need_payload(struct world *world, struct replica *replica, uint32_t block);
void node_committed(struct world *world, struct replica *replica, uint32_t block);
void node_look_pending(struct world *world, struct replica *replica);

const char *note_name(enum note_kind kind);

/* The block's ancestor at the height, NO_BLOCK if it has none. */
uint32_t ancestor_at(const struct pool *pool, uint32_t block, uint64_t height);

struct tip tip_of(const struct pool *pool, uint32_t block);

#endif
