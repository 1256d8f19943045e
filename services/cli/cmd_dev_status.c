#include <stdio.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"
#include "services/cli/watcher_client.h"

#define STATUS_TIMEOUT_MS 1000u

/* Adds "consensus": the node's own status, or null. */
static void add_heights(const struct cluster *cluster, json_t *state)
{
    const struct question question = {.verb = "status", .timeout_ms = STATUS_TIMEOUT_MS};
    json_t *nodes = json_object_get(state, "nodes");
    for (uint32_t i = 0; i < cluster->n; i++) {
        struct complaint ignored = {0};
        json_t *status = NULL;
        if (ask_one(&cluster->nodes[i], &question, &status, &ignored) != APM_OK)
            status = json_null();
        (void)json_object_set_new(json_array_get(nodes, i), "consensus", status);
    }
}

static void add_row(struct table *table, const json_t *node, const json_t *service)
{
    char pid[SCALAR_BYTES], restarts[SCALAR_BYTES], height[SCALAR_BYTES] = "", up[32] = "-";
    bool is_consensus = strcmp(json_text(service, "service"), "consensus") == 0;
    const json_t *status = json_object_get(node, "consensus");
    scalar_text(json_object_get(service, "pid"), pid);
    scalar_text(json_object_get(service, "restarts"), restarts);
    if (is_consensus && json_is_object(status))
        scalar_text(json_object_get(status, "height"), height);
    if (json_u64(service, "up_ms") > 0)
        (void)snprintf(up, sizeof(up), "%llus",
                       (unsigned long long)(json_u64(service, "up_ms") / 1000));
    const char *health = is_consensus && json_is_object(status) ? json_text(status, "health") : "";
    table_add(table,
              (const char *[]){json_text(node, "name"), json_text(service, "service"),
                               json_text(service, "state"), strcmp(pid, "0") == 0 ? "-" : pid, up,
                               restarts, json_text(service, "last_exit"), health, height});
}

static void print_text(const json_t *state)
{
    static const char *const headers[] = {"NODE",     "SERVICE",   "STATE",  "PID",   "UP",
                                          "RESTARTS", "LAST EXIT", "HEALTH", "HEIGHT"};
    struct table table;
    size_t i = 0, j = 0;
    json_t *node = NULL, *service = NULL;
    table_init(&table, headers, N_ELEMENTS(headers));
    json_array_foreach(json_object_get(state, "nodes"), i, node)
    {
        json_array_foreach(json_object_get(node, "services"), j, service)
        {
            if (strcmp(json_text(service, "state"), "done") != 0)
                add_row(&table, node, service);
        }
    }
    table_print(&table);
}

int cmd_dev_status(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct cluster cluster;
    char dir[CLUSTER_PATH_MAX];
    json_t *state = NULL;

    enum apm_err err = cluster_dev_dir(invocation, dir, &complaint);
    if (err == APM_OK)
        err = cluster_read(dir, &cluster, &complaint);
    if (err == APM_OK)
        err = watcher_ask(dir, "status", NULL, &state, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);

    add_heights(&cluster, state);
    if (say_is_json(invocation))
        output_json(state);
    else
        print_text(state);
    json_decref(state);
    return 0;
}
