#include "tests/sim/world.h"

#include "common/must.h"
#include "tests/sim/member.h"
#include "tests/support/fake_sig.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *fault_name(enum fault fault)
{
    static const char *const names[] = {
        [FAULT_LOSS] = "loss",
        [FAULT_KIND_LOSS] = "kind loss",
        [FAULT_DELAY] = "delay",
        [FAULT_REORDER] = "reorder",
        [FAULT_DUPLICATE] = "duplicate",
        [FAULT_PARTITION] = "partition",
        [FAULT_ONE_WAY] = "one way",
        [FAULT_FLAP] = "flapping link",
        [FAULT_SLOW_LINK] = "slow link",
        [FAULT_CRASH] = "crash",
        [FAULT_POWER] = "power cut",
        [FAULT_TORN] = "torn file",
        [FAULT_STALE] = "stale file",
        [FAULT_FULL] = "no space",
        [FAULT_SYNC] = "failed sync",
        [FAULT_RESTORE_STORE] = "restored database",
        [FAULT_RESTORE_FILE] = "restored file",
        [FAULT_RESTORE_MACHINE] = "restored machine",
        [FAULT_CLONE] = "clone",
        [FAULT_TWIN] = "twin",
        [FAULT_TRANSFER] = "transfer",
        [FAULT_SLOW_STORE] = "slow store",
        [FAULT_SLOW_EXECUTION] = "slow execution",
        [FAULT_SKEW] = "clock skew",
        [FAULT_DRIFT] = "clock drift",
        [FAULT_STEP] = "clock step",
        [FAULT_PAUSE] = "pause",
        [FAULT_VICTIM] = "victim",
        [FAULT_LIAR] = "liar",
        [FAULT_MEMBERS] = "members",
        [FAULT_LOST_FILE] = "lost file",
        [FAULT_RECOVERY] = "recovery",
    };
    return names[fault];
}

static void *array_new(size_t n, size_t size)
{
    void *array = calloc(n, size);
    MUST(array != NULL);
    return array;
}

struct world *world_new(struct stats *stats)
{
    struct world *world = array_new(1, sizeof(*world));

    world->stats = stats;
    world->events = array_new(EVENTS_MAX, sizeof(*world->events));
    world->replicas = array_new(REPLICAS_MAX, sizeof(*world->replicas));
    world->actions = array_new(1, sizeof(*world->actions));
    world->roster = array_new(1, sizeof(*world->roster));
    pool_new(&world->pool);
    net_new(&world->net);
    return world;
}

void world_destroy(struct world **world)
{
    struct world *old = *world;

    for (uint32_t i = 0; i < REPLICAS_MAX; i++)
        free(old->replicas[i].core);
    pool_destroy(&old->pool);
    net_destroy(&old->net);
    free(old->events);
    free(old->replicas);
    free(old->actions);
    free(old->roster);
    free(old);
    *world = NULL;
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void world_schedule(struct world *world, uint64_t delay_ms, struct event event)
{
    MUST(world->n_events < EVENTS_MAX);
    event.at_ms = world->now_ms + delay_ms;
    event.order = world->next_order++;

    uint32_t at = world->n_events++;
    while (at > 0 && is_before(&event, &world->events[(at - 1) / 2])) {
        world->events[at] = world->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->events[at] = event;
}

static struct event take_next(struct world *world)
{
    struct event next = world->events[0];
    struct event last = world->events[--world->n_events];
    uint32_t at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= world->n_events)
            break;
        if (child + 1 < world->n_events &&
            is_before(&world->events[child + 1], &world->events[child]))
            child++;
        if (!is_before(&world->events[child], &last))
            break;
        world->events[at] = world->events[child];
        at = child;
    }
    world->events[at] = last;
    return next;
}

void world_trace(struct world *world, uint32_t replica, const char *what, uint64_t value)
{
    uint64_t word = fake_digest(value, span_of(what, strlen(what)));

    world->hash = fake_mix(world->hash, fake_mix(world->now_ms << 8 | replica, word));
}

void world_print(const struct world *world, uint32_t replica, const char *format, ...)
{
    char text[512];

    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    printf("%8" PRIu64 " r%" PRIu32 " %s\n", world->now_ms, replica, text);
}

static struct validator_set make_set(struct world *world, const struct world_setup *setup)
{
    struct validator_set set = {.epoch = 1, .n = setup->n_validators};

    /* Term t is led by (t + offset) mod n. */
    set.offset = (setup->first_leader + set.n - 1 % set.n) % set.n;
    for (size_t i = 0; i < sizeof(set.chain.b); i++) {
        set.chain.b[i] = (uint8_t)rng_below(&world->rng, 256);
        set.root.b[i] = (uint8_t)rng_below(&world->rng, 256);
    }
    sign_init(world, setup->has_real_signatures, &set);
    return set;
}

