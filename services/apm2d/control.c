#include "services/apm2d/control.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/wire.h"

#define QUERY_BYTES_MAX (70u * KIB)
#define ANSWER_BYTES_MAX (192u * KIB)

static json_t *describe_child(const struct child *child, uint64_t now_ms)
{
    char last[64];
    const struct life *life = &child->life;
    child_last_exit(child, last, sizeof(last));
    bool is_running = life->state == LIFE_UP || life->state == LIFE_STARTING;
    uint64_t up_ms = is_running ? now_ms - life->started_ms : 0;
    return json_pack("{s:s, s:s, s:i, s:I, s:I, s:s, s:s}", "service", child->service, "state",
                     life_state_text(life->state), "pid", (int)child->pid, "restarts",
                     (json_int_t)life->n_crashes, "up_ms", (json_int_t)up_ms, "last_exit", last,
                     "status", child->status);
}

static const char *want_text(enum node_want want)
{
    switch (want) {
    case WANT_UP:
        return "up";
    case WANT_DOWN:
        return "down";
    case WANT_RESTART:
        return "restart";
    }
    return "";
}

static json_t *describe(struct roster *roster)
{
    uint64_t now_ms = clock_mono_ms();
    json_t *nodes = json_array();
    for (uint32_t i = 0; i < roster_n(roster); i++) {
        const struct roster_node *node = roster_node(roster, i);
        json_t *services = json_array();
        for (uint32_t j = 0; j < CHILDREN_N; j++) {
            if (child_exists(&node->children[j]))
                (void)json_array_append_new(services, describe_child(&node->children[j], now_ms));
        }
        (void)json_array_append_new(nodes, json_pack("{s:s, s:s, s:o}", "name", node->name, "want",
                                                     want_text(node->want), "services", services));
    }
    return json_pack("{s:i, s:o}", "pid", (int)getpid(), "nodes", nodes);
}

static bool verb_is(const struct wire_query *query, const char *verb)
{
    return span_eq(query->verb, span_of(verb, strlen(verb)));
}

/* What a request is about. All nodes, or whole nodes, when none is named. */
struct aim {
    const json_t *nodes;
    const json_t *services;
    enum node_want want;
};

static bool is_named(const json_t *names, const char *name)
{
    size_t i = 0;
    const json_t *entry = NULL;
    json_array_foreach((json_t *)(uintptr_t)names, i, entry)
    {
        const char *text = json_string_value(entry);
        if (text != NULL && strcmp(text, name) == 0)
            return true;
    }
    return json_array_size(names) == 0;
}

/* Nothing is changed unless every name is known. */
static bool are_known(struct roster *roster, const struct aim *aim)
{
    for (size_t i = 0; i < json_array_size(aim->nodes); i++) {
        const char *name = json_string_value(json_array_get(aim->nodes, i));
        if (name == NULL || roster_find(roster, name) == NULL)
            return false;
    }
    for (size_t i = 0; i < json_array_size(aim->services); i++) {
        const char *name = json_string_value(json_array_get(aim->services, i));
        if (name == NULL || node_service_find(name) == NODE_SERVICE_END)
            return false;
    }
    return true;
}

static enum apm_err want_services(struct roster_node *node, const struct aim *aim)
{
    enum apm_err err = APM_OK;
    for (size_t i = 0; i < json_array_size(aim->services) && err == APM_OK; i++) {
        const char *name = json_string_value(json_array_get(aim->services, i));
        err = roster_want_service(node, node_service_find(name), aim->want, clock_mono_ms());
    }
    return err;
}

static enum apm_err want(struct roster *roster, const struct aim *aim)
{
    enum apm_err err = are_known(roster, aim) ? APM_OK : APM_ERR_NOT_FOUND;
    for (uint32_t i = 0; i < roster_n(roster) && err == APM_OK; i++) {
        struct roster_node *node = roster_node(roster, i);
        if (!is_named(aim->nodes, node->name))
            continue;
        if (json_array_size(aim->services) > 0)
            err = want_services(node, aim);
        else
            roster_want(node, aim->want);
    }
    return err;
}

