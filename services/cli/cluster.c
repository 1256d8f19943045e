#include "services/cli/cluster.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/cli/contexts.h"
#include "common/conf.h"
#include "common/file.h"

#define HOST_CONFIG "/etc/apm2/apm2.yaml"

static bool copy_text(char *out, size_t capacity, const char *text)
{
    return text != NULL && snprintf(out, capacity, "%s", text) < (int)capacity;
}

static bool copy_member(char *out, size_t capacity, const json_t *object, const char *name)
{
    return copy_text(out, capacity, json_string_value(json_object_get(object, name)));
}

static bool read_node(const json_t *entry, struct cluster_node *node)
{
    return copy_member(node->name, sizeof(node->name), entry, "name") &&
           copy_member(node->address, sizeof(node->address), entry, "address") &&
           copy_member(node->dir, sizeof(node->dir), entry, "dir") &&
           copy_member(node->run_dir, sizeof(node->run_dir), entry, "run_dir") &&
           copy_member(node->config, sizeof(node->config), entry, "config");
}

static bool read_cluster(const json_t *file, struct cluster *cluster)
{
    const json_t *nodes = json_object_get(file, "nodes");
    size_t n = json_array_size(nodes);
    bool ok = n > 0 && n <= VALIDATORS_MAX &&
              copy_member(cluster->name, sizeof(cluster->name), file, "name") &&
              copy_member(cluster->net, sizeof(cluster->net), file, "net") &&
              copy_member(cluster->genesis, sizeof(cluster->genesis), file, "genesis") &&
              copy_member(cluster->actor_key, sizeof(cluster->actor_key), file, "actor_key");
    (void)copy_member(cluster->postgres_user, sizeof(cluster->postgres_user), file,
                      "postgres_user");
    for (size_t i = 0; ok && i < n; i++)
        ok = read_node(json_array_get(nodes, i), &cluster->nodes[i]);
    cluster->n = (uint32_t)n;
    return ok;
}

enum apm_err cluster_read(const char *dir, struct cluster *ret_cluster,
                          struct complaint *ret_complaint)
{
    char path[CLUSTER_PATH_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s/cluster.json", dir);
    if (access(path, F_OK) != 0) {
        (void)complain(ret_complaint, APM_ERR_NOT_FOUND, "no cluster in %s", dir);
        complain_hint(ret_complaint, "apm2 dev up --dir %s", dir);
        return APM_ERR_NOT_FOUND;
    }
    json_error_t error;
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (file == NULL)
        return complain(ret_complaint, APM_ERR_CONFIG, "%s:%d: %s", path, error.line, error.text);

    struct cluster cluster = {0};
    bool ok = read_cluster(file, &cluster) && copy_text(cluster.dir, sizeof(cluster.dir), dir);
    json_decref(file);
    if (!ok)
        return complain(ret_complaint, APM_ERR_CONFIG, "%s: fields are missing or too long", path);
    *ret_cluster = cluster;
    return APM_OK;
}

static json_t *node_json(const struct cluster_node *node)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", node->name, "address", node->address,
                     "dir", node->dir, "run_dir", node->run_dir, "config", node->config);
}

enum apm_err cluster_write(const struct cluster *cluster, struct complaint *ret_complaint)
{
    char path[CLUSTER_PATH_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s/cluster.json", cluster->dir);

    json_t *nodes = json_array();
    for (uint32_t i = 0; i < cluster->n; i++)
        (void)json_array_append_new(nodes, node_json(&cluster->nodes[i]));
    json_t *file =
        json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", cluster->name, "net", cluster->net,
                  "genesis", cluster->genesis, "actor_key", cluster->actor_key, "nodes", nodes);
    if (cluster->postgres_user[0] != 0)
        (void)json_object_set_new(file, "postgres_user", json_string(cluster->postgres_user));

    char *text = json_dumps(file, JSON_INDENT(2));
    enum apm_err err = text != NULL ? file_replace(path, span_of(text, strlen(text))) : APM_ERR_IO;
    free(text);
    json_decref(file);
    if (err != APM_OK)
        return complain(ret_complaint, err, "%s: %s", path, apm_err_text(err));
    return APM_OK;
}

uint32_t cluster_index_of(const struct cluster *cluster, const char *name)
{
    uint32_t i = 0;
    while (i < cluster->n && strcmp(cluster->nodes[i].name, name) != 0)
        i++;
    return i;
}

enum apm_err cluster_no_node(const struct cluster *cluster, const char *name,
                             struct complaint *ret_complaint)
{
    char names[512] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < cluster->n && size < sizeof(names); i++) {
        int n = snprintf(names + size, sizeof(names) - size, "%s%s", i > 0 ? ", " : "",
                         cluster->nodes[i].name);
        size += n > 0 ? (size_t)n : 0;
    }
    return complain(ret_complaint, APM_ERR_USAGE, "no node \"%s\" in cluster %s; there are %s",
                    name, cluster->name, names);
}

