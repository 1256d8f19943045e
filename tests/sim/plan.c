#include "tests/sim/plan.h"

#include "common/must.h"
#include "tests/sim/world.h"

/* A schedule in the making. */
struct draw {
    struct plan *plan;
    struct rng rng;
    uint32_t n_replicas;
    uint32_t faults_on;
    uint64_t at_ms;
    /* Every other strike ends what the last one began. */
    bool is_losing, is_split, is_slow;
    uint64_t starved;
};

void plan_init(struct plan *plan)
{
    memset(plan, 0, offsetof(struct plan, strikes));
    plan->n_validators = 4;
}

uint32_t plan_n_replicas(const struct plan *plan)
{
    return plan->n_validators + (uint32_t)__builtin_popcountll(plan->twin_keys);
}

/* In the order of time, and of drawing among equals. */
static void add(struct draw *draw, struct strike strike)
{
    struct plan *plan = draw->plan;
    uint32_t i = plan->n_strikes;

    if (i == PLAN_STRIKES_MAX)
        return;
    strike.at_ms = draw->at_ms;
    for (; i > 0 && plan->strikes[i - 1].at_ms > strike.at_ms; i--)
        plan->strikes[i] = plan->strikes[i - 1];
    plan->strikes[i] = strike;
    plan->n_strikes++;
}

static uint32_t any_replica(struct draw *draw)
{
    return rng_below(&draw->rng, draw->n_replicas);
}

static uint64_t any_set(struct draw *draw)
{
    return rng_next(&draw->rng) & ((UINT64_C(1) << (draw->n_replicas & 63)) - 1);
}

static uint64_t often_all(struct draw *draw)
{
    return rng_chance(&draw->rng, 500) ? UINT64_MAX : any_set(draw);
}

static void lose_a_kind(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_KIND_LOSS, .kind = STRIKE_PASS_ALL};

    draw->is_losing = !draw->is_losing;
    if (draw->is_losing) {
        strike.kind = STRIKE_DROP;
        strike.message = (enum message_kind)rng_below(&draw->rng, MESSAGES_END);
        strike.from = often_all(draw);
        strike.to = often_all(draw);
    }
    add(draw, strike);
}

static void partition(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_PARTITION, .kind = STRIKE_MEND};

    draw->is_split = !draw->is_split;
    if (draw->is_split) {
        strike.kind = STRIKE_SPLIT;
        strike.from = any_set(draw);
    }
    add(draw, strike);
}

/* One link, or all links from one side to the other. */
static void cut_one_way(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_ONE_WAY, .kind = STRIKE_CUT};

    strike.from = UINT64_C(1) << any_replica(draw);
    strike.to = UINT64_C(1) << any_replica(draw);
    if (rng_chance(&draw->rng, 200)) {
        strike.from = any_set(draw);
        strike.to = ~strike.from;
    } else if (rng_chance(&draw->rng, 500)) {
        strike.kind = STRIKE_JOIN;
    }
    add(draw, strike);
}

/* Cut and whole again, many times, faster than any timer. */
static void flap(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_FLAP};
    uint64_t start_ms = draw->at_ms;

    strike.from = any_set(draw);
    for (uint64_t left = rng_between(&draw->rng, 3, 10); left > 0; left--) {
        strike.kind = STRIKE_SPLIT;
        add(draw, strike);
        strike.fault = FAULTS_END; /* counted once */
        draw->at_ms += rng_between(&draw->rng, 5, 60);
        strike.kind = STRIKE_MEND;
        add(draw, strike);
        draw->at_ms += rng_between(&draw->rng, 5, 60);
    }
    draw->at_ms = start_ms;
}

static void slow_links(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_SLOW_LINK, .kind = STRIKE_SLOW};

    strike.from = strike.to = UINT64_MAX;
    draw->is_slow = !draw->is_slow;
    if (draw->is_slow) {
        strike.from = any_set(draw);
        strike.to = often_all(draw);
        strike.n = (uint32_t)rng_between(&draw->rng, 50, 900);
    }
    add(draw, strike);
}