static void born(struct world *world, uint32_t index, uint32_t key)
{
    struct replica *replica = &world->replicas[index];

    if (replica->core == NULL)
        replica->core = array_new(1, core_size());
    replica->index = index;
    replica->key = key;
    replica->boot = 0;
    replica->doom = 0;
    replica->skew_ms = replica->drift_ppm = 0;
    replica->paused_until_ms = 0;
    replica->lies = 0;
    replica->audience = replica->friends = UINT64_MAX;
    replica->is_up = replica->is_starved = replica->is_gone = false;
    store_born(world, replica);
}

void world_reset(struct world *world, const struct world_setup *setup)
{
    world->seed = setup->seed;
    world->rng.state = setup->seed;
    world->now_ms = 0;
    world->next_order = 0;
    world->hash = setup->seed;
    world->n_events = 0;
    world->n_validators = setup->n_validators;
    world->n_joiners = setup->n_joiners;
    world->twin_keys = setup->twin_keys;
    world->liar_keys = setup->liar_keys;
    world->machine_keys = setup->machine_keys;
    world->file_keys = setup->file_keys;
    world->submitted = 0;
    world->faults_on = 0;
    world->is_healed = false;
    world->healed_ms = 0;
    world->set = make_set(world, setup);
    world->genesis_state = payload_root_of(setup->seed);
    world->config = (struct core_config){
        .set = world->set,
        .genesis_root = world->genesis_state,
        .round_timeout_ms = setup->round_timeout_ms != 0 ? setup->round_timeout_ms : 1000,
        .heartbeat_ms = 200,
        .stall_timeout_ms = 2000,
        .backoff_max_ms = 5000,
    };
    roster_reset(world);
    world->config.set = world->set;
    pool_reset(&world->pool, world->roster, &world->genesis_state);
    world->n_replicas = setup->n_validators;
    for (uint64_t left = setup->twin_keys; left != 0; left &= left - 1)
        world->n_replicas++;
    world->n_replicas += setup->n_joiners;
    MUST(world->n_replicas <= REPLICAS_MAX);
    net_reset(world);
    checkers_reset(world);
    for (uint32_t i = 0; i < world->n_validators; i++)
        born(world, i, i);
    uint32_t next = world->n_validators;
    for (uint64_t left = setup->twin_keys; left != 0; left &= left - 1)
        born(world, next++, (uint32_t)__builtin_ctzll(left));
    for (uint32_t i = 0; i < world->n_joiners; i++)
        born(world, next++, world->n_validators + i);
    for (uint64_t left = setup->liar_keys; left != 0; left &= left - 1)
        liar_born(world, &world->replicas[__builtin_ctzll(left)],
                  setup->lies[__builtin_ctzll(left)]);
    for (uint32_t i = 0; i < world->n_replicas; i++)
        if (i < world->n_validators || (setup->clone_keys >> world->replicas[i].key & 1) == 0)
            replica_boot(world, &world->replicas[i]);
}

static void handle(struct world *world, const struct event *event)
{
    struct replica *replica = &world->replicas[event->replica];
    bool is_its_life = event->boot == replica->boot;

    if (world->now_ms < replica->paused_until_ms && event->kind != EVENT_SUBMIT) {
        if (event->kind == EVENT_TICK && event->at_ms == replica->tick_ms)
            replica->tick_ms = replica->paused_until_ms; /* it is still the one that is due */
        world_schedule(world, replica->paused_until_ms - world->now_ms, *event);
        return;
    }
    switch ((enum event_kind)event->kind) {
    case EVENT_DELIVER:
        net_deliver(world, event->replica, event->arg);
        break;
    case EVENT_RECOVER:
        member_bring_recovery(world);
        return;
    case EVENT_SUBMIT:
        schedule_submit(world, event->arg, event->replica);
        return;
    case EVENT_RESTART:
        if (is_its_life)
            replica_restart(world, replica, event->arg != 0);
        break;
    case EVENT_FILE:
    case EVENT_STORE:
        if (is_its_life && replica->is_up)
            store_completed(world, replica, event->kind == EVENT_FILE);
        break;
    case EVENT_TICK:
    case EVENT_BUILT:
    case EVENT_PAYLOAD:
    case EVENT_EXECUTED:
    case EVENT_CONFIG:
    case EVENT_EPOCH:
    case EVENT_FETCH:
        if (is_its_life && replica->is_up)
            node_on_event(world, replica, event);
        break;
    }
    if (replica->is_up)
        node_look_pending(world, replica);
}

void world_run_until(struct world *world, uint64_t until_ms)
{
    while (world->n_events > 0 && world->events[0].at_ms <= until_ms &&
           !world->checkers.has_failed) {
        struct event event = take_next(world);
        world->now_ms = event.at_ms;
        world->stats->events++;
        handle(world, &event);
    }
    if (!world->checkers.has_failed)
        world->now_ms = until_ms;
}
