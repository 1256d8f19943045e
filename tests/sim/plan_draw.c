/* Who is faulty and what is wrong all the time. */
#include "common/must.h"
#include "tests/sim/plan_draw.h"
#include "tests/sim/world.h"

_Static_assert(FAULTS_END <= 32, "a bit each");

/* What is wrong from the beginning to the end. */
static void draw_levels(struct draw *draw)
{
    static const struct {
        enum fault fault;
        uint32_t min, max;
    } lasting[] = {
        {FAULT_LOSS, 5, 300},  {FAULT_DUPLICATE, 5, 300},    {FAULT_DELAY, 20, 400},
        {FAULT_REORDER, 1, 1}, {FAULT_SKEW, 1, 1},           {FAULT_SLOW_STORE, 1, 1},
        {FAULT_TORN, 1, 1},    {FAULT_STALE, 1, 1},          {FAULT_DRIFT, 100, 20000},
        {FAULT_CRASH, 1, 1},   {FAULT_SLOW_EXECUTION, 1, 1},
    };

    for (size_t i = 0; i < N_ELEMENTS(lasting); i++)
        if ((draw->faults_on >> lasting[i].fault & 1) != 0)
            draw->plan->level[lasting[i].fault] =
                (uint32_t)rng_between(&draw->rng, lasting[i].min, lasting[i].max);
}

static uint64_t any_of(struct rng *rng, uint32_t n)
{
    return UINT64_C(1) << rng_below(rng, n);
}

/* Ways to be one of the f: what it is, how many lots it has, and where it is noted. */
static void make_faulty(struct draw *draw, uint64_t key)
{
    static const struct {
        enum fault fault;
        uint32_t lots;
    } ways[] = {{FAULT_LIAR, 3},
                {FAULT_TWIN, 2},
                {FAULT_CLONE, 1},
                {FAULT_RESTORE_MACHINE, 1},
                {FAULT_RESTORE_FILE, 1}};
    struct plan *plan = draw->plan;
    uint64_t *const keys[] = {&plan->liar_keys, &plan->twin_keys, &plan->clone_keys,
                              &plan->machine_keys, &plan->file_keys};
    uint32_t n_lots = 0;

    for (size_t i = 0; i < N_ELEMENTS(ways); i++)
        n_lots += (draw->faults_on >> ways[i].fault & 1) != 0 ? ways[i].lots : 0;
    uint32_t lot = n_lots == 0 ? 0 : rng_below(&draw->rng, n_lots);
    for (size_t i = 0; i < N_ELEMENTS(ways) && n_lots > 0; i++) {
        uint32_t lots = (draw->faults_on >> ways[i].fault & 1) != 0 ? ways[i].lots : 0;
        if (lot < lots) {
            *keys[i] |= key;
            return;
        }
        lot -= lots;
    }
}

static void draw_faulty(struct draw *draw)
{
    struct plan *plan = draw->plan;
    uint32_t n = plan->n_validators;
    uint64_t used = 0;

    for (uint32_t i = 0; i < faulty_max(n); i++) {
        uint64_t key = any_of(&draw->rng, n);
        if ((used & key) == 0)
            make_faulty(draw, key);
        used |= key;
        draw->store_keys |= any_of(&draw->rng, n);
        /* Each has a second copy: there is no room for more than two. */
        if (__builtin_popcountll(plan->twin_keys | plan->clone_keys) == 2)
            draw->faults_on &= ~(1u << FAULT_TWIN | 1u << FAULT_CLONE);
    }
    /* Database and file of one backup together are a machine set back, which is another fault. */
    draw->store_keys &= ~plan->file_keys;
    for (uint64_t left = plan->liar_keys; left != 0; left &= left - 1)
        plan->lies[__builtin_ctzll(left)] = liar_draw(&draw->rng);
    plan->twin_keys |= plan->clone_keys;
    draw->n_replicas = plan_n_replicas(plan);
}

/* Classes that strike nobody. */
static void rule_out(struct draw *draw)
{
    const struct plan *plan = draw->plan;
    const struct {
        enum fault fault;
        uint64_t keys;
    } needs[] = {{FAULT_LIAR, plan->liar_keys},         {FAULT_TWIN, plan->twin_keys},
                 {FAULT_CLONE, plan->clone_keys},       {FAULT_RESTORE_MACHINE, plan->machine_keys},
                 {FAULT_RESTORE_FILE, plan->file_keys}, {FAULT_RESTORE_STORE, draw->store_keys}};

    for (size_t i = 0; i < N_ELEMENTS(needs); i++)
        if (needs[i].keys == 0)
            draw->faults_on &= ~(1u << needs[i].fault);
        else if (needs[i].fault != FAULT_RESTORE_STORE)
            draw->faults_on |= 1u << needs[i].fault;
    /* A database that makes up for what the file lost must not be set back as well. */
    if ((draw->faults_on >> FAULT_STALE & 1) != 0)
        draw->faults_on &= ~(1u << FAULT_RESTORE_STORE);
}

/* Three quarters of the runs keep one set. The others keep their disks, but for what crashes do
 * to them and for safety files that are lost: those are what reinstatement is for. */
static bool draw_sets(struct draw *draw)
{
    const uint32_t sets = 1u << FAULT_MEMBERS | 1u << FAULT_LOST_FILE | 1u << FAULT_RECOVERY;
    const uint32_t disks = 1u << FAULT_RESTORE_STORE | 1u << FAULT_RESTORE_FILE |
                           1u << FAULT_RESTORE_MACHINE | 1u << FAULT_CLONE;

    if (!rng_chance(&draw->rng, 250))
        draw->faults_on &= ~sets;
    if ((draw->faults_on & sets) == 0)
        return false;
    draw->faults_on &= ~disks;
    if ((draw->faults_on >> FAULT_MEMBERS & 1) != 0)
        draw->plan->n_joiners = 1 + rng_below(&draw->rng, JOINERS_MAX);
    return true;
}

void plan_draw(struct plan *plan, uint64_t seed, uint32_t n_validators)
{
    struct draw draw = {.plan = plan, .rng = {.state = seed ^ UINT64_C(0x5eed)}};
    struct rng *rng = &draw.rng;

    plan_init(plan);
    plan->seed = seed;
    plan->n_validators = n_validators != 0 ? n_validators : 4 + rng_below(rng, 4);
    draw.faults_on = (uint32_t)rng_next(rng) & (UINT32_MAX >> (32 - FAULTS_END));
    /* Half of the runs have few classes, which then come to more. */
    if (rng_chance(rng, 500))
        draw.faults_on &= (uint32_t)rng_next(rng);
    bool has_sets = draw_sets(&draw);
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
    if (has_sets && n_requests > CHANGE_FIRST)
        n_requests = CHANGE_FIRST; /* those above are changes */
    plan->end_ms = rng_between(rng, 300, 3500);
    rule_out(&draw);
    draw_levels(&draw);
    draw_strikes(&draw);
    draw_requests(&draw, n_requests);
}
