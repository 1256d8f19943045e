/*
 * world - one run: replicas, network, disks, time and chance, in one thread.
 *
 * Everything that happens is an event in one queue, ordered by virtual time and
 * then by when it was put there; every choice comes from one seed. Equal seeds
 * give equal runs, which the trace hash shows.
 *
 * Memory is taken once (world_new) and used by every run.
 */
#ifndef APM2_SIM_WORLD_H
#define APM2_SIM_WORLD_H

#include "tests/sim/checkers.h"
#include "tests/sim/fault.h"
#include "tests/sim/liar.h"
#include "tests/sim/meter.h"
#include "tests/sim/net.h"
#include "tests/sim/pool.h"
#include "tests/sim/replica.h"
#include "tests/sim/rng.h"
#include "tests/sim/roster.h"
#include "tests/sim/sign.h"
#include "tests/sim/strike.h"
#include "tests/sim/transcript.h"

/* Validators, the second copies of those that have a twin, and joiners. */
#define REPLICAS_MAX NET_REPLICAS_MAX
#define EVENTS_MAX (1u << 17)

/* Of the wall clocks, in Unix milliseconds. */
#define WALL_START_MS UINT64_C(1800000000000)

enum event_kind {
    EVENT_DELIVER,  /* arg: message */
    EVENT_TICK,     /* of the core */
    EVENT_FILE,     /* the safety file's write is durable */
    EVENT_STORE,    /* the store's is */
    EVENT_BUILT,    /* arg: parent, perhaps with EVENT_ARG_EMPTY */
    EVENT_PAYLOAD,  /* arg: block whose bundles were checked */
    EVENT_EXECUTED, /* arg: block */
    EVENT_FETCH,    /* ask for missing bodies */
    EVENT_RESTART,  /* arg: 0 = decide what to start with, 1 = start */
    EVENT_EPOCH,    /* entered: is the next one's proof at hand? */
    EVENT_CONFIG,   /* arg: config block to be executed */
    EVENT_RECOVER,  /* T0's word is brought to one more node */
    EVENT_SUBMIT,   /* arg: request; replica: whom the client asks */
};

/* The payload must be empty. */
#define EVENT_ARG_EMPTY UINT32_C(0x80000000)
/* It may be a change. */
#define EVENT_ARG_CONFIG UINT32_C(0x40000000)

struct event {
    uint64_t at_ms;
    uint32_t order;
    uint32_t arg;
    uint32_t boot; /* of the replica; its earlier lives' events are void */
    uint16_t replica;
    uint16_t kind;
};

struct stats {
    uint64_t schedules;
    uint64_t twins; /* of them */
    uint64_t events;
    uint64_t messages;
    uint64_t commits; /* heights, over all runs */
    uint64_t terms;
    uint64_t epochs;             /* entered, by each replica */
    uint64_t faults[FAULTS_END]; /* times injected */
    uint64_t lies[LIES_END];     /* each time told */
    uint64_t checks[CHECKS_END]; /* times looked at */
    uint64_t progress_max_ms;    /* slowest last commit after healing */
    uint64_t hash;               /* of all traces */
};

struct world {
    /* of the run */
    uint64_t seed;
    struct rng rng;
    uint64_t now_ms;
    uint32_t next_order;
    uint64_t hash;         /* of everything that happened */
    uint32_t n_validators; /* of epoch 1 */
    uint32_t n_joiners;
    uint32_t n_replicas;
    uint64_t twin_keys;    /* a bit per validator that exists twice */
    uint64_t liar_keys;    /* and one per validator that lies */
    uint64_t machine_keys; /* whose machine may be set back as a whole: faulty */
    uint64_t file_keys;    /* whose safety file may: it observes then, and counts in f, too */
    uint64_t submitted;    /* requests some replica was given */
    uint32_t faults_on;    /* classes of this run, a bit each */
    bool is_healed;        /* no more faults: progress is due */
    uint64_t healed_ms;
    struct validator_set set;
    struct hash genesis_state;
    struct core_config config;

    bool is_real; /* its signatures */
    uint8_t secrets[VALIDATORS_MAX][64];

    /* of the process */
    bool is_tracing;
    struct transcript *transcript;
    struct stats *stats;
    struct event *events; /* a binary heap */
    uint32_t n_events;
    struct replica *replicas;
    struct pool pool;
    struct net net;
    struct checkers checkers;
    struct roster *roster;
    struct epoch_proof stale_recovery;                       /* being given */
    struct actions *actions;                                 /* of the running step */
    struct intent intents[BATCH_PERSISTS_MAX * INTENTS_MAX]; /* of the write being judged */
    struct wire_header range_headers[RANGE_BLOCKS_MAX];
    struct hash range_ids[RANGE_BLOCKS_MAX];
    struct proposal forged; /* in the making */
    struct entry forged_entry;
};

struct world *world_new(struct stats *stats);
void world_destroy(struct world **world);

struct world_setup {
    uint64_t seed;
    uint32_t n_validators;
    uint32_t n_joiners;
    uint64_t twin_keys, liar_keys, machine_keys, file_keys;
    uint64_t clone_keys;       /* twins whose second copy does not start by itself */
    const uint32_t *lies;      /* of each liar, by key */
    uint32_t first_leader;     /* of term 1 */
    uint64_t round_timeout_ms; /* 0 = the default */
    bool has_real_signatures;
};

/* A new run: everybody is up, nothing has happened. */
void world_reset(struct world *world, const struct world_setup *setup);

/* Handles events up to the time, or until a checker objects. */
void world_run_until(struct world *world, uint64_t until_ms);

/* An event `delay_ms` from now. */
void world_schedule(struct world *world, uint64_t delay_ms, struct event event);

/* schedule.c: a client submits a request to a replica. */
void schedule_submit(struct world *world, uint32_t request, uint32_t replica);

/* Folds what happened into the trace hash. */
void world_trace(struct world *world, uint32_t replica, const char *what, uint64_t value);

/* For readers of a trace only. */
#define world_say(world, ...)                                                                      \
    do {                                                                                           \
        if ((world)->is_tracing)                                                                   \
            world_print((world), __VA_ARGS__);                                                     \
    } while (0)
void world_print(const struct world *world, uint32_t replica, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool world_is_faulty(const struct world *world, uint32_t key)
{
    return ((world->twin_keys | world->liar_keys | world->machine_keys) >> key & 1) != 0;
}

/* May it lose the right to sign? */
static inline bool world_may_observe(const struct world *world, uint32_t key)
{
    return world_is_faulty(world, key) || (world->file_keys >> key & 1) != 0;
}

static inline bool world_has(const struct world *world, enum fault fault)
{
    return (world->faults_on >> fault & 1) != 0;
}

#endif
