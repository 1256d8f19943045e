#include "tests/sim/plan.h"

#include "common/must.h"
#include "tests/sim/world.h"

void plan_init(struct plan *plan)
{
    memset(plan, 0, offsetof(struct plan, strikes));
    plan->n_validators = 4;
}

uint32_t plan_n_replicas(const struct plan *plan)
{
    return plan->n_validators + (uint32_t)__builtin_popcountll(plan->twin_keys) + plan->n_joiners;
}

bool plan_changes_sets(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->n_strikes; i++)
        if (plan->strikes[i].kind >= STRIKE_ADD && plan->strikes[i].kind <= STRIKE_RECOVER_BELOW)
            return true;
    return plan->n_joiners > 0;
}

static void set_levels(struct world *world, const struct plan *plan)
{
    static const enum fault counted[] = {FAULT_DELAY,      FAULT_REORDER,        FAULT_SKEW,
                                         FAULT_SLOW_STORE, FAULT_SLOW_EXECUTION, FAULT_DRIFT};
    struct net *net = &world->net;

    for (size_t fault = 0; fault < FAULTS_END; fault++)
        world->faults_on |= plan->level[fault] != 0 ? 1u << fault : 0;
    for (size_t i = 0; i < N_ELEMENTS(counted); i++)
        world->stats->faults[counted[i]] += world_has(world, counted[i]);
    world->stats->faults[FAULT_TWIN] += (plan->twin_keys & ~plan->clone_keys) != 0;
    net->loss_per_mille = plan->level[FAULT_LOSS];
    net->duplicate_per_mille = plan->level[FAULT_DUPLICATE];
    if (world_has(world, FAULT_DELAY))
        net->delay_max_ms = plan->level[FAULT_DELAY];
    net->is_ordered = !world_has(world, FAULT_REORDER);
    for (uint32_t i = 0; world_has(world, FAULT_SKEW) && i < world->n_replicas; i++)
        world->replicas[i].skew_ms =
            (int64_t)rng_below(&world->rng, 2 * SKEW_MAX_MS) - (int64_t)SKEW_MAX_MS;
    for (uint32_t i = 0; world_has(world, FAULT_DRIFT) && i < world->n_replicas; i++)
        world->replicas[i].drift_ppm =
            (int64_t)rng_below(&world->rng, 2 * plan->level[FAULT_DRIFT]) -
            (int64_t)plan->level[FAULT_DRIFT];
}

void plan_begin(struct world *world, const struct plan *plan)
{
    struct world_setup setup = {
        .seed = plan->seed,
        .n_validators = plan->n_validators,
        .n_joiners = plan->n_joiners,
        .twin_keys = plan->twin_keys,
        .liar_keys = plan->liar_keys,
        .machine_keys = plan->machine_keys,
        .file_keys = plan->file_keys,
        .clone_keys = plan->clone_keys,
        .lies = plan->lies,
        .first_leader = plan->first_leader,
        .has_real_signatures = plan->has_real_signatures,
    };

    world_reset(world, &setup);
    set_levels(world, plan);
    world_run_until(world, 1);
}
