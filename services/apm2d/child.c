#include "services/apm2d/child.h"

#include "common/clock.h"
#include "common/log.h"
#include "services/apm2d/spawn.h"

#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/wait.h>

bool child_exists(const struct child *child)
{
    return child->argv[0] != NULL;
}

static uint32_t any_number(void)
{
    uint32_t random = 0;
    /* Without one the restarts are merely less spread. */
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    return random;
}

static void launch(struct child *child, uint64_t now_ms)
{
    pid_t pid = spawn(child);
    if (pid < 0) {
        LOG_ERROR("cannot_fork", F_STR("of", child->node), F_STR("what", child->service));
        life_not_launched(&child->life, any_number(), now_ms);
        return;
    }
    life_launched(&child->life, now_ms);
    child->pid = pid;
    child->is_killed = false;
    child->status[0] = 0;
    LOG_INFO("started", F_STR("of", child->node), F_STR("what", child->service),
             F_U64("pid", (uint64_t)pid));
}

static void obey(struct child *child, enum life_order order, uint64_t now_ms)
{
    switch (order) {
    case LIFE_LEAVE:
        break;
    case LIFE_LAUNCH:
        launch(child, now_ms);
        break;
    case LIFE_ASK:
        (void)kill(child->pid, child->stop_signal);
        break;
    case LIFE_KILL:
        LOG_WARN("killed_after_grace", F_STR("of", child->node), F_STR("what", child->service));
        (void)kill(child->pid, child->is_killed ? SIGKILL : child->kill_signal);
        child->is_killed = true;
        break;
    case LIFE_END:
        LOG_ERROR("silent", F_STR("of", child->node), F_STR("what", child->service),
                  F_U64("for_ms", now_ms - child->life.heard_ms), F_STR("done", "killed"));
        (void)kill(child->pid, SIGKILL);
        break;
    }
}

void child_start(struct child *child, uint64_t now_ms)
{
    obey(child, life_start(&child->life, now_ms), now_ms);
}

void child_stop(struct child *child, uint64_t now_ms)
{
    obey(child, life_stop(&child->life, now_ms), now_ms);
}

void child_restart(struct child *child, uint64_t now_ms)
{
    obey(child, life_restart(&child->life, now_ms), now_ms);
}

/* Before it is ready it may not handle the signal yet, and would die of it. */
void child_reload(const struct child *child)
{
    if (child->has_reload && child->life.state == LIFE_UP)
        (void)kill(child->pid, SIGHUP);
}

void child_last_exit(const struct child *child, char *out, size_t capacity)
{
    out[0] = 0;
    if (!child->has_exited)
        return;
    if (child->was_hung)
        (void)snprintf(out, capacity, "silent, killed");
    else if (WIFSIGNALED(child->last_status))
        (void)snprintf(out, capacity, "killed by signal %d", WTERMSIG(child->last_status));
    else
        (void)snprintf(out, capacity, "exit %d", WEXITSTATUS(child->last_status));
}

static void log_end(const struct child *child, uint64_t now_ms)
{
    const struct life *life = &child->life;
    char how[64];
    child_last_exit(child, how, sizeof(how));
    switch (life->state) {
    case LIFE_WAITING:
        LOG_WARN("crash", F_STR("of", child->node), F_STR("what", child->service),
                 F_STR("how", how), F_U64("restart_in_ms", life->next_start_ms - now_ms));
        break;
    case LIFE_FENCED:
    case LIFE_FAILED:
        LOG_ERROR("given_up", F_STR("of", child->node), F_STR("what", child->service),
                  F_STR("how", how), F_STR("state", life_state_text(life->state)));
        break;
    case LIFE_STOPPED:
    case LIFE_STARTING:
    case LIFE_UP:
    case LIFE_STOPPING:
    case LIFE_HUNG:
    case LIFE_DONE:
        LOG_INFO("stopped", F_STR("of", child->node), F_STR("what", child->service));
        break;
    }
}

bool child_exited(struct child *child, pid_t pid, int status, uint64_t now_ms)
{
    if (!life_has_process(&child->life) || child->pid != pid)
        return false;
    struct life_end end = {.has_exited = WIFEXITED(status)};
    end.code = end.has_exited ? WEXITSTATUS(status) : 0;
    child->was_hung = child->life.state == LIFE_HUNG;
    child->last_status = status;
    child->has_exited = true;
    child->pid = 0;
    child->status[0] = 0;
    enum life_order order = life_ended(&child->life, end, any_number(), now_ms);
    log_end(child, now_ms);
    obey(child, order, now_ms);
    return true;
}

static void keep_status(struct child *child, const char *text, size_t size)
{
    (void)snprintf(child->status, sizeof(child->status), "%.*s", (int)size, text);
    /* It goes into JSON: whatever was cut in the middle of a character must not. */
    for (char *at = child->status; *at != 0; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

static bool is_word(const char *line, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(line, word, size) == 0;
}

void child_said(struct child *child, const char *words, uint64_t now_ms)
{
    bool is_ready = false, is_alive = false;
    for (const char *line = words; *line != 0;) {
        size_t size = strcspn(line, "\n");
        is_ready |= is_word(line, size, "READY=1");
        is_alive |= is_word(line, size, "WATCHDOG=1");
        if (size > 7 && memcmp(line, "STATUS=", 7) == 0)
            keep_status(child, line + 7, size - 7);
        line += size;
        line += *line == '\n';
    }
    bool was_up = child->life.state == LIFE_UP;
    if (is_ready || is_alive)
        life_heard(&child->life, is_ready, now_ms);
    if (!was_up && child->life.state == LIFE_UP)
        LOG_INFO("ready", F_STR("of", child->node), F_STR("what", child->service),
                 F_U64("after_ms", now_ms - child->life.started_ms));
}

void child_turn(struct child *child, uint64_t now_ms)
{
    obey(child, life_turn(&child->life, now_ms), now_ms);
}

uint64_t child_deadline_ms(const struct child *child)
{
    uint64_t deadline_ms = life_deadline_ms(&child->life);
    return deadline_ms == UINT64_MAX ? CLOCK_NEVER : deadline_ms;
}
