#include "tests/crash/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct shim shim = {.signer_fds = {-1, -1}, .kind = "none", .cut_fd = -1};

void *shim_next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL)
        abort();
    return function;
}

static enum crash_plant plant_of(const char *name)
{
    if (name == NULL || *name == 0)
        return CRASH_PLANT_NONE;
    if (strcmp(name, "async-commit") == 0)
        return CRASH_PLANT_ASYNC_COMMIT;
    if (strcmp(name, "no-sync") == 0)
        return CRASH_PLANT_NO_SYNC;
    abort(); /* the driver knows the names */
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(CRASH_ENV_CONTROL);
    const char *node = getenv(CRASH_ENV_NODE);
    if (path == NULL || node == NULL)
        return;
    shim.control = crash_control_map(path, false);
    shim.node = (int)strtoul(node, NULL, 10);
    if (shim.control == NULL || shim.node >= (int)CRASH_NODES)
        abort();
    shim.self = &shim.control->nodes[shim.node];
    shim.plant = plant_of(getenv(CRASH_ENV_PLANT));
    shim.consensus = getpid();
    atomic_store(&shim.self->signer, 0);
    atomic_store(&shim.self->consensus, shim.consensus);
}

bool shim_is_signer(void)
{
    return shim.control != NULL && getpid() != shim.consensus;
}

bool shim_is_node(void)
{
    return shim.control != NULL && gettid() == shim.consensus;
}

enum crash_mode shim_at(const char *site, const char *kind)
{
    struct crash_control *control = shim.control;
    char name[CRASH_NAME_MAX];
    if (kind != NULL)
        (void)snprintf(name, sizeof(name), "%s.%s", site, kind);
    else
        (void)snprintf(name, sizeof(name), "%s", site);

    uint32_t i = crash_site_find(control, name);
    if (i == CRASH_SITES_MAX)
        return CRASH_PASS;
    atomic_fetch_add(&control->sites[i].n_seen, 1);
    if (shim.die_at_ms != 0 || atomic_load(&control->state) != CRASH_ARMED || control->armed != i ||
        (control->only_node != CRASH_ANY_NODE && control->only_node != shim.node) ||
        atomic_fetch_sub(&control->countdown, 1) != 1)
        return CRASH_PASS;
    atomic_store(&control->fired_node, shim.node);
    atomic_store(&control->state, CRASH_FIRED);
    return control->mode;
}

static void kill_one(const atomic_int *pid)
{
    int it = atomic_load(pid);
    if (it > 0 && it != getpid())
        (void)kill(it, SIGKILL);
}

/* The postmaster takes its processes with it (fork, below); so does consensus its
 * signer. No process is left to finish what it was at. */
static void kill_node(const struct crash_node *node)
{
    kill_one(&node->postmaster);
    kill_one(&node->consensus);
    kill_one(&node->signer);
}

void shim_stop_database(void)
{
    kill_one(&shim.self->postmaster);
}

void shim_stop_disks(void)
{
    shim_stop_database();
    kill_one(&shim.self->signer);
}

_Noreturn void shim_die(void)
{
    kill_node(shim.self);
    for (uint32_t i = 0; shim.control->is_room && i < CRASH_NODES; i++)
        kill_node(&shim.control->nodes[i]);
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

_Noreturn void shim_die_later(void)
{
    struct timespec grace = {.tv_nsec = SHIM_GRACE_MS * 1000000L};
    (void)nanosleep(&grace, NULL);
    shim_die();
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void shim_die_after(uint64_t ms)
{
    shim.die_at_ms = now_ms() + ms;
}

void shim_end_turn(void)
{
    if (shim.die_at_ms != 0 && now_ms() >= shim.die_at_ms)
        shim_die();
}

/* PostgreSQL's processes are to end with the postmaster, not when they notice. */
SHIM_API pid_t fork(void)
{
    pid_t parent = getpid();
    pid_t pid = SHIM_NEXT(fork)();
    if (pid != 0)
        return pid;
    const char *role = getenv(CRASH_ENV_ROLE);
    if (role != NULL && strcmp(role, "postgres") == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            (void)kill(getpid(), SIGKILL);
    } else if (shim.control != NULL) {
        atomic_store(&shim.self->signer, getpid());
    }
    return pid;
}

SHIM_API int socketpair(int domain, int type, int protocol, int fds[2])
{
    int result = SHIM_NEXT(socketpair)(domain, type, protocol, fds);
    if (result == 0 && shim_is_node() && type == (SOCK_SEQPACKET | SOCK_CLOEXEC)) {
        shim.signer_fds[0] = fds[0];
        shim.signer_fds[1] = fds[1];
    }
    return result;
}
