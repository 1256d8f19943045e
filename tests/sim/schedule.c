#include "tests/sim/schedule.h"

#include "common/must.h"

#include <inttypes.h>

/* Virtual time that the last commit may take after healing: the longest back-off, a
 * few times over, for a faulty leader may come first. */
#define PROGRESS_MS 60000u
/* How long an idle chain is watched standing still. */
#define IDLE_MS 1500u
#define IDLE_WINDOWS 4

/* Classes that strike again and again, and the pause between two strikes. */
static const struct {
    enum fault fault;
    uint32_t pause_min_ms, pause_max_ms;
} recurring[] = {
    {FAULT_KIND_LOSS, 100, 1200}, {FAULT_PARTITION, 100, 1500}, {FAULT_ONE_WAY, 50, 900},
    {FAULT_CRASH, 50, 1200},      {FAULT_POWER, 400, 2500},     {FAULT_TRANSFER, 100, 900},
    {FAULT_VICTIM, 100, 1200},    {FAULT_LIAR, 20, 200},
};

static void schedule_next(struct world *world, enum fault fault)
{
    for (size_t i = 0; i < N_ELEMENTS(recurring); i++) {
        if (recurring[i].fault != fault)
            continue;
        uint64_t pause_ms =
            rng_between(&world->rng, recurring[i].pause_min_ms, recurring[i].pause_max_ms);
        world_schedule(world, pause_ms,
                       (struct event){.kind = EVENT_FAULT, .arg = (uint32_t)fault});
    }
}

static void lose_a_kind(struct world *world)
{
    struct net *net = &world->net;
    uint64_t all = UINT64_MAX;

    /* Every other strike ends the last one. */
    if (net->n_rules > 0) {
        net->n_rules = 0;
        return;
    }
    struct net_rule *rule = &net->rules[net->n_rules++];
    rule->kind = (enum message_kind)rng_below(&world->rng, MESSAGES_END);
    rule->from = rng_chance(&world->rng, 500) ? all : rng_next(&world->rng);
    rule->to = rng_chance(&world->rng, 500) ? all : rng_next(&world->rng);
    rule->term = rule->seq = 0;
    rule->is_hold = false;
}

static bool are_links_whole(const struct world *world)
{
    for (uint32_t i = 0; i < world->n_replicas; i++)
        for (uint32_t j = 0; j < world->n_replicas; j++)
            if (world->net.is_cut[i][j])
                return false;
    return true;
}

static void mend_links(struct world *world)
{
    for (uint32_t i = 0; i < world->n_replicas; i++)
        for (uint32_t j = 0; j < world->n_replicas; j++)
            world->net.is_cut[i][j] = false;
}

static void split(struct world *world)
{
    if (!are_links_whole(world)) {
        mend_links(world);
        return;
    }
    uint64_t side = rng_next(&world->rng);
    for (uint32_t i = 0; i < world->n_replicas; i++)
        for (uint32_t j = 0; j < world->n_replicas; j++)
            world->net.is_cut[i][j] = (side >> i % 64 & 1) != (side >> j % 64 & 1);
}

static void cut_one_way(struct world *world)
{
    uint32_t from = rng_below(&world->rng, world->n_replicas);
    uint32_t to = rng_below(&world->rng, world->n_replicas);

    world->net.is_cut[from][to] = !world->net.is_cut[from][to];
}

static struct replica *pick_up(struct world *world)
{
    uint32_t first = rng_below(&world->rng, world->n_replicas);

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        struct replica *replica = &world->replicas[(first + i) % world->n_replicas];
        if (replica->is_up)
            return replica;
    }
    return NULL;
}

static void cut_power(struct world *world)
{
    for (uint32_t i = 0; i < world->n_replicas; i++)
        if (world->replicas[i].is_up || world->replicas[i].store.is_repairing)
            replica_crash(world, &world->replicas[i], rng_between(&world->rng, 5, 400));
}

static void transfer(struct world *world)
{
    struct input input = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};
    struct replica *replica = pick_up(world);

    if (replica == NULL)
        return;
    input.transfer_to = rng_below(&world->rng, world->n_validators + 1);
    if (input.transfer_to == world->n_validators)
        input.transfer_to = VALIDATOR_NONE;
    replica_input(world, replica, &input);
}

static void strike(struct world *world, enum fault fault)
{
    struct replica *replica;

    switch (fault) {
    case FAULT_KIND_LOSS:
        lose_a_kind(world);
        break;
    case FAULT_PARTITION:
        split(world);
        break;
    case FAULT_ONE_WAY:
        cut_one_way(world);
        break;
    case FAULT_CRASH:
        replica = pick_up(world);
        if (replica != NULL)
            replica->doom = 1 + rng_below(&world->rng, 12);
        break;
    case FAULT_POWER:
        cut_power(world);
        break;
    case FAULT_TRANSFER:
        transfer(world);
        break;
    case FAULT_VICTIM:
        replica = &world->replicas[rng_below(&world->rng, world->n_replicas)];
        replica->is_starved = !replica->is_starved;
        break;
    case FAULT_LIAR:
        liar_strike(world);
        break;
    case FAULT_LOSS:
    case FAULT_DELAY:
    case FAULT_REORDER:
    case FAULT_DUPLICATE:
    case FAULT_TORN:
    case FAULT_TWIN:
    case FAULT_SLOW_STORE:
    case FAULT_SLOW_EXECUTION:
    case FAULT_SKEW:
    case FAULTS_END:
        MUST(false);
    }
}

