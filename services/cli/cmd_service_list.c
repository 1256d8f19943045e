#include <stdio.h>

#include "common/program.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"
#include "services/cli/service_verb.h"

/* Only the services: databases are somebody else's. */
static json_t *services_of(const json_t *node)
{
    json_t *kept = json_array();
    size_t i = 0;
    json_t *service = NULL;
    json_array_foreach(json_object_get(node, "services"), i, service)
    {
        if (node_service_find(json_text(service, "service")) != NODE_SERVICE_END)
            (void)json_array_append(kept, service);
    }
    return kept;
}

static json_t *choose(const json_t *state, const char *only)
{
    json_t *nodes = json_array();
    size_t i = 0;
    json_t *node = NULL;
    json_array_foreach(json_object_get(state, "nodes"), i, node)
    {
        if (only != NULL && strcmp(only, json_text(node, "name")) != 0)
            continue;
        (void)json_array_append_new(
            nodes, json_pack("{s:s, s:s, s:o}", "name", json_text(node, "name"), "want",
                             json_text(node, "want"), "services", services_of(node)));
    }
    return json_pack("{s:o}", "nodes", nodes);
}

static void add_row(struct table *table, const json_t *node, const json_t *service)
{
    char pid[SCALAR_BYTES], restarts[SCALAR_BYTES], up[32] = "-";
    scalar_text(json_object_get(service, "pid"), pid);
    scalar_text(json_object_get(service, "restarts"), restarts);
    if (json_u64(service, "up_ms") > 0)
        (void)snprintf(up, sizeof(up), "%llus",
                       (unsigned long long)(json_u64(service, "up_ms") / 1000));
    table_add(table,
              (const char *[]){json_text(node, "name"), json_text(service, "service"),
                               json_text(service, "state"), pid[0] == '0' ? "-" : pid, up, restarts,
                               json_text(service, "last_exit"), json_text(service, "status")});
}

static void print_text(const json_t *list)
{
    static const char *const headers[] = {"NODE", "SERVICE",  "STATE",     "PID",
                                          "UP",   "RESTARTS", "LAST EXIT", "STATUS"};
    struct table table;
    size_t i = 0, j = 0;
    json_t *node = NULL, *service = NULL;
    table_init(&table, headers, N_ELEMENTS(headers));
    json_array_foreach(json_object_get(list, "nodes"), i, node)
    {
        json_array_foreach(json_object_get(node, "services"), j, service)
        {
            add_row(&table, node, service);
        }
    }
    table_print(&table);
}

int cmd_service_list(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct cluster cluster;
    json_t *state = NULL;
    const char *only = invocation->option[OPTION_node];

    enum apm_err err = cluster_open(invocation, &cluster, &complaint);
    if (err == APM_OK && only != NULL && cluster_index_of(&cluster, only) == cluster.n)
        err = cluster_no_node(&cluster, only, &complaint);
    if (err == APM_OK)
        err = service_state(&cluster, &state, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);

    json_t *list = choose(state, only);
    if (say_is_json(invocation))
        output_json(list);
    else
        print_text(list);
    json_decref(list);
    json_decref(state);
    return 0;
}
