#include "services/cli/watcher_client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/wire.h"
#include "services/cli/process.h"

#define ANSWER_BYTES_MAX (192u * KIB)
#define ANSWER_TIMEOUT_S 5
#define LAUNCH_TRIES 50u
#define LAUNCH_PAUSE_NS 100000000L

static int dial(const char *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/apm2d.sock", dir);
    if (n >= (int)sizeof(address.sun_path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

bool watcher_is_running(const char *dir)
{
    int fd = dial(dir);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static json_t *args_of(const struct invocation *names)
{
    json_t *list = json_array();
    for (uint32_t i = 0; names != NULL && i < names->n_args; i++)
        (void)json_array_append_new(list, json_string(names->args[i]));
    return json_pack("{s:o}", "nodes", list);
}

static bool send_query(int fd, const char *verb, const json_t *args)
{
    uint8_t bytes[8u * KIB];
    char *text = json_dumps(args, JSON_COMPACT);
    struct wire_query query = {
        .request = 1,
        .verb = span_of(verb, strlen(verb)),
        .args = span_of(text, text != NULL ? strlen(text) : 0),
    };
    size_t size = wire_encode(WIRE_query, &query, bytes, sizeof(bytes));
    free(text);
    return size > 0 && send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool is_text(struct span span, const char *text)
{
    return span_eq(span, span_of(text, strlen(text)));
}

static enum apm_err receive_answer(int fd, uint8_t *bytes, json_t **ret_state,
                                   struct complaint *complaint)
{
    struct wire_answer answer;
    ssize_t n = recv(fd, bytes, ANSWER_BYTES_MAX, 0);
    if (n <= 0 || wire_decode_as(WIRE_answer, span_of(bytes, (size_t)n), &answer) != WIRE_OK)
        return complain(complaint, APM_ERR_TIMED_OUT, "apm2d does not answer");
    if (is_text(answer.error, "NOT_FOUND"))
        return complain(complaint, APM_ERR_USAGE, "no such node in this cluster");
    if (is_text(answer.error, "REJECTED"))
        return complain(complaint, APM_ERR_REJECTED, "the node is stopped, or on its way there");
    if (!is_text(answer.error, "OK"))
        return complain(complaint, APM_ERR_FAILED, "apm2d refused: %.*s", (int)answer.error.size,
                        (const char *)answer.error.data);
    if (ret_state != NULL)
        *ret_state = json_loadb((const char *)answer.body.data, answer.body.size, 0, NULL);
    return APM_OK;
}

/* Before anything is asked for: a name that is none, and which there are. */
static enum apm_err check_names(const char *dir, const struct invocation *names,
                                struct complaint *complaint)
{
    struct cluster cluster;
    struct complaint ignored = {0};
    if (names == NULL || names->n_args == 0 || cluster_read(dir, &cluster, &ignored) != APM_OK)
        return APM_OK;
    for (uint32_t i = 0; i < names->n_args; i++) {
        if (cluster_index_of(&cluster, names->args[i]) == cluster.n)
            return cluster_no_node(&cluster, names->args[i], complaint);
    }
    return APM_OK;
}

enum apm_err watcher_request(const char *dir, const char *verb, const json_t *args,
                             json_t **ret_state, struct complaint *ret_complaint)
{
    int fd = dial(dir);
    if (fd < 0)
        return complain(ret_complaint, APM_ERR_UNREACHABLE, "apm2d does not run: no answer in %s",
                        dir);
    enum apm_err err = APM_OK;
    uint8_t *bytes = mem_new(1, ANSWER_BYTES_MAX);
    if (!send_query(fd, verb, args))
        err = complain(ret_complaint, APM_ERR_IO, "cannot ask apm2d: %m");
    else
        err = receive_answer(fd, bytes, ret_state, ret_complaint);
    free(bytes);
    (void)close(fd);
    return err;
}

enum apm_err watcher_ask(const char *dir, const char *verb, const struct invocation *names,
                         json_t **ret_state, struct complaint *ret_complaint)
{
    enum apm_err err = check_names(dir, names, ret_complaint);
    if (err != APM_OK)
        return err;
    json_t *args = args_of(names);
    err = watcher_request(dir, verb, args, ret_state, ret_complaint);
    json_decref(args);
    if (err == APM_ERR_UNREACHABLE) {
        (void)complain(ret_complaint, err, "no cluster is running in %s", dir);
        complain_hint(ret_complaint, "apm2 dev up");
    }
    return err;
}

/* Second fork: the watcher belongs to init, not to us. */
_Noreturn static void become_watcher(const struct cluster *cluster, const struct programs *programs,
                                     int log)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (setsid() < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0 ? 126 : 0);
    (void)umask(027);
    (void)!chdir("/");
    /* These mean the command line's choice here, and a setting there. */
    (void)unsetenv("APM2_NODE");
    (void)unsetenv("APM2_CLUSTER");
    (void)execl(programs->apm2d, programs->apm2d, "--dir", cluster->dir, "--postgres",
                programs->postgres, NULL);
    _exit(127);
}

static bool await_watcher(const char *dir)
{
    const struct timespec pause = {0, LAUNCH_PAUSE_NS};
    for (uint32_t i = 0; i < LAUNCH_TRIES; i++) {
        if (watcher_is_running(dir))
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

enum apm_err watcher_launch(const struct cluster *cluster, const struct programs *programs,
                            struct complaint *ret_complaint)
{
    char path[CLUSTER_PATH_MAX + 16], tail[512];
    (void)snprintf(path, sizeof(path), "%s/apm2d.log", cluster->dir);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (log < 0)
        return complain(ret_complaint, APM_ERR_IO, "cannot write %s: %m", path);
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become_watcher(cluster, programs, log);
    (void)close(log);
    if (process_wait(pid) && await_watcher(cluster->dir))
        return APM_OK;
    process_log_tail(path, 2, tail, sizeof(tail));
    (void)complain(ret_complaint, APM_ERR_FAILED, "apm2d does not start: %s", tail);
    complain_hint(ret_complaint, "see %s", path);
    return APM_ERR_FAILED;
}