void schedule_fault(struct world *world, enum fault fault)
{
    if (world->is_healed)
        return;
    world->stats->faults[fault]++;
    strike(world, fault);
    schedule_next(world, fault);
}

/* Nobody promises anything for what a faulty node was given. */
static struct replica *pick_correct(struct world *world, uint32_t first)
{
    for (uint32_t i = 0; i < world->n_validators; i++) {
        struct replica *replica = &world->replicas[(first + i) % world->n_validators];
        if (replica->is_up && !world_is_faulty(world, replica->key))
            return replica;
    }
    return NULL;
}

/* A client's node passes the bundle on to all, unless the run starves it. */
void schedule_submit(struct world *world, uint32_t request, uint32_t index)
{
    struct message message = {.kind = MESSAGE_BUNDLES, .requests = UINT64_C(1) << request};
    struct replica *replica = pick_correct(world, index);

    if (replica == NULL) {
        struct event again = {.kind = EVENT_SUBMIT, .arg = request, .replica = (uint16_t)index};
        world_schedule(world, 100, again);
        return;
    }
    world->submitted |= message.requests;
    node_learn_requests(world, replica, message.requests);
    if (!replica->is_starved)
        net_send(world, replica->index, TO_ALL, &message);
    node_look_pending(world, replica);
}

static void submit_later(struct world *world, uint32_t request, uint64_t delay_ms)
{
    struct event event = {.kind = EVENT_SUBMIT, .arg = request};

    event.replica = (uint16_t)rng_below(&world->rng, world->n_validators);
    world_schedule(world, delay_ms, event);
}

static void set_constants(struct world *world)
{
    struct net *net = &world->net;
    struct rng *rng = &world->rng;

    if (world_has(world, FAULT_LOSS))
        net->loss_per_mille = (uint32_t)rng_between(rng, 5, 300);
    if (world_has(world, FAULT_DUPLICATE))
        net->duplicate_per_mille = (uint32_t)rng_between(rng, 5, 300);
    if (world_has(world, FAULT_DELAY))
        net->delay_max_ms = (uint32_t)rng_between(rng, 20, 400);
    net->is_ordered = !world_has(world, FAULT_REORDER);
    for (uint32_t i = 0; world_has(world, FAULT_SKEW) && i < world->n_replicas; i++)
        world->replicas[i].skew_ms = (int64_t)rng_below(rng, 3000) - 1500;
    static const enum fault constant[] = {FAULT_DELAY,      FAULT_REORDER,        FAULT_SKEW,
                                          FAULT_SLOW_STORE, FAULT_SLOW_EXECUTION, FAULT_TWIN};
    for (size_t i = 0; i < N_ELEMENTS(constant); i++)
        world->stats->faults[constant[i]] += world_has(world, constant[i]);
}

/* A twin is one key in two places: faulty, so at most f of them. */
static uint64_t choose_twins(struct rng *rng, uint32_t n_validators)
{
    uint64_t keys = 0;
    uint32_t most = faulty_max(n_validators) < 2 ? faulty_max(n_validators) : 2;

    for (uint32_t i = 0; i < most; i++)
        keys |= UINT64_C(1) << rng_below(rng, n_validators);
    return keys;
}

static uint64_t choose_liars(struct rng *rng, uint32_t n_validators, uint64_t twin_keys)
{
    uint64_t keys = 0;
    uint32_t n_twins = (uint32_t)__builtin_popcountll(twin_keys);

    for (uint32_t i = n_twins; i < faulty_max(n_validators); i++)
        keys |= UINT64_C(1) << rng_below(rng, n_validators);
    return keys & ~twin_keys;
}

