/* Rare sites wait for rare things: a start, a silent leader, an operator's wish. */
#include <signal.h>
#include <stdio.h>

#include "tests/crash/world.h"

#define STEP_MS 1500u
#define AWAY_MS 2500u

enum deed { WAIT, RESTART, KILL_LEADER, TRANSFER, FREEZE_LEADER, STAY_AWAY, DEEDS };

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* What makes this site happen soonest; the rest follows in turn. */
static enum deed first_deed(const char *site)
{
    static const struct {
        const char *prefix;
        enum deed deed;
    } deeds[] = {
        {"session.", RESTART},        {"read.", RESTART},
        {"signer.hello", RESTART},    {"file.sync.open", RESTART},
        {"bus.rank_", RESTART},       {"bus.range", STAY_AWAY},
        {"bus.block_", STAY_AWAY},    {"bus.transfer", TRANSFER},
        {"bus.timeout", KILL_LEADER}, {"bus.certificate", KILL_LEADER},
    };
    const char *kind = strrchr(site, '.');
    for (size_t i = 0; i < N_ELEMENTS(deeds); i++)
        if (begins(site, deeds[i].prefix))
            return deeds[i].deed;
    return kind != NULL && strcmp(kind, ".timeout") == 0 ? KILL_LEADER : WAIT;
}

void provoke_begin(struct provoker *provoker, const char *site)
{
    *provoker = (struct provoker){.step = first_deed(site), .stopped = -1};
}

static uint32_t leader_of(const struct world *world)
{
    return (uint32_t)atomic_load(&world->control->leader) % CRASH_NODES;
}

static void keep_down(struct world *world, struct provoker *provoker, uint32_t node, uint64_t ms)
{
    cluster_kill_consensus(world, node);
    provoker->stopped = (int)node;
    provoker->release_ms = now_ms() + ms;
}

static void freeze(struct world *world, struct provoker *provoker, uint32_t node)
{
    if (world->nodes[node].consensus.pid == 0)
        return;
    (void)kill(world->nodes[node].consensus.pid, SIGSTOP);
    provoker->stopped = (int)node;
    provoker->release_ms = now_ms() + AWAY_MS;
}

static void transfer(const struct world *world)
{
    uint32_t leader = leader_of(world);
    char from[8], to[8];
    (void)snprintf(from, sizeof(from), "n%u", (leader + 1) % CRASH_NODES + 1);
    (void)snprintf(to, sizeof(to), "n%u", (leader + 2) % CRASH_NODES + 1);
    const char *const args[] = {
        "--node", from, "--timeout", "3s", "consensus", "transfer-leadership", "--to", to, NULL};
    (void)cluster_apm2(world, args);
}

static void release(struct world *world, struct provoker *provoker)
{
    if (provoker->stopped < 0)
        return;
    uint32_t node = (uint32_t)provoker->stopped;
    provoker->stopped = -1;
    if (world->nodes[node].consensus.pid != 0)
        (void)kill(world->nodes[node].consensus.pid, SIGCONT);
    else
        cluster_start_consensus(world, node);
}

static void act(struct world *world, struct provoker *provoker, enum deed deed)
{
    uint32_t follower = (leader_of(world) + 1 + provoker->step % 3) % CRASH_NODES;
    switch (deed) {
    case RESTART:
        keep_down(world, provoker, follower, 0);
        break;
    case KILL_LEADER:
        keep_down(world, provoker, leader_of(world), AWAY_MS);
        break;
    case TRANSFER:
        transfer(world);
        break;
    case FREEZE_LEADER:
        freeze(world, provoker, leader_of(world));
        break;
    case STAY_AWAY:
        keep_down(world, provoker, follower, AWAY_MS);
        break;
    case WAIT:
    case DEEDS:
        break;
    }
}

void provoke_turn(struct world *world, struct provoker *provoker)
{
    uint64_t now = now_ms();
    if (provoker->stopped >= 0 && now >= provoker->release_ms)
        release(world, provoker);
    if (provoker->stopped >= 0 || now < provoker->next_ms)
        return;
    act(world, provoker, (enum deed)(provoker->step % DEEDS));
    provoker->step++;
    provoker->next_ms = now + STEP_MS;
}

void provoke_end(struct world *world, struct provoker *provoker)
{
    release(world, provoker);
}