static enum apm_err act(struct control *control, const struct wire_query *query, const json_t *args)
{
    struct aim aim = {json_object_get(args, "nodes"), json_object_get(args, "services"), WANT_UP};
    if (verb_is(query, "status"))
        return APM_OK;
    if (verb_is(query, "down")) {
        control->is_ending = true;
        return want(control->roster, &(struct aim){NULL, NULL, WANT_DOWN});
    }
    if (control->is_ending)
        return APM_ERR_REJECTED;
    if (verb_is(query, "start"))
        return want(control->roster, &aim);
    aim.want = WANT_DOWN;
    if (verb_is(query, "stop"))
        return want(control->roster, &aim);
    aim.want = WANT_RESTART;
    if (verb_is(query, "restart"))
        return want(control->roster, &aim);
    return APM_ERR_BAD_INPUT;
}

static void send_answer(int fd, uint64_t request, enum apm_err err, const char *body)
{
    const char *name = apm_err_name(err);
    struct wire_answer answer = {
        .request = request,
        .error = span_of(name, strlen(name)),
        .body = span_of(body, strlen(body)),
    };
    uint8_t *bytes = mem_new(1, ANSWER_BYTES_MAX);
    size_t size = wire_encode(WIRE_answer, &answer, bytes, ANSWER_BYTES_MAX);
    if (size > 0)
        (void)send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    free(bytes);
}

static void answer(struct control *control, int fd, struct span bytes)
{
    struct wire_query query;
    if (wire_decode_as(WIRE_query, bytes, &query) != WIRE_OK) {
        LOG_WARN("control_malformed");
        return;
    }
    json_t *args = json_loadb((const char *)query.args.data, query.args.size, 0, NULL);
    enum apm_err err = act(control, &query, args);
    json_decref(args);
    if (!verb_is(&query, "status"))
        LOG_INFO("asked", F_SPAN("verb", query.verb), F_SPAN("args", query.args), F_ERR(err));

    json_t *state = describe(control->roster);
    char *body = json_dumps(state, JSON_COMPACT);
    json_decref(state);
    if (body != NULL)
        send_answer(fd, query.request, err, body);
    free(body);
}

static void drop(struct control *control, uint32_t i)
{
    loop_remove_fd(control->loop, control->clients[i]);
    (void)close(control->clients[i]);
    control->clients[i] = -1;
}

static bool read_clients(void *arg, short revents)
{
    struct control *control = arg;
    (void)revents;
    uint8_t *bytes = mem_new(1, QUERY_BYTES_MAX);
    for (uint32_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i] < 0)
            continue;
        ssize_t n = recv(control->clients[i], bytes, QUERY_BYTES_MAX, MSG_DONTWAIT);
        if (n > 0)
            answer(control, control->clients[i], span_of(bytes, (size_t)n));
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            drop(control, i);
    }
    free(bytes);
    return false;
}

static bool accept_client(void *arg, short revents)
{
    struct control *control = arg;
    (void)revents;
    int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return false;
    for (uint32_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i] >= 0)
            continue;
        control->clients[i] = fd;
        loop_add_fd(control->loop, fd, POLLIN, (struct loop_fn){read_clients, control});
        return true;
    }
    (void)close(fd);
    return false;
}

/* Only under the cluster's lock: the old path is nobody's. */
static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)unlink(path);
    mode_t mask = umask(0177);
    bool ok = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    (void)umask(mask);
    if (ok && listen(fd, CONTROL_CLIENTS_MAX) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

enum apm_err control_start(struct control *control, struct loop *loop, struct roster *roster,
                           const char *dir, struct why *ret_why)
{
    *control = (struct control){.loop = loop, .roster = roster, .listener = -1};
    for (uint32_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control->clients[i] = -1;
    int n = snprintf(control->path, sizeof(control->path), "%s/apm2d.sock", dir);
    if (n >= (int)sizeof(control->path))
        return explain(ret_why, APM_ERR_CONFIG, "%s: path too long for a socket", dir);
    control->listener = listen_at(control->path);
    if (control->listener < 0)
        return explain(ret_why, APM_ERR_IO, "cannot listen at %s", control->path);
    loop_add_fd(loop, control->listener, POLLIN, (struct loop_fn){accept_client, control});
    return APM_OK;
}

void control_stop(struct control *control)
{
    for (uint32_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i] >= 0)
            drop(control, i);
    }
    loop_remove_fd(control->loop, control->listener);
    (void)close(control->listener);
    /* Under the lock still: nobody else's. */
    (void)unlink(control->path);
}