static void begin(struct world *world, uint64_t seed, uint32_t n_validators)
{
    struct rng rng = {.state = seed ^ UINT64_C(0x5eed)};
    uint32_t n = n_validators != 0 ? n_validators : 4 + rng_below(&rng, 4);
    uint32_t faults_on = (uint32_t)rng_next(&rng) & ((1u << FAULTS_END) - 1);
    bool has_liar = (faults_on >> FAULT_LIAR & 1) != 0;
    /* Where only one may be faulty, either gets half of the runs that have both. */
    bool has_twin = (faults_on >> FAULT_TWIN & 1) != 0 && (!has_liar || rng_chance(&rng, 500));
    struct world_setup setup = {.seed = seed, .n_validators = n};

    setup.twin_keys = has_twin ? choose_twins(&rng, n) : 0;
    setup.liar_keys = has_liar ? choose_liars(&rng, n, setup.twin_keys) : 0;
    setup.first_leader = rng_below(&rng, n);
    setup.n_requests = rng_chance(&rng, 60) ? (uint32_t)rng_between(&rng, 20, 60)
                                            : (uint32_t)rng_between(&rng, 1, 10);
    /* A liar can do most where it leads and where little else happens. */
    if (setup.liar_keys != 0 && rng_chance(&rng, 500)) {
        setup.first_leader = (uint32_t)__builtin_ctzll(setup.liar_keys);
        setup.n_requests = (uint32_t)rng_between(&rng, 10, 40);
        faults_on &= (uint32_t)rng_next(&rng) & (uint32_t)rng_next(&rng);
        faults_on |= 1u << FAULT_LIAR;
    }
    world_reset(world, &setup);
    world->faults_on = faults_on;
    if (setup.twin_keys == 0)
        world->faults_on &= ~(1u << FAULT_TWIN);
    if (setup.liar_keys == 0)
        world->faults_on &= ~(1u << FAULT_LIAR);
    set_constants(world);
}

static bool has_ended(struct world *world)
{
    return world->checkers.has_failed || check_is_done(world);
}

/* Clients try again with whatever no correct node has any more. */
static void resubmit(struct world *world)
{
    uint64_t known = 0;

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        const struct replica *replica = &world->replicas[i];
        if (!world_is_faulty(world, replica->key))
            known |= replica->is_up ? replica->known : replica->store.bodies;
    }
    for (uint64_t left = world->submitted & ~known; left != 0; left &= left - 1)
        submit_later(world, (uint32_t)__builtin_ctzll(left), 500);
}

static void heal(struct world *world)
{
    world->is_healed = true;
    world->healed_ms = world->now_ms;
    net_heal(world);
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        struct replica *replica = &world->replicas[i];
        replica->doom = 0;
        replica->is_starved = false;
        /* Liars tell nothing new, but every other one goes on keeping things to itself. */
        replica->audience = UINT64_MAX;
        if (rng_chance(&world->rng, 500))
            replica->lies = 0;
        /* The second copy of a twin is switched off in half of the runs. */
        if (i >= world->n_validators && replica->is_up && rng_chance(&world->rng, 500))
            replica_crash(world, replica, 10 * PROGRESS_MS);
    }
    resubmit(world);
    /* Every other run ends without anything new that would push an old tail along. */
    if (world->seed % 2 == 0) {
        submit_later(world, REQUESTS_MAX - 1, 700);
        world->submitted |= UINT64_C(1) << (REQUESTS_MAX - 1);
    }
}

/* A leader may still wake those who had timed out; then nothing more may happen. */
static void watch_idle(struct world *world)
{
    uint32_t n_blocks = 0;

    world->stats->checks[CHECK_IDLE]++;
    for (int i = 0; i < IDLE_WINDOWS; i++) {
        n_blocks = world->pool.n_blocks;
        world_run_until(world, world->now_ms + IDLE_MS);
        if (world->pool.n_blocks == n_blocks)
            return;
    }
    check_fail(world, CHECK_IDLE, "%" PRIu32 " blocks proposed in %u ms with nothing to do",
               world->pool.n_blocks - n_blocks, IDLE_MS);
}

bool schedule_finish(struct world *world)
{
    heal(world);
    while (!has_ended(world) && world->now_ms < world->healed_ms + PROGRESS_MS)
        world_run_until(world, world->now_ms + 50);

    world->stats->checks[CHECK_PROGRESS]++;
    if (!world->checkers.has_failed && !check_is_done(world))
        check_fail(world, CHECK_PROGRESS,
                   "%" PRIu64 " ms after healing: height %" PRIu64
                   ", %d of %d requests committed, or not everywhere",
                   world->now_ms - world->healed_ms, world->checkers.height,
                   __builtin_popcountll(world->checkers.requests & world->submitted),
                   __builtin_popcountll(world->submitted));
    uint64_t took_ms = world->now_ms - world->healed_ms;
    if (took_ms > world->stats->progress_max_ms)
        world->stats->progress_max_ms = took_ms;
    if (!world->checkers.has_failed && (world->twin_keys | world->liar_keys) == 0 &&
        world->seed % 4 == 0)
        watch_idle(world);
    if (!world->checkers.has_failed)
        check_end(world);
    return !world->checkers.has_failed;
}

bool schedule_run(struct world *world, uint64_t seed, uint32_t n_validators)
{
    begin(world, seed, n_validators);
    uint32_t chaos_ms = (uint32_t)rng_between(&world->rng, 300, 3500);

    for (size_t i = 0; i < N_ELEMENTS(recurring); i++)
        if (world_has(world, recurring[i].fault))
            schedule_next(world, recurring[i].fault);
    for (uint32_t r = 0; r < world->n_requests; r++)
        submit_later(world, r, rng_below(&world->rng, chaos_ms));
    world_run_until(world, chaos_ms);
    bool has_passed = !world->checkers.has_failed && schedule_finish(world);
    world->stats->schedules++;
    return has_passed;
}
