#include "services/cli/service_verb.h"

#include <stdio.h>
#include <time.h>

#include "common/clock.h"
#include "common/program.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"
#include "services/cli/parse_value.h"
#include "services/cli/watcher_client.h"

#define VERB_TIMEOUT_MS 30000u
#define PAUSE_NS 20000000L

_Static_assert(NODE_SERVICES_MAX == NODE_SERVICE_END, "commands.def knows how many there are");

/* What is asked for, and of whom. */
struct task {
    enum service_verb verb;
    struct cluster cluster;
    const char *node;
    uint64_t began_ms;
    uint64_t timeout_ms;
    uint32_t n;
    struct {
        const char *name;
        json_int_t old_pid;
        json_int_t pid;
        uint64_t elapsed_ms; /* 0: not there yet */
    } services[NODE_SERVICE_END];
};

static const char *verb_text(enum service_verb verb)
{
    switch (verb) {
    case SERVICE_START:
        return "start";
    case SERVICE_STOP:
        return "stop";
    case SERVICE_RESTART:
        return "restart";
    }
    return "";
}

static const char *done_text(enum service_verb verb)
{
    switch (verb) {
    case SERVICE_START:
        return "up";
    case SERVICE_STOP:
        return "stopped";
    case SERVICE_RESTART:
        return "restarted";
    }
    return "";
}

static const char *apm2d_dir(const struct cluster *cluster)
{
    return cluster->dir[0] != 0 ? cluster->dir : cluster->nodes[0].run_dir;
}

static enum apm_err request(const struct cluster *cluster, const char *verb, const json_t *args,
                            json_t **ret_state, struct complaint *complaint)
{
    enum apm_err err = watcher_request(apm2d_dir(cluster), verb, args, ret_state, complaint);
    if (err == APM_ERR_UNREACHABLE)
        complain_hint(complaint, "%s",
                      cluster->dir[0] != 0 ? "apm2 dev up" : "systemctl start apm2d");
    return err;
}

enum apm_err service_state(const struct cluster *cluster, json_t **ret_state,
                           struct complaint *ret_complaint)
{
    return request(cluster, "status", NULL, ret_state, ret_complaint);
}

/* ---- the line that was typed ---- */

static enum apm_err no_service(const char *name, struct complaint *complaint)
{
    char names[256] = "";
    size_t size = 0;
    for (enum node_service i = 0; i < NODE_SERVICE_END && size < sizeof(names); i++) {
        int n = snprintf(names + size, sizeof(names) - size, "%s%s", i > 0 ? ", " : "",
                         node_service_name(i));
        size += n > 0 ? (size_t)n : 0;
    }
    (void)complain(complaint, APM_ERR_USAGE, "no service \"%s\"; there are %s", name, names);
    complain_hint(complaint, "apm2 service list");
    return APM_ERR_USAGE;
}

static enum apm_err choose_services(const struct invocation *invocation, struct task *task,
                                    struct complaint *complaint)
{
    for (uint32_t i = 0; i < invocation->n_args; i++) {
        enum node_service service = node_service_find(invocation->args[i]);
        if (service == NODE_SERVICE_END)
            return no_service(invocation->args[i], complaint);
        task->services[task->n++].name = node_service_name(service);
    }
    for (enum node_service i = 0; i < NODE_SERVICE_END && invocation->n_args == 0; i++)
        task->services[task->n++].name = node_service_name(i);
    return APM_OK;
}

/* A whole cluster's validators at once are never meant. */
static enum apm_err choose_node(const struct invocation *invocation, struct task *task,
                                struct complaint *complaint)
{
    const struct cluster *cluster = &task->cluster;
    const char *name = invocation->option[OPTION_node];
    if (name != NULL && cluster_index_of(cluster, name) == cluster->n)
        return cluster_no_node(cluster, name, complaint);
    if (name == NULL && cluster->n > 1) {
        (void)complain(complaint, APM_ERR_USAGE, "cluster %s has %u nodes: say which",
                       cluster->name, cluster->n);
        complain_hint(complaint, "apm2 service %s%s%s --node %s", verb_text(task->verb),
                      invocation->n_args > 0 ? " " : "",
                      invocation->n_args > 0 ? invocation->args[0] : "", cluster->nodes[0].name);
        return APM_ERR_USAGE;
    }
    task->node = name != NULL ? name : cluster->nodes[0].name;
    return APM_OK;
}

static enum apm_err read_line(const struct invocation *invocation, struct task *task,
                              struct complaint *complaint)
{
    enum apm_err err = choose_services(invocation, task, complaint);
    if (err == APM_OK)
        err = parse_timeout(invocation, VERB_TIMEOUT_MS, &task->timeout_ms, complaint);
    if (err == APM_OK)
        err = cluster_open(invocation, &task->cluster, complaint);
    return err == APM_OK ? choose_node(invocation, task, complaint) : err;
}

/* ---- before, and until it is so ---- */

static const json_t *find_by(const json_t *list, const char *key, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        if (strcmp(json_text(entry, key), name) == 0)
            return entry;
    }
    return NULL;
}

static const json_t *service_entry(const json_t *state, const char *node, const char *service)
{
    const json_t *entry = find_by(json_object_get(state, "nodes"), "name", node);
    return find_by(json_object_get(entry, "services"), "service", service);
}

