/* One point: a node, or the whole room with it, loses its power there; its disks are looked
 * at; it goes on. */
#include <stdio.h>

#include "common/must.h"
#include "tests/crash/world.h"

#define REACH_MS 16000u
#define SIGN_MS 25000u
#define TEARS_MAX 6
#define ARRIVE_MS 40u /* what was on its way to the clients */

static void arm(struct world *world, const struct point *point, int only_node)
{
    struct crash_control *control = world->control;
    control->armed = point->site;
    control->mode = point->mode;
    control->is_room = point->is_room;
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

/* A node without power: both processes are gone, and the safety file is as it was left. */
static void put_out(struct world *world, uint32_t node)
{
    struct node *it = &world->nodes[node];
    if (atomic_load(&world->control->fired_node) != (int)node)
        cluster_kill_consensus(world, node); /* whom the room's cut met at a start */
    while (it->consensus.pid != 0)
        world_turn(world, 1); /* it kills itself */
    cluster_kill_postgres(world, node);
    disk_restore_file(world, node);
}

static bool is_struck(const struct world *world, uint32_t node)
{
    return world->control->is_room || atomic_load(&world->control->fired_node) == (int)node;
}

/* The power is back: databases first, and a look at what the disks hold. */
static void recover(struct world *world)
{
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        if (is_struck(world, i))
            put_out(world, i);
    atomic_store(&world->control->state, CRASH_IDLE);
    world_turn(world, ARRIVE_MS);
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        if (is_struck(world, i))
            cluster_start_postgres(world, i);
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        if (is_struck(world, i))
            disk_check(world, i);
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
    struct point point = {crash_site_find(world->control, "file.write.vote"), CRASH_HALFWAY, false};
    arm(world, &point, CRASH_ANY_NODE);
    int node = await_fire(world, "file.write.vote");
    if (node < 0)
        return -1;
    recover(world);
    return node;
}

/* The repair comes before the first signature, if the torn file needs one at all: only
 * when the database had got ahead of it. */
static bool is_hit_at_start(struct world *world, const struct point *point, uint32_t node)
{
    struct crash_control *control = world->control;
    uint32_t n_signed = atomic_load(&control->nodes[node].n_signed);
    uint64_t end_ms = now_ms() + REACH_MS;
    arm(world, point, (int)node);
    cluster_start_consensus(world, node);
    while (atomic_load(&control->state) != CRASH_FIRED && now_ms() < end_ms &&
           atomic_load(&control->nodes[node].n_signed) == n_signed)
        world_turn(world, 5);
    int armed = CRASH_ARMED;
    return !atomic_compare_exchange_strong(&control->state, &armed, CRASH_IDLE);
}

static int hit_repair(struct world *world, const struct point *point)
{
    for (int i = 0; i < TEARS_MAX; i++) {
        int node = tear(world);
        if (node >= 0 && is_hit_at_start(world, point, (uint32_t)node))
            return node;
    }
    return -1;
}

static int hit(struct world *world, const struct point *point)
{
    const char *name = world->control->sites[point->site].name;
    if (is_repair(name))
        return hit_repair(world, point);
    arm(world, point, CRASH_ANY_NODE);
    return await_fire(world, name);
}

static uint32_t n_findings(const struct world *world)
{
    return world->n_forgotten + world->n_lost + world->n_mute + world->n_aborted;
}

/* Consensus again, and each of them back at its work. */
static void resume(struct world *world)
{
    uint32_t n_signed[CRASH_NODES];
    for (uint32_t i = 0; i < CRASH_NODES; i++) {
        n_signed[i] = atomic_load(&world->control->nodes[i].n_signed);
        if (is_struck(world, i))
            cluster_start_consensus(world, i);
    }
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        if (is_struck(world, i) && !point_await_signing(world, i, n_signed[i]))
            world_find(world, &world->n_mute, "n%u does not sign any more (see its log)", i + 1);
}

enum point_result point_run(struct world *world, const struct point *point)
{
    uint32_t n_before = n_findings(world);
    world->control->is_room = false;
    if (hit(world, point) < 0)
        return n_findings(world) == n_before ? POINT_NOT_REACHED : POINT_FAILED;
    recover(world);
    if (world->options.is_expecting && n_findings(world) != n_before)
        return POINT_FAILED; /* the red control has shown what it was to show */
    resume(world);
    return n_findings(world) == n_before ? POINT_HELD : POINT_FAILED;
}
