/* One point: a node is stopped there, its disks are looked at, it goes on. */
#include <stdio.h>

#include "common/must.h"
#include "tests/crash/world.h"

#define REACH_MS 16000u
#define SIGN_MS 25000u
#define TEARS_MAX 6
#define ARRIVE_MS 40u /* what was on its way to the clients */

static void arm(struct world *world, uint32_t site, enum crash_mode mode, int only_node)
{
    struct crash_control *control = world->control;
    control->armed = site;
    control->mode = mode;
    control->only_node = only_node;
    atomic_store(&control->countdown, 1);
    atomic_store(&control->state, CRASH_ARMED);
}

/* -1: nobody came by. */
static int await_fire(struct world *world, const char *site)
{
    struct crash_control *control = world->control;
    struct provoker provoker;
    uint64_t end_ms = now_ms() + REACH_MS;
    provoke_begin(&provoker, site);
    while (atomic_load(&control->state) != CRASH_FIRED && now_ms() < end_ms) {
        provoke_turn(world, &provoker);
        world_turn(world, 5);
    }
    provoke_end(world, &provoker);
    int armed = CRASH_ARMED;
    if (atomic_compare_exchange_strong(&control->state, &armed, CRASH_IDLE))
        return -1;
    return atomic_load(&control->fired_node);
}

/* Both processes are gone, the clients have what was sent to them, and the safety file
 * is as the power cut left it. */
static bool settle(struct world *world, uint32_t node)
{
    struct node *it = &world->nodes[node];
    while (it->consensus.pid != 0)
        world_turn(world, 1); /* it kills itself */
    cluster_kill_postgres(world, node);
    atomic_store(&world->control->state, CRASH_IDLE);
    world_turn(world, ARRIVE_MS);
    return disk_restore_file(world, node);
}

bool point_await_signing(struct world *world, uint32_t node, uint32_t n_signed)
{
    uint64_t end_ms = now_ms() + SIGN_MS;
    while (atomic_load(&world->control->nodes[node].n_signed) == n_signed) {
        if (now_ms() >= end_ms)
            return false;
        world_turn(world, 5);
    }
    return true;
}

static bool is_repair(const char *site)
{
    const char *kind = strrchr(site, '.');
    return kind != NULL && strcmp(kind, ".repair") == 0;
}

/* A repair needs a torn file first. Leaves that node's consensus down, its database up. */
static int tear(struct world *world)
{
    arm(world, crash_site_find(world->control, "file.write.vote"), CRASH_HALFWAY, CRASH_ANY_NODE);
    int node = await_fire(world, "file.write.vote");
    if (node < 0)
        return -1;
    if (!settle(world, (uint32_t)node))
        return -1;
    cluster_start_postgres(world, (uint32_t)node);
    disk_check(world, (uint32_t)node);
    return node;
}

/* The repair comes before the first signature, if the torn file needs one at all: only
 * when the database had got ahead of it. */
static bool is_hit_at_start(struct world *world, uint32_t site, enum crash_mode mode, uint32_t node)
{
    struct crash_control *control = world->control;
    uint32_t n_signed = atomic_load(&control->nodes[node].n_signed);
    uint64_t end_ms = now_ms() + REACH_MS;
    arm(world, site, mode, (int)node);
    cluster_start_consensus(world, node);
    while (atomic_load(&control->state) != CRASH_FIRED && now_ms() < end_ms &&
           atomic_load(&control->nodes[node].n_signed) == n_signed)
        world_turn(world, 5);
    int armed = CRASH_ARMED;
    return !atomic_compare_exchange_strong(&control->state, &armed, CRASH_IDLE);
}

static int hit_repair(struct world *world, uint32_t site, enum crash_mode mode)
{
    for (int i = 0; i < TEARS_MAX; i++) {
        int node = tear(world);
        if (node >= 0 && is_hit_at_start(world, site, mode, (uint32_t)node))
            return node;
    }
    return -1;
}

static int hit(struct world *world, uint32_t site, enum crash_mode mode)
{
    const char *name = world->control->sites[site].name;
    if (is_repair(name))
        return hit_repair(world, site, mode);
    arm(world, site, mode, CRASH_ANY_NODE);
    return await_fire(world, name);
}

static uint32_t n_findings(const struct world *world)
{
    return world->n_forgotten + world->n_lost + world->n_mute + world->n_aborted;
}

enum point_result point_run(struct world *world, uint32_t site, enum crash_mode mode)
{
    uint32_t n_before = n_findings(world);
    int fired = hit(world, site, mode);
    if (fired < 0)
        return n_findings(world) == n_before ? POINT_NOT_REACHED : POINT_FAILED;

    uint32_t node = (uint32_t)fired;
    if (!settle(world, node)) {
        (void)fprintf(stderr, "crashpoints: n%u: its safety file cannot be put back\n", node + 1);
        return POINT_FAILED;
    }
    cluster_start_postgres(world, node);
    disk_check(world, node);
    if (world->options.plant != NULL && n_findings(world) != n_before)
        return POINT_FAILED; /* the red control has shown what it was to show */

    uint32_t n_signed = atomic_load(&world->control->nodes[node].n_signed);
    cluster_start_consensus(world, node);
    if (!point_await_signing(world, node, n_signed))
        world_find(world, &world->n_mute, "n%u does not sign any more (see its log)", node + 1);
    return n_findings(world) == n_before ? POINT_HELD : POINT_FAILED;
}