static json_int_t pid_of(const json_t *entry)
{
    return json_integer_value(json_object_get(entry, "pid"));
}

static enum apm_err ask_for_it(struct task *task, struct complaint *complaint)
{
    json_t *state = NULL, *names = json_array();
    enum apm_err err = service_state(&task->cluster, &state, complaint);
    for (uint32_t i = 0; i < task->n && err == APM_OK; i++) {
        const char *name = task->services[i].name;
        task->services[i].old_pid = pid_of(service_entry(state, task->node, name));
        (void)json_array_append_new(names, json_string(name));
    }
    json_decref(state);
    json_t *args = json_pack("{s:[s], s:o}", "nodes", task->node, "services", names);
    if (err == APM_OK)
        err = request(&task->cluster, verb_text(task->verb), args, NULL, complaint);
    json_decref(args);
    if (err == APM_ERR_REJECTED && task->cluster.dir[0] != 0)
        complain_hint(complaint, "apm2 dev restart %s", task->node);
    return err;
}

static enum apm_err given_up(const struct task *task, const json_t *entry,
                             struct complaint *complaint)
{
    const char *name = json_text(entry, "service");
    (void)complain(complaint, APM_ERR_UNHEALTHY, "%s: %s is %s (%s)", task->node, name,
                   json_text(entry, "state"), json_text(entry, "last_exit"));
    if (task->cluster.dir[0] != 0)
        complain_hint(complaint, "apm2 dev logs %s %s", task->node, name);
    else
        complain_hint(complaint, "journalctl -t apm2-%s", name);
    return APM_ERR_UNHEALTHY;
}

static bool is_done(const struct task *task, uint32_t i, const json_t *entry)
{
    bool is_up = strcmp(json_text(entry, "state"), "up") == 0;
    switch (task->verb) {
    case SERVICE_START:
        return is_up;
    case SERVICE_STOP:
        return pid_of(entry) == 0;
    case SERVICE_RESTART:
        return is_up && pid_of(entry) != task->services[i].old_pid;
    }
    return false;
}

/* True: all are where they are wanted. */
static enum apm_err look(struct task *task, bool *ret_all, struct complaint *complaint)
{
    json_t *state = NULL;
    bool all = true;
    enum apm_err err = service_state(&task->cluster, &state, complaint);
    for (uint32_t i = 0; i < task->n && err == APM_OK; i++) {
        const json_t *entry = service_entry(state, task->node, task->services[i].name);
        const char *word = json_text(entry, "state");
        if (strcmp(word, "failed") == 0 || strcmp(word, "fenced") == 0)
            err = given_up(task, entry, complaint);
        if (task->services[i].elapsed_ms == 0 && is_done(task, i, entry)) {
            task->services[i].elapsed_ms = clock_mono_ms() - task->began_ms + 1;
            task->services[i].pid = pid_of(entry);
        }
        all = all && task->services[i].elapsed_ms > 0;
    }
    json_decref(state);
    if (err == APM_OK)
        *ret_all = all;
    return err;
}

static enum apm_err wait_for_it(struct task *task, struct complaint *complaint)
{
    const struct timespec pause = {0, PAUSE_NS};
    for (bool is_all = false;;) {
        enum apm_err err = look(task, &is_all, complaint);
        if (err != APM_OK || is_all)
            return err;
        if (clock_mono_ms() > task->began_ms + task->timeout_ms) {
            (void)complain(complaint, APM_ERR_TIMED_OUT, "not %s after %llu s",
                           done_text(task->verb), (unsigned long long)(task->timeout_ms / 1000));
            complain_hint(complaint, "apm2 service list --node %s", task->node);
            return APM_ERR_TIMED_OUT;
        }
        (void)nanosleep(&pause, NULL);
    }
}

/* ---- what came of it ---- */

static void report_json(const struct task *task)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < task->n; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I}", "service", task->services[i].name, "pid",
                            task->services[i].pid, "old_pid", task->services[i].old_pid,
                            "elapsed_ms", (json_int_t)task->services[i].elapsed_ms));
    json_t *report = json_pack("{s:s, s:s, s:o}", "node", task->node, "done", done_text(task->verb),
                               "services", list);
    output_json(report);
    json_decref(report);
}

static void report_text(const struct task *task)
{
    for (uint32_t i = 0; i < task->n; i++) {
        char pid[48] = "";
        if (task->services[i].pid != 0)
            (void)snprintf(pid, sizeof(pid), ", pid %lld", (long long)task->services[i].pid);
        (void)printf("%s %s %s after %llu ms%s\n", task->node, task->services[i].name,
                     done_text(task->verb), (unsigned long long)task->services[i].elapsed_ms, pid);
    }
}

int service_verb_run(const struct invocation *invocation, enum service_verb verb)
{
    struct complaint complaint = {0};
    struct task task = {.verb = verb, .began_ms = clock_mono_ms()};

    enum apm_err err = read_line(invocation, &task, &complaint);
    if (err == APM_OK)
        err = ask_for_it(&task, &complaint);
    if (err == APM_OK)
        err = wait_for_it(&task, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation))
        report_json(&task);
    else
        report_text(&task);
    return 0;
}
