#include "tests/sim/schedule.h"

#include <inttypes.h>

/* Virtual time that the last commit may take after healing: the longest back-off, a
 * few times over, for a faulty leader may come first. */
#define PROGRESS_MS 60000u
/* How long an idle chain is watched standing still: longer than what waits may stall. */
#define IDLE_MS 4500u
#define IDLE_WINDOWS 4

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
    /* A change may be overtaken by another; check_is_done knows which are due. */
    world->submitted |= message.requests & ~world->roster->change_requests;
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
        if (!world_is_faulty(world, replica->key) && !replica->is_gone)
            known |= replica->is_up ? replica->known : replica->store.bodies;
    }
    for (uint64_t left = (world->submitted | world->roster->change_requests) & ~known; left != 0;
         left &= left - 1)
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
        replica->paused_until_ms = 0;
        replica->store.is_file_full = replica->store.is_store_full = false;
        replica->store.fails_sync = false;
        replica->is_starved = false;
        /* Liars tell nothing new, but every other one goes on keeping things to itself. */
        replica->audience = UINT64_MAX;
        if (rng_chance(&world->rng, 500))
            replica->lies = 0;
        /* The second copy of a twin is switched off in half of the runs. */
        if (i >= world->n_validators && replica->key < world->n_validators && replica->is_up &&
            rng_chance(&world->rng, 500))
            replica_crash(world, replica, 10 * PROGRESS_MS);
    }
    resubmit(world);
    /* Every other run ends without anything new that would push an old tail along. */
    if (world->seed % 2 == 0) {
        submit_later(world, REQUESTS_MAX - 1, 700);
        world->submitted |= UINT64_C(1) << (REQUESTS_MAX - 1);
    }
}

static uint64_t highest_term(const struct world *world)
{
    struct core_view view;
    uint64_t highest = 0;

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        const struct replica *replica = &world->replicas[i];
        if (!replica->is_up || world_is_faulty(world, replica->key))
            continue;
        core_look(replica->core, &view);
        highest = view.term.term > highest ? view.term.term : highest;
    }
    return highest;
}

/* A leader may still wake those who had timed out, and a term end that was due; then
 * nothing more may happen. */
static void watch_idle(struct world *world)
{
    uint32_t n_blocks = 0;
    uint64_t term = 0;

    world->stats->checks[CHECK_IDLE]++;
    for (int i = 0; i < IDLE_WINDOWS; i++) {
        n_blocks = world->pool.n_blocks;
        term = highest_term(world);
        world_run_until(world, world->now_ms + IDLE_MS);
        if (world->pool.n_blocks == n_blocks && highest_term(world) == term)
            return;
    }
    check_fail(world, CHECK_IDLE,
               "%" PRIu32 " blocks proposed, %" PRIu64 " terms begun in %u ms with nothing to do",
               world->pool.n_blocks - n_blocks, highest_term(world) - term, IDLE_MS);
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
        world->seed % 4 != 2)
        watch_idle(world);
    if (!world->checkers.has_failed)
        check_end(world);
    return !world->checkers.has_failed;
}

bool schedule_run(struct world *world, const struct plan *plan)
{
    plan_begin(world, plan);
    for (uint32_t i = 0; i < plan->n_strikes && !world->checkers.has_failed; i++) {
        world_run_until(world, plan->strikes[i].at_ms);
        if (!world->checkers.has_failed)
            strike_do(world, &plan->strikes[i]);
    }
    if (!world->checkers.has_failed)
        world_run_until(world, plan->end_ms);
    bool has_passed = !world->checkers.has_failed && schedule_finish(world);
    world->stats->schedules++;
    return has_passed;
}
