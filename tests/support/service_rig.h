/*
 * service_rig - a service that counts, in a process of its own with its own run
 * directory, asked over its admin socket and its health port.
 */
#ifndef APM2_TESTS_SERVICE_RIG_H
#define APM2_TESTS_SERVICE_RIG_H

#include "common/clock.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/service.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 5000u

/* The service: counts what happens to it and tells when asked. */
struct counter {
    struct service_env *env;
    int prefork_pid;
    int reloads;
    int drains_left;
    bool is_healthy;
};

static enum apm_err counter_prefork(void *state, struct service_env *env)
{
    struct counter *counter = state;
    bool is_early = env->zmq == NULL && env->loop == NULL && env->lock.fd >= 0;
    counter->prefork_pid = is_early ? (int)getpid() : 0;
    return APM_OK;
}

static enum apm_err counter_start(void *state, struct service_env *env)
{
    struct counter *counter = state;
    counter->env = env;
    counter->is_healthy = true;
    counter->drains_left = 3;
    return APM_OK;
}

static bool counter_drain(void *state)
{
    struct counter *counter = state;
    counter->drains_left--;
    return counter->drains_left <= 0;
}

static uint64_t counter_deadline(void *state)
{
    struct counter *counter = state;
    (void)counter;
    return clock_mono_ms() + 20;
}

static void counter_reload(void *state)
{
    struct counter *counter = state;
    counter->reloads++;
}

static void counter_health(void *state, struct health *health)
{
    const struct counter *counter = state;
    health_add(health, "mood", counter->is_healthy, "%s", counter->is_healthy ? "fine" : "bad");
    health_add(health, "always", true, "yes");
}

static enum apm_err query_look(void *state, struct span args, struct buf *body)
{
    struct counter *counter = state;
    bool is_forked_early = counter->prefork_pid == (int)getpid();
    buf_printf(body, "{\"reloads\":%d,\"prefork\":%d,\"stall\":%llu,\"args\":%zu}",
               counter->reloads, is_forked_early,
               (unsigned long long)conf_ms(counter->env->conf, SETTING_stall_timeout), args.size);
    return APM_OK;
}

static enum apm_err query_sicken(void *state, struct span args, struct buf *body)
{
    struct counter *counter = state;
    (void)args;
    (void)body;
    counter->is_healthy = !counter->is_healthy;
    return APM_OK;
}

static enum apm_err query_fail(void *state, struct span args, struct buf *body)
{
    struct counter *counter = state;
    (void)args;
    (void)body;
    service_fail(counter->env, APM_ERR_FENCED);
    return APM_ERR_FENCED;
}

static const struct admin_query queries[] = {
    {"look", "", query_look, NULL},
    {"sicken", "", query_sicken, NULL},
    {"fail", "", query_fail, NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct service service = {
    .name = "apm2-counter",
    .purpose = "counts",
    .state_size = sizeof(struct counter),
    .sets = CONF_SET_CONSENSUS,
    .health_port = SETTING_health_port,
    .queries = queries,
    .prefork = counter_prefork,
    .start = counter_start,
    .deadline_ms = counter_deadline,
    .drain = counter_drain,
    .reload = counter_reload,
    .health = counter_health,
};

static char dir[64];
static char admin_socket[128];
static char *file;
static char *log_path;
static char *run_dir;
static unsigned port;
static pid_t child;
static struct buf body;

/* A port the kernel says is free just now. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void write_settings(const char *more)
{
    char *text = mem_printf("run_dir: %s\nhealth_port: %u\n%s", run_dir, port, more);
    ck_assert_int_eq(file_replace(file, span_of(text, strlen(text))), APM_OK);
    free(text);
}

static pid_t spawn(const char *flag, const char *value)
{
    pid_t pid = fork();
    if (pid == 0) {
        int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, STDERR_FILENO);
        char *argv[] = {(char *)(uintptr_t) "apm2-counter",
                        (char *)(uintptr_t) "--config",
                        file,
                        (char *)(uintptr_t)flag,
                        (char *)(uintptr_t)value,
                        NULL};
        int argc = flag == NULL ? 3 : value == NULL ? 4 : 5;
        _exit(service_main(&service, argc, argv));
    }
    return pid;
}

static int exit_code(pid_t pid)
{
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static enum apm_err ask(const char *verb)
{
    buf_clear(&body);
    const struct admin_question question = {run_dir, "apm2-counter", verb, "{}", WAIT_MS};
    return admin_ask(&question, &body);
}

static void wait_until_up(void)
{
    uint64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (ask("look") != APM_OK) {
        ck_assert_uint_lt(clock_mono_ms(), until_ms);
        usleep(10000);
    }
}

static void scratch(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test_service.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    file = mem_printf("%s/apm2.yaml", dir);
    run_dir = mem_printf("%s/run", dir);
    log_path = mem_printf("%s/log", dir);
    snprintf(admin_socket, sizeof(admin_socket), "%s/counter.sock", run_dir);
    port = free_port();
    buf_init(&body, 2u << 20);
    write_settings("stall_timeout: 3s\n");
}

static void sweep(void)
{
    char *lock = mem_printf("%s/apm2-counter.lock", run_dir);
    unlink(lock);
    unlink(file);
    unlink(log_path);
    rmdir(run_dir);
    ck_assert_msg(rmdir(dir) == 0, "something was left in %s", dir);
    free(lock);
}

static void up(void)
{
    child = spawn(NULL, NULL);
    wait_until_up();
}

static void down(void)
{
    kill(child, SIGTERM);
    ck_assert_int_eq(exit_code(child), 0);
    sweep();
}

static const char *get(const char *path)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    char request[256];
    snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: x\r\n\r\n", path);
    ck_assert_int_gt(write(fd, request, strlen(request)), 0);
    buf_clear(&body);
    uint8_t chunk[4096];
    ssize_t size = 0;
    while ((size = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_append(&body, chunk, (size_t)size);
    }
    close(fd);
    return buf_str(&body);
}

static bool has_logged(const char *text)
{
    struct buf log;
    buf_init(&log, 1u << 20);
    bool found =
        file_read(log_path, 1u << 20, &log) == APM_OK && strstr(buf_str(&log), text) != NULL;
    buf_release(&log);
    return found;
}

static void wait_until_logged(const char *text)
{
    uint64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (!has_logged(text)) {
        ck_assert_msg(clock_mono_ms() < until_ms, "not logged: %s", text);
        usleep(50000);
    }
}

#endif