static void crash(struct draw *draw)
{
    struct strike strike = {.fault = FAULTS_END, .kind = STRIKE_CRASH};

    strike.who = any_replica(draw);
    strike.n = 1 + rng_below(&draw->rng, 12);
    add(draw, strike);
}

static void power_cut(struct draw *draw)
{
    add(draw, (struct strike){.fault = FAULT_POWER, .kind = STRIKE_POWER});
}

static void transfer(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_TRANSFER, .kind = STRIKE_TRANSFER};

    strike.who = any_replica(draw);
    strike.n = rng_below(&draw->rng, draw->plan->n_validators + 1);
    if (strike.n == draw->plan->n_validators)
        strike.n = VALIDATOR_NONE;
    add(draw, strike);
}

static void starve(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_VICTIM, .who = any_replica(draw)};

    draw->starved ^= UINT64_C(1) << strike.who % 64;
    strike.kind = (draw->starved >> strike.who % 64 & 1) != 0 ? STRIKE_STARVE : STRIKE_FEED;
    add(draw, strike);
}

static void lie(struct draw *draw)
{
    add(draw, (struct strike){.fault = FAULT_LIAR, .kind = STRIKE_LIE});
}

/* Classes that strike again and again, and the pause between two strikes. */
static const struct {
    enum fault fault;
    uint32_t pause_min_ms, pause_max_ms;
    void (*draw)(struct draw *draw);
} recurring[] = {
    {FAULT_KIND_LOSS, 100, 1200, lose_a_kind}, {FAULT_PARTITION, 100, 1500, partition},
    {FAULT_ONE_WAY, 50, 900, cut_one_way},     {FAULT_FLAP, 300, 2500, flap},
    {FAULT_SLOW_LINK, 100, 1500, slow_links},  {FAULT_CRASH, 50, 1200, crash},
    {FAULT_POWER, 400, 2500, power_cut},       {FAULT_TRANSFER, 100, 900, transfer},
    {FAULT_VICTIM, 100, 1200, starve},         {FAULT_LIAR, 20, 200, lie},
};

static void draw_strikes(struct draw *draw)
{
    for (size_t i = 0; i < N_ELEMENTS(recurring); i++) {
        if ((draw->faults_on >> recurring[i].fault & 1) == 0)
            continue;
        draw->at_ms = 1;
        for (;;) {
            draw->at_ms +=
                rng_between(&draw->rng, recurring[i].pause_min_ms, recurring[i].pause_max_ms);
            if (draw->at_ms >= draw->plan->end_ms)
                break;
            recurring[i].draw(draw);
        }
    }
}

static void draw_requests(struct draw *draw, uint32_t n_requests)
{
    struct strike strike = {.fault = FAULTS_END, .kind = STRIKE_SUBMIT};

    for (strike.n = 0; strike.n < n_requests; strike.n++) {
        strike.who = rng_below(&draw->rng, draw->plan->n_validators);
        draw->at_ms = rng_between(&draw->rng, 1, (uint32_t)draw->plan->end_ms - 1);
        add(draw, strike);
    }
}

