#include "services/apm2d/child.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_MIN_MS 500u
#define BACKOFF_MAX_MS 30000u
#define SHORT_LIFE_MS 10000u
#define SHORT_LIVES_MAX 5u
#define LOG_BYTES_MAX (64 * 1024 * 1024)
#define EXIT_FENCED 75

const char *child_state_text(enum child_state state)
{
#define CHILD_STATE_TEXT(name, text) text,
    static const char *const texts[] = {CHILD_STATES(CHILD_STATE_TEXT)};
#undef CHILD_STATE_TEXT
    return texts[state];
}

/* One generation is kept: enough to see what led to the present one. */
static void rotate_log(const char *path)
{
    struct stat info;
    char old[1024];
    if (stat(path, &info) != 0 || info.st_size < LOG_BYTES_MAX)
        return;
    if (snprintf(old, sizeof(old), "%s.1", path) < (int)sizeof(old))
        (void)rename(path, old);
}

static int become(const char *user)
{
    if (user == NULL)
        return 0;
    struct passwd *entry = getpwnam(user);
    if (entry == NULL || initgroups(user, entry->pw_gid) != 0)
        return -1;
    return setgid(entry->pw_gid) != 0 ? -1 : setuid(entry->pw_uid);
}

_Noreturn static void run(const struct child *child, pid_t parent)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD};
    sigset_t none;
    for (size_t i = 0; i < N_ELEMENTS(signals); i++)
        (void)signal(signals[i], SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);

    int log = open(child->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    if (become(child->user) != 0) {
        (void)dprintf(STDERR_FILENO, "cannot become user %s\n", child->user);
        _exit(126);
    }
    /* After the change of user, which clears it; the parent may already be gone. */
    (void)prctl(PR_SET_PDEATHSIG, child->orphan_signal);
    if (getppid() != parent)
        _exit(126);
    (void)execv(child->argv[0], (char *const *)(uintptr_t)child->argv);
    (void)dprintf(STDERR_FILENO, "cannot run %s: errno %d\n", child->argv[0], errno);
    _exit(127);
}

static uint64_t jitter_ms(uint64_t span_ms)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        return 0;
    return random % (span_ms + 1);
}

static void wait_for_next(struct child *child, uint64_t now_ms)
{
    uint64_t wait_ms = BACKOFF_MIN_MS;
    for (uint32_t i = 1; i < child->n_short_lives && wait_ms < BACKOFF_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > BACKOFF_MAX_MS)
        wait_ms = BACKOFF_MAX_MS;
    child->state = CHILD_WAITING;
    child->next_start_ms = now_ms + wait_ms + jitter_ms(wait_ms / 5);
}

static void launch(struct child *child, uint64_t now_ms)
{
    rotate_log(child->log_path);
    /* A signal between fork and exec must not meet this process's handlers. */
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run(child, parent);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        LOG_ERROR("cannot_fork", F_STR("node", child->node), F_STR("service", child->service));
        child->n_short_lives++;
        wait_for_next(child, now_ms);
        return;
    }
    child->pid = pid;
    child->state = CHILD_UP;
    child->started_ms = now_ms;
    LOG_INFO("started", F_STR("of", child->node), F_STR("what", child->service),
             F_U64("pid", (uint64_t)pid));
}

void child_start(struct child *child, uint64_t now_ms)
{
    if (child->state == CHILD_UP || child->state == CHILD_STOPPING)
        return;
    child->n_short_lives = 0;
    launch(child, now_ms);
}

void child_stop(struct child *child, uint64_t now_ms)
{
    if (child->state == CHILD_UP) {
        child->state = CHILD_STOPPING;
        child->kill_at_ms = now_ms + child->grace_ms;
        (void)kill(child->pid, child->stop_signal);
    } else if (child->state != CHILD_STOPPING) {
        child->state = CHILD_STOPPED;
    }
}

bool child_is_down(const struct child *child)
{
    return child->state != CHILD_UP && child->state != CHILD_STOPPING &&
           child->state != CHILD_WAITING;
}

void child_last_exit(const struct child *child, char *out, size_t capacity)
{
    out[0] = 0;
    if (!child->has_exited)
        return;
    if (WIFSIGNALED(child->last_status))
        (void)snprintf(out, capacity, "killed by signal %d", WTERMSIG(child->last_status));
    else
        (void)snprintf(out, capacity, "exit %d", WEXITSTATUS(child->last_status));
}

static void died(struct child *child, uint64_t now_ms)
{
    char how[64];
    child_last_exit(child, how, sizeof(how));
    bool was_short = now_ms - child->started_ms < SHORT_LIFE_MS;
    child->n_short_lives = was_short ? child->n_short_lives + 1 : 1;
    child->n_restarts++;

    if (WIFEXITED(child->last_status) && WEXITSTATUS(child->last_status) == EXIT_FENCED)
        child->state = CHILD_FENCED;
    else if (child->n_short_lives >= SHORT_LIVES_MAX)
        child->state = CHILD_FAILED;
    else
        wait_for_next(child, now_ms);

    if (child->state == CHILD_WAITING)
        LOG_WARN("crash", F_STR("of", child->node), F_STR("what", child->service),
                 F_STR("how", how), F_U64("restart_in_ms", child->next_start_ms - now_ms));
    else
        LOG_ERROR("given_up", F_STR("of", child->node), F_STR("what", child->service),
                  F_STR("how", how), F_STR("state", child_state_text(child->state)));
}

bool child_exited(struct child *child, pid_t pid, int status, uint64_t now_ms)
{
    bool is_running = child->state == CHILD_UP || child->state == CHILD_STOPPING;
    if (!is_running || child->pid != pid)
        return false;
    child->last_status = status;
    child->has_exited = true;
    child->pid = 0;
    if (child->state == CHILD_STOPPING) {
        child->state = CHILD_STOPPED;
        LOG_INFO("stopped", F_STR("of", child->node), F_STR("what", child->service));
    } else if (child->is_one_shot && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        child->state = CHILD_DONE;
    } else {
        died(child, now_ms);
    }
    return true;
}

void child_turn(struct child *child, uint64_t now_ms)
{
    if (child->state == CHILD_WAITING && now_ms >= child->next_start_ms) {
        launch(child, now_ms);
    } else if (child->state == CHILD_STOPPING && now_ms >= child->kill_at_ms) {
        LOG_WARN("killed_after_grace", F_STR("of", child->node), F_STR("what", child->service));
        (void)kill(child->pid, child->kill_signal);
        child->kill_signal = SIGKILL;
        child->kill_at_ms = now_ms + child->grace_ms;
    }
}

uint64_t child_deadline_ms(const struct child *child)
{
    if (child->state == CHILD_WAITING)
        return child->next_start_ms;
    return child->state == CHILD_STOPPING ? child->kill_at_ms : CLOCK_NEVER;
}