/* A node installed on this host: its own configuration says all. */
static enum apm_err open_host(struct cluster *cluster, struct complaint *complaint)
{
    struct conf_sources sources = {.file = HOST_CONFIG, .environment = environ};
    struct conf *conf = NULL;
    struct buf message;
    buf_init(&message, 4096);
    enum apm_err err = conf_read(&sources, &conf, &message);
    if (err != APM_OK) {
        (void)complain(complaint, err, "%s", buf_str(&message));
    } else {
        struct cluster_node *node = &cluster->nodes[0];
        cluster->n = 1;
        (void)copy_text(cluster->name, sizeof(cluster->name), "host");
        (void)copy_text(cluster->genesis, sizeof(cluster->genesis),
                        conf_str(conf, SETTING_genesis));
        (void)copy_text(node->name, sizeof(node->name), conf_str(conf, SETTING_node));
        (void)copy_text(node->address, sizeof(node->address), conf_str(conf, SETTING_address));
        (void)copy_text(node->run_dir, sizeof(node->run_dir), conf_str(conf, SETTING_run_dir));
        (void)copy_text(node->config, sizeof(node->config), HOST_CONFIG);
    }
    conf_destroy(&conf);
    buf_release(&message);
    return err;
}

static const char *asked_for(const struct invocation *invocation)
{
    if (has_option(invocation, OPTION_cluster))
        return invocation->option[OPTION_cluster];
    const char *name = getenv("APM2_CLUSTER");
    return name != NULL && name[0] != 0 ? name : NULL;
}

static enum apm_err find_dir(const char *asked, char ret_dir[CLUSTER_PATH_MAX],
                             struct complaint *complaint)
{
    if (strchr(asked, '/') != NULL || strcmp(asked, ".") == 0) {
        char *absolute = realpath(asked, NULL);
        bool fits = copy_text(ret_dir, CLUSTER_PATH_MAX, absolute != NULL ? absolute : asked);
        free(absolute);
        return fits ? APM_OK : complain(complaint, APM_ERR_USAGE, "%s: path too long", asked);
    }
    if (contexts_find(asked, ret_dir))
        return APM_OK;
    (void)complain(complaint, APM_ERR_NOT_FOUND, "no cluster named \"%s\" in the contexts file",
                   asked);
    complain_hint(complaint, "name a directory (with a /), or see %s", contexts_path());
    return APM_ERR_NOT_FOUND;
}

static enum apm_err default_dir(char ret_dir[CLUSTER_PATH_MAX], struct complaint *complaint)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = 0;
    if (geteuid() == 0)
        n = snprintf(ret_dir, CLUSTER_PATH_MAX, "/var/lib/apm2-dev");
    else if (state != NULL && state[0] == '/')
        n = snprintf(ret_dir, CLUSTER_PATH_MAX, "%s/apm2/dev", state);
    else if (home != NULL && home[0] == '/')
        n = snprintf(ret_dir, CLUSTER_PATH_MAX, "%s/.local/state/apm2/dev", home);
    if (n <= 0 || n >= (int)CLUSTER_PATH_MAX)
        return complain(complaint, APM_ERR_USAGE, "HOME is not set: say --dir DIR");
    return APM_OK;
}

enum apm_err cluster_dev_dir(const struct invocation *invocation, char ret_dir[CLUSTER_PATH_MAX],
                             struct complaint *ret_complaint)
{
    const char *dir = invocation->option[OPTION_dir];
    const char *asked = asked_for(invocation);
    if (dir == NULL && asked != NULL)
        return find_dir(asked, ret_dir, ret_complaint);
    if (dir == NULL)
        return default_dir(ret_dir, ret_complaint);

    char *absolute = realpath(dir, NULL);
    char *here = getcwd(NULL, 0);
    int n = 0;
    if (absolute != NULL || dir[0] == '/')
        n = snprintf(ret_dir, CLUSTER_PATH_MAX, "%s", absolute != NULL ? absolute : dir);
    else
        n = snprintf(ret_dir, CLUSTER_PATH_MAX, "%s/%s", here != NULL ? here : "", dir);
    free(absolute);
    free(here);
    if (n >= (int)CLUSTER_PATH_MAX)
        return complain(ret_complaint, APM_ERR_USAGE, "%s: path too long", dir);
    return APM_OK;
}

enum apm_err cluster_open(const struct invocation *invocation, struct cluster *ret_cluster,
                          struct complaint *ret_complaint)
{
    char dir[CLUSTER_PATH_MAX];
    const char *asked = asked_for(invocation);
    if (asked != NULL) {
        enum apm_err err = find_dir(asked, dir, ret_complaint);
        return err != APM_OK ? err : cluster_read(dir, ret_cluster, ret_complaint);
    }
    if (contexts_current(dir) && cluster_read(dir, ret_cluster, ret_complaint) == APM_OK)
        return APM_OK;
    if (default_dir(dir, ret_complaint) == APM_OK &&
        cluster_read(dir, ret_cluster, ret_complaint) != APM_ERR_NOT_FOUND)
        return ret_complaint->err;
    if (access(HOST_CONFIG, R_OK) == 0)
        return open_host(ret_cluster, ret_complaint);
    (void)complain(ret_complaint, APM_ERR_NOT_FOUND,
                   "no cluster here: no context, nothing in %s, "
                   "no " HOST_CONFIG,
                   dir);
    complain_hint(ret_complaint, "apm2 dev up");
    return APM_ERR_NOT_FOUND;
}

/* The default directory's cluster is what people mean; one elsewhere is somebody's test. */
bool cluster_note_context(const struct cluster *cluster)
{
    char dir[CLUSTER_PATH_MAX];
    struct complaint ignored = {0};
    bool is_default = default_dir(dir, &ignored) == APM_OK && strcmp(dir, cluster->dir) == 0;
    return contexts_note(cluster->name, cluster->dir, is_default);
}
