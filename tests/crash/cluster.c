/* The cluster's processes. The watcher of `apm2 dev` waits before it restarts and gives
 * up on who dies often; here dying often is the purpose. */
#include "tests/crash/world.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/must.h"

#define PAUSE_MS 200u /* before who ended by itself is started again */
#define STOP_MS 15000u

uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void cluster_prepare(struct world *world)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/crash.control", world->options.dir);
    world->control = crash_control_map(path, true);
    if (world->control == NULL) {
        (void)fprintf(stderr, "crashpoints: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        (void)snprintf(world->nodes[i].dir, sizeof(world->nodes[i].dir), "%s/n%u",
                       world->options.dir, i + 1);
}

/* ---- starting ---- */

static void become_postgres(void)
{
    if (geteuid() != 0)
        return;
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL || initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0)
        _exit(126);
}

static void set_log(const struct node *node, const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/log/%s.log", node->dir, name);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(126);
}

/* Nothing outlives the driver. */
static void tie_to(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
}

static void set_environment(const struct world *world, uint32_t node, bool is_postgres)
{
    char path[300], number[8];
    (void)snprintf(path, sizeof(path), "%s/crash.control", world->options.dir);
    (void)snprintf(number, sizeof(number), "%u", node);
    (void)setenv("LD_PRELOAD", world->options.library, 1);
    if (is_postgres) {
        (void)setenv(CRASH_ENV_ROLE, "postgres", 1);
        return;
    }
    (void)setenv(CRASH_ENV_CONTROL, path, 1);
    (void)setenv(CRASH_ENV_NODE, number, 1);
    (void)setenv(CRASH_ENV_PLANT, world->options.plant != NULL ? world->options.plant : "", 1);
    (void)setenv("APM2_LOG_LEVEL", "debug", 1); /* the signers' lines */
}

static pid_t spawn(const struct world *world, uint32_t i, bool is_postgres)
{
    const struct node *node = &world->nodes[i];
    pid_t parent = getpid();
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid > 0)
        return pid;
    char data[300];
    set_log(node, is_postgres ? "postgresql" : "consensus");
    set_environment(world, i, is_postgres);
    if (is_postgres) {
        (void)snprintf(data, sizeof(data), "%s/pg", node->dir);
        become_postgres();
        tie_to(parent);
        /* Only a red control has commits that wait for the WAL writer. And one sync of the
         * file system at a recovery, instead of one of each file: hundreds of starts. */
        (void)execl(world->options.postgres, "postgres", "-D", data, "-c", "wal_writer_delay=10s",
                    "-c", "recovery_init_sync_method=syncfs", (char *)NULL);
    } else {
        (void)snprintf(data, sizeof(data), "%s/apm2.yaml", node->dir);
        tie_to(parent);
        (void)execl(world->options.consensus, "apm2-consensus", "--config", data, (char *)NULL);
    }
    _exit(127);
}

void cluster_start_postgres(struct world *world, uint32_t node)
{
    struct child *child = &world->nodes[node].postgres;
    MUST(child->pid == 0);
    child->is_wanted = true;
    child->pid = spawn(world, node, true);
    atomic_store(&world->control->nodes[node].postmaster, child->pid);
}

void cluster_start_consensus(struct world *world, uint32_t node)
{
    struct child *child = &world->nodes[node].consensus;
    MUST(child->pid == 0);
    child->is_wanted = true;
    child->pid = spawn(world, node, false);
}

/* ---- ending ---- */

static void kill_child(struct child *child)
{
    child->is_wanted = false;
    if (child->pid == 0)
        return;
    (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    child->pid = 0;
}

/* Nobody is to kill who has these numbers next. */
static void forget_consensus(struct world *world, uint32_t node)
{
    atomic_store(&world->control->nodes[node].consensus, 0);
    atomic_store(&world->control->nodes[node].signer, 0);
}

void cluster_kill_consensus(struct world *world, uint32_t node)
{
    kill_child(&world->nodes[node].consensus);
    forget_consensus(world, node);
}

void cluster_kill_postgres(struct world *world, uint32_t node)
{
    kill_child(&world->nodes[node].postgres);
    atomic_store(&world->control->nodes[node].postmaster, 0);
}

static void note_end(struct world *world, uint32_t i, bool is_consensus, int status)
{
    struct node *node = &world->nodes[i];
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV))
        world_find(world, &world->n_aborted, "n%u: %s ended by signal %d", i + 1,
                   is_consensus ? "apm2-consensus" : "postgres", WTERMSIG(status));
    node->n_exits++;
}

static void reap(struct world *world, uint32_t i, struct child *child, bool is_consensus)
{
    int status;
    if (child->pid == 0 || waitpid(child->pid, &status, WNOHANG) != child->pid)
        return;
    child->pid = 0;
    child->start_ms = now_ms() + PAUSE_MS;
    if (is_consensus)
        forget_consensus(world, i);
    else
        atomic_store(&world->control->nodes[i].postmaster, 0);
    bool is_by_us = atomic_load(&world->control->state) == CRASH_FIRED &&
                    (world->control->is_room || atomic_load(&world->control->fired_node) == (int)i);
    if (is_by_us)
        child->is_wanted = false;
    else if (child->is_wanted)
        note_end(world, i, is_consensus, status);
}

void cluster_turn(struct world *world)
{
    for (uint32_t i = 0; i < CRASH_NODES; i++) {
        struct node *node = &world->nodes[i];
        reap(world, i, &node->postgres, false);
        reap(world, i, &node->consensus, true);
        if (node->postgres.is_wanted && node->postgres.pid == 0 &&
            now_ms() >= node->postgres.start_ms)
            cluster_start_postgres(world, i);
        if (node->consensus.is_wanted && node->consensus.pid == 0 &&
            now_ms() >= node->consensus.start_ms)
            cluster_start_consensus(world, i);
    }
}

static void stop_child(struct child *child, int signal)
{
    uint64_t end_ms = now_ms() + STOP_MS;
    struct timespec pause = {.tv_nsec = 20000000};
    child->is_wanted = false;
    if (child->pid == 0)
        return;
    if (signal != 0)
        (void)kill(child->pid, signal);
    while (now_ms() < end_ms) {
        if (waitpid(child->pid, NULL, WNOHANG) != 0) {
            child->pid = 0;
            return;
        }
        (void)nanosleep(&pause, NULL);
    }
    kill_child(child);
}

void cluster_stop(struct world *world)
{
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        if (world->nodes[i].consensus.pid > 0)
            (void)kill(world->nodes[i].consensus.pid, SIGTERM);
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        stop_child(&world->nodes[i].consensus, 0); /* asked already */
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        stop_child(&world->nodes[i].postgres, SIGINT);
}

bool cluster_apm2(const struct world *world, const char *const *args)
{
    const char *argv[16] = {"apm2", "--cluster", world->options.dir, "--no-color"};
    size_t n = 4;
    int status = -1;
    while (*args != NULL && n + 1 < N_ELEMENTS(argv))
        argv[n++] = *args++;
    pid_t pid = fork();
    if (pid == 0) {
        char path[300];
        (void)snprintf(path, sizeof(path), "%s/apm2.log", world->options.dir);
        int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
            _exit(126);
        (void)execv(world->options.apm2, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
