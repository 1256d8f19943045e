/* A whole service in a child process, asked from outside: socket, HTTP, signals. */
#include "common/clock.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/service.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
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
    counter->is_healthy = false;
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

START_TEST(queries_are_answered)
{
    up();
    ck_assert_int_eq(ask("look"), APM_OK);
    ck_assert_str_eq(buf_str(&body), "{\"reloads\":0,\"prefork\":1,\"stall\":3000,\"args\":2}");
    down();
    ck_assert_int_eq(ask("look"), APM_ERR_UNREACHABLE);
}
END_TEST

START_TEST(the_socket_is_for_owner_and_group)
{
    up();
    struct stat info;
    ck_assert_int_eq(stat(admin_socket, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0660);
    down();
    ck_assert_int_ne(stat(admin_socket, &info), 0);
}
END_TEST

START_TEST(health_and_metrics)
{
    up();
    ck_assert_ptr_nonnull(strstr(get("/livez"), " 200 "));
    ck_assert_ptr_nonnull(strstr(get("/readyz"), " 200 "));
    ck_assert_ptr_nonnull(
        strstr(get("/readyz?verbose"), "[+] mood: fine\n[+] always: yes\nready\n"));
    ck_assert_ptr_nonnull(
        strstr(get("/metrics"), "apm2_consensus_quorum_size{node_id=\"n1\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "process_resident_memory_bytes"));

    ck_assert_int_eq(ask("service"), APM_OK);
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "\"ready\":true,\"checks\":[{\"name\":\"mood\""));
    ck_assert_int_eq(ask("sicken"), APM_OK);
    ck_assert_ptr_nonnull(strstr(get("/livez"), " 200 "));
    ck_assert_ptr_nonnull(strstr(get("/readyz"), " 503 "));
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "[-] mood: bad\nnot ready\n"));
    ck_assert_ptr_nonnull(strstr(get("/readyz?exclude=mood"), " 200 "));
    ck_assert_ptr_nonnull(strstr(get("/readyz?exclude=moo"), " 503 "));
    down();
}
END_TEST

START_TEST(a_bad_reload_keeps_the_old_settings)
{
    up();
    write_settings("stall_timeout: never\n");
    kill(child, SIGHUP);
    usleep(200000);
    ck_assert_int_eq(ask("look"), APM_OK);
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "\"reloads\":0,\"prefork\":1,\"stall\":3000"));
    write_settings("stall_timeout: 4s\n");
    kill(child, SIGHUP);
    usleep(200000);
    ck_assert_int_eq(ask("look"), APM_OK);
    ck_assert_ptr_nonnull(strstr(buf_str(&body), "\"reloads\":1,\"prefork\":1,\"stall\":4000"));
    down();
}
END_TEST

START_TEST(a_second_process_is_fenced)
{
    up();
    ck_assert_int_eq(exit_code(spawn("--health-port", "1")), 75);
    ck_assert_int_eq(ask("look"), APM_OK); /* the first is untouched */
    down();
}
END_TEST

START_TEST(a_killed_ones_place_can_be_taken)
{
    up();
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_assert_int_eq(ask("look"), APM_ERR_UNREACHABLE); /* though its socket file is there */
    up();
    down();
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
    child = spawn("--set", "drain_timeout=200s");
    wait_until_up();
    kill(child, SIGSTOP);
    kill(child, SIGTERM);
    kill(child, SIGINT);
    kill(child, SIGCONT);
    ck_assert_int_eq(exit_code(child), 1);
    unlink(admin_socket); /* "at once" cleans nothing up */
    sweep();
}
END_TEST

START_TEST(a_fatal_failure_has_its_exit_code)
{
    up();
    (void)ask("fail");
    ck_assert_int_eq(exit_code(child), 75);
    sweep();
}
END_TEST

static const struct exit_row {
    const char *flag;
    const char *value;
    int want;
} exit_rows[] = {
    {"--port", "0", 78},
    {"--prot", "1", 78},
    {"--set", "port", 64},
    {"--port", NULL, 64},
    {"stray", NULL, 64},
    {"--help", NULL, 0},
    {"--version", NULL, 0},
    {"--config=/nonexistent.yaml", NULL, 78},
    {"--health-address", "192.0.2.1", 78},
    {"--run-dir",
     "/tmp/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
     "0123456789/0123456789/0123456789",
     78},
};

START_TEST(starts_that_fail)
{
    const struct exit_row *row = &exit_rows[_i];
    int got = exit_code(spawn(row->flag, row->value));
    ck_assert_msg(got == row->want, "%s: got %d, want %d", row->flag, got, row->want);
    sweep();
}
END_TEST

START_TEST(a_port_in_use_is_a_configuration_error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(exit_code(spawn(NULL, NULL)), 78);
    close(fd);
    sweep();
}
END_TEST

UNIT_MAIN("service", scratch, NULL, {
    tcase_add_test(tc, queries_are_answered);
    tcase_add_test(tc, the_socket_is_for_owner_and_group);
    tcase_add_test(tc, health_and_metrics);
    tcase_add_test(tc, a_bad_reload_keeps_the_old_settings);
    tcase_add_test(tc, a_second_process_is_fenced);
    tcase_add_test(tc, a_killed_ones_place_can_be_taken);
    tcase_add_test(tc, a_second_signal_ends_it_at_once);
    tcase_add_test(tc, a_fatal_failure_has_its_exit_code);
    tcase_add_loop_test(tc, starts_that_fail, 0, N_ELEMENTS(exit_rows));
    tcase_add_test(tc, a_port_in_use_is_a_configuration_error);
})