/* What is wrong from the beginning to the end. */
static void draw_levels(struct draw *draw)
{
    static const struct {
        enum fault fault;
        uint32_t min, max;
    } lasting[] = {
        {FAULT_LOSS, 5, 300},  {FAULT_DUPLICATE, 5, 300}, {FAULT_DELAY, 20, 400},
        {FAULT_REORDER, 1, 1}, {FAULT_SKEW, 1, 1},        {FAULT_SLOW_STORE, 1, 1},
        {FAULT_TORN, 1, 1},    {FAULT_CRASH, 1, 1},       {FAULT_SLOW_EXECUTION, 1, 1},
    };

    for (size_t i = 0; i < N_ELEMENTS(lasting); i++)
        if ((draw->faults_on >> lasting[i].fault & 1) != 0)
            draw->plan->level[lasting[i].fault] =
                (uint32_t)rng_between(&draw->rng, lasting[i].min, lasting[i].max);
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

static void draw_faulty(struct draw *draw)
{
    struct plan *plan = draw->plan;
    bool has_liar = (draw->faults_on >> FAULT_LIAR & 1) != 0;
    /* Where only one may be faulty, either gets half of the runs that have both. */
    bool has_twin =
        (draw->faults_on >> FAULT_TWIN & 1) != 0 && (!has_liar || rng_chance(&draw->rng, 500));

    plan->twin_keys = has_twin ? choose_twins(&draw->rng, plan->n_validators) : 0;
    plan->liar_keys = has_liar ? choose_liars(&draw->rng, plan->n_validators, plan->twin_keys) : 0;
    for (uint64_t left = plan->liar_keys; left != 0; left &= left - 1)
        plan->lies[__builtin_ctzll(left)] = liar_draw(&draw->rng);
    if (plan->twin_keys == 0)
        draw->faults_on &= ~(1u << FAULT_TWIN);
    if (plan->liar_keys == 0)
        draw->faults_on &= ~(1u << FAULT_LIAR);
    draw->n_replicas = plan_n_replicas(plan);
}

void plan_draw(struct plan *plan, uint64_t seed, uint32_t n_validators)
{
    struct draw draw = {.plan = plan, .rng = {.state = seed ^ UINT64_C(0x5eed)}};
    struct rng *rng = &draw.rng;

    plan_init(plan);
    plan->seed = seed;
    plan->n_validators = n_validators != 0 ? n_validators : 4 + rng_below(rng, 4);
    draw.faults_on = (uint32_t)rng_next(rng) & ((1u << FAULTS_END) - 1);
    draw_faulty(&draw);
    plan->first_leader = rng_below(rng, plan->n_validators);
    uint32_t n_requests = rng_chance(rng, 60) ? (uint32_t)rng_between(rng, 20, 60)
                                              : (uint32_t)rng_between(rng, 1, 10);
    /* A liar can do most where it leads and where little else happens. */
    if (plan->liar_keys != 0 && rng_chance(rng, 500)) {
        plan->first_leader = (uint32_t)__builtin_ctzll(plan->liar_keys);
        n_requests = (uint32_t)rng_between(rng, 10, 40);
        draw.faults_on &= (uint32_t)rng_next(rng) & (uint32_t)rng_next(rng);
        draw.faults_on |= 1u << FAULT_LIAR;
    }
    plan->end_ms = rng_between(rng, 300, 3500);
    draw_levels(&draw);
    draw_strikes(&draw);
    draw_requests(&draw, n_requests);
}

static void set_levels(struct world *world, const struct plan *plan)
{
    static const enum fault counted[] = {FAULT_DELAY, FAULT_REORDER, FAULT_SKEW, FAULT_SLOW_STORE,
                                         FAULT_SLOW_EXECUTION};
    struct net *net = &world->net;

    for (size_t fault = 0; fault < FAULTS_END; fault++)
        world->faults_on |= plan->level[fault] != 0 ? 1u << fault : 0;
    for (size_t i = 0; i < N_ELEMENTS(counted); i++)
        world->stats->faults[counted[i]] += world_has(world, counted[i]);
    world->stats->faults[FAULT_TWIN] += plan->twin_keys != 0;
    net->loss_per_mille = plan->level[FAULT_LOSS];
    net->duplicate_per_mille = plan->level[FAULT_DUPLICATE];
    if (world_has(world, FAULT_DELAY))
        net->delay_max_ms = plan->level[FAULT_DELAY];
    net->is_ordered = !world_has(world, FAULT_REORDER);
    for (uint32_t i = 0; world_has(world, FAULT_SKEW) && i < world->n_replicas; i++)
        world->replicas[i].skew_ms = (int64_t)rng_below(&world->rng, 3000) - 1500;
}

void plan_begin(struct world *world, const struct plan *plan)
{
    struct world_setup setup = {
        .seed = plan->seed,
        .n_validators = plan->n_validators,
        .twin_keys = plan->twin_keys,
        .liar_keys = plan->liar_keys,
        .lies = plan->lies,
        .first_leader = plan->first_leader,
    };

    world_reset(world, &setup);
    set_levels(world, plan);
    world_run_until(world, 1);
}
