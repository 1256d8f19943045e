#include "services/apm2d/roster_read.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>

#define SERVICE_GRACE_MS 15000u
#define POSTGRES_GRACE_MS 20000u
#define MIGRATE_GRACE_MS 5000u

/* A service says once a second that its loop turns. */
#define SILENCE_MS 15000u
#define START_MS 60000u

struct layout {
    struct roster *roster;
    const struct roster_source *source;
    const char *config;
    const char *log_dir; /* NULL: no files */
};

static void lay_out_postgres(struct roster *roster, struct child *child, const char *dir,
                             const char *program)
{
    *child = (struct child){
        .service = "postgresql",
        .argv = {program, "-D", roster_keep(roster, dir, "/pg")},
        .log_path = roster_keep(roster, dir, "/log/postgresql.log"),
        .stop_signal = SIGINT, /* fast shutdown: sessions are cut, nothing is lost */
        .kill_signal = SIGQUIT,
        .orphan_signal = SIGINT,
        .life.rules.grace_ms = POSTGRES_GRACE_MS,
    };
}

static enum apm_err lay_out_migrate(const struct layout *layout, struct child *child,
                                    struct why *ret_why)
{
    char apm2[PROGRAM_PATH_MAX];
    if (!program_find("cli", "apm2", apm2))
        return explain(ret_why, APM_ERR_CONFIG, "apm2 is not beside apm2d");
    *child = (struct child){
        .service = "migrate",
        .argv = {roster_keep(layout->roster, apm2, ""), "db", "migrate", "--config", layout->config,
                 "--timeout", "2m"},
        .log_path = roster_keep(layout->roster, layout->log_dir, "migrate.log"),
        .stop_signal = SIGTERM,
        .kill_signal = SIGKILL,
        .orphan_signal = SIGTERM,
        .life.rules = {.grace_ms = MIGRATE_GRACE_MS, .is_one_shot = true},
    };
    return APM_OK;
}

static const char *log_path(const struct layout *layout, const char *service)
{
    if (layout->log_dir == NULL)
        return NULL;
    return roster_keep(layout->roster, roster_keep(layout->roster, layout->log_dir, service),
                       ".log");
}

static enum apm_err lay_out_service(const struct layout *layout, enum node_service service,
                                    struct child *child, struct why *ret_why)
{
    const char *name = node_service_name(service);
    char program[64], path[PROGRAM_PATH_MAX];
    (void)snprintf(program, sizeof(program), "apm2-%s", name);
    if (!program_find(name, program, path))
        return explain(ret_why, APM_ERR_CONFIG, "%s is not beside apm2d", program);
    *child = (struct child){
        .service = name,
        .argv = {roster_keep(layout->roster, path, ""), "--config", layout->config},
        .log_path = log_path(layout, name),
        .notify_path = layout->source->notify_path,
        .stop_signal = SIGTERM,
        .kill_signal = SIGKILL,
        .orphan_signal = SIGTERM,
        .has_reload = true,
        .life.rules = {.grace_ms = SERVICE_GRACE_MS,
                       .silence_ms = SILENCE_MS,
                       .start_ms = START_MS,
                       .may_be_fenced = service == NODE_SERVICE_CONSENSUS},
    };
    return APM_OK;
}

static enum apm_err lay_out_services(const struct layout *layout, struct roster_node *node,
                                     struct why *ret_why)
{
    enum apm_err err = APM_OK;
    for (enum node_service i = 0; i < NODE_SERVICE_END && err == APM_OK; i++)
        err = lay_out_service(layout, i, &node->children[CHILD_SERVICES + i], ret_why);
    for (uint32_t i = 0; i < CHILDREN_N; i++)
        node->children[i].node = node->name;
    return err;
}

static enum apm_err read_dev_node(struct layout *layout, const json_t *entry, const char *user,
                                  struct why *ret_why)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *dir = json_string_value(json_object_get(entry, "dir"));
    if (name == NULL || dir == NULL)
        return explain(ret_why, APM_ERR_CONFIG, "cluster.json: a node lacks name or dir");
    struct roster_node *node = roster_add(layout->roster, name);
    layout->config = roster_keep(layout->roster, dir, "/apm2.yaml");
    layout->log_dir = roster_keep(layout->roster, dir, "/log/");
    struct child *postgres = &node->children[CHILD_POSTGRES];
    lay_out_postgres(layout->roster, postgres, dir, layout->source->postgres);
    postgres->user = user != NULL ? roster_keep(layout->roster, user, "") : NULL;
    enum apm_err err = lay_out_migrate(layout, &node->children[CHILD_MIGRATE], ret_why);
    return err == APM_OK ? lay_out_services(layout, node, ret_why) : err;
}

static enum apm_err read_dev(struct layout *layout, struct why *ret_why)
{
    json_error_t error;
    const char *path = roster_keep(layout->roster, layout->source->dir, "/cluster.json");
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (file == NULL)
        return explain(ret_why, APM_ERR_CONFIG, "%s: %s", path, error.text);

    enum apm_err err = APM_OK;
    const char *user = json_string_value(json_object_get(file, "postgres_user"));
    json_t *nodes = json_object_get(file, "nodes");
    size_t n = json_array_size(nodes);
    if (n == 0 || n > VALIDATORS_MAX)
        err = explain(ret_why, APM_ERR_CONFIG, "cluster.json: no nodes, or too many");
    for (size_t i = 0; i < n && err == APM_OK; i++)
        err = read_dev_node(layout, json_array_get(nodes, i), user, ret_why);
    json_decref(file);
    return err;
}

static enum apm_err read_host(struct layout *layout, struct why *ret_why)
{
    struct roster_node *node = roster_add(layout->roster, layout->source->node);
    layout->config = roster_keep(layout->roster, layout->source->config, "");
    return lay_out_services(layout, node, ret_why);
}

enum apm_err roster_read(const struct roster_source *source, struct roster **ret_roster,
                         struct why *ret_why)
{
    struct layout layout = {.roster = roster_new(), .source = source};
    enum apm_err err =
        source->dir != NULL ? read_dev(&layout, ret_why) : read_host(&layout, ret_why);
    if (err != APM_OK)
        roster_destroy(&layout.roster);
    else
        *ret_roster = layout.roster;
    return err;
}
