#include "services/cli/dev_create.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/file.h"
#include "common/keygen.h"
#include "services/cli/dev_postgres.h"
#include "services/cli/genesis_plan.h"

#define T0_KEYS 5u
#define T0_THRESHOLD 3u
#define PATH_BYTES (CLUSTER_PATH_MAX + 32u)

/* `mode` 0711 lets PostgreSQL's user pass through without reading. */
static enum apm_err make_dir(const char *path, mode_t mode, struct complaint *complaint)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return complain(complaint, APM_ERR_IO, "cannot create %s: %m", path);
    if (chmod(path, mode) != 0)
        return complain(complaint, APM_ERR_DENIED, "cannot use %s: %m", path);
    return APM_OK;
}

static enum apm_err make_node_dirs(const struct cluster_node *node, struct complaint *complaint)
{
    enum apm_err err = make_dir(node->dir, 0711, complaint);
    const char *const names[] = {"keys", "run", "log", "data"};
    for (size_t i = 0; i < N_ELEMENTS(names) && err == APM_OK; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof(path), "%s/%s", node->dir, names[i]);
        err = make_dir(path, 0700, complaint);
    }
    return err;
}

static void lay_out(struct cluster *cluster, const struct dev_plan *plan)
{
    *cluster = (struct cluster){.n = plan->n_nodes};
    const char *base = strrchr(plan->dir, '/');
    bool is_default = strcmp(plan->dir, "/var/lib/apm2-dev") == 0 || strcmp(base, "/dev") == 0;
    (void)snprintf(cluster->name, sizeof(cluster->name), "%s", is_default ? "dev" : base + 1);
    (void)snprintf(cluster->dir, sizeof(cluster->dir), "%s", plan->dir);
    (void)snprintf(cluster->net, sizeof(cluster->net), "%s", plan->net);
    (void)snprintf(cluster->genesis, sizeof(cluster->genesis), "%s/genesis.json", plan->dir);
    (void)snprintf(cluster->actor_key, sizeof(cluster->actor_key), "%s/operator.pem", plan->dir);
    for (uint32_t i = 0; i < plan->n_nodes; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        (void)snprintf(node->name, sizeof(node->name), "n%u", i + 1);
        (void)snprintf(node->address, sizeof(node->address), "%s.%u", plan->net, i + 1);
        (void)snprintf(node->dir, sizeof(node->dir), "%s/n%u", plan->dir, i + 1);
        (void)snprintf(node->run_dir, sizeof(node->run_dir), "%s/n%u/run", plan->dir, i + 1);
        (void)snprintf(node->config, sizeof(node->config), "%s/n%u/apm2.yaml", plan->dir, i + 1);
    }
}

static enum apm_err write_config(const struct cluster *cluster, const struct cluster_node *node,
                                 struct complaint *complaint)
{
    struct buf text;
    buf_init(&text, 16u * KIB);
    (void)buf_printf(&text,
                     "# Node %s of the development cluster in %s. Written by `apm2 dev up`;\n"
                     "# your changes stay until `apm2 dev up --fresh`.\n"
                     "node: %s\n"
                     "address: %s\n"
                     "health_address: %s\n"
                     "run_dir: \"%s\"\n"
                     "data_dir: \"%s/data\"\n"
                     "key_file: \"%s/keys/%s.pem\"\n"
                     "genesis: \"%s\"\n"
                     "database: \"host=%s/pgsock user=apm2 dbname=apm2\"\n",
                     node->name, cluster->dir, node->name, node->address, node->address,
                     node->run_dir, node->dir, node->dir, node->name, cluster->genesis, node->dir);
    enum apm_err err = file_create(node->config, buf_span(&text));
    buf_release(&text);
    if (err != APM_OK)
        return complain(complaint, err, "cannot write %s: %s", node->config, apm_err_text(err));
    return APM_OK;
}

static enum apm_err make_node(const struct cluster *cluster, const struct cluster_node *node,
                              struct complaint *complaint)
{
    enum apm_err err = make_node_dirs(node, complaint);
    if (err != APM_OK)
        return err;
    char path[PATH_BYTES * 2];
    struct why why = {""};
    struct keygen_options options = {.id = node->name, .address = node->address};
    (void)snprintf(path, sizeof(path), "%s/keys/%s.pem", node->dir, node->name);
    err = keygen_write(path, &options, NULL, &why);
    if (err != APM_OK)
        return complain(complaint, err, "%s", why.text);
    return write_config(cluster, node, complaint);
}

struct genesis_paths {
    char cards[VALIDATORS_MAX][PATH_BYTES * 2];
    char t0[T0_KEYS][PATH_BYTES];
};

static enum apm_err make_t0(const struct cluster *cluster, struct genesis_paths *paths,
                            struct why *why)
{
    enum apm_err err = APM_OK;
    for (uint32_t i = 0; i < T0_KEYS && err == APM_OK; i++) {
        (void)snprintf(paths->t0[i], sizeof(paths->t0[i]), "%s/t0/t0-%u.pem", cluster->dir, i + 1);
        err = key_new(paths->t0[i], NULL, why);
    }
    return err;
}

static enum apm_err make_genesis(const struct cluster *cluster, struct complaint *complaint)
{
    struct genesis_paths paths;
    struct why why = {""};
    struct hash chain;
    char t0_dir[PATH_BYTES];
    struct genesis_files files = {
        .name = cluster->name,
        .n_cards = cluster->n,
        .n_t0 = T0_KEYS,
        .threshold = T0_THRESHOLD,
        .actor_key = cluster->actor_key,
        .output = cluster->genesis,
    };

    (void)snprintf(t0_dir, sizeof(t0_dir), "%s/t0", cluster->dir);
    enum apm_err err = make_dir(t0_dir, 0700, complaint);
    if (err != APM_OK)
        return err;
    err = make_t0(cluster, &paths, &why);
    if (err == APM_OK)
        err = key_new(cluster->actor_key, NULL, &why);
    if (err != APM_OK)
        return complain(complaint, err, "%s", why.text);

    for (uint32_t i = 0; i < cluster->n; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        (void)snprintf(paths.cards[i], sizeof(paths.cards[i]), "%s/keys/%s.card.json", node->dir,
                       node->name);
        files.cards[i] = paths.cards[i];
    }
    for (uint32_t i = 0; i < T0_KEYS; i++)
        files.t0_keys[i] = paths.t0[i];
    return genesis_from_files(&files, &chain, complaint);
}

enum apm_err dev_create(const struct dev_plan *plan, const struct programs *programs,
                        struct cluster *ret_cluster, struct complaint *ret_complaint)
{
    struct cluster cluster;
    lay_out(&cluster, plan);
    enum apm_err err = dev_postgres_user(cluster.postgres_user, ret_complaint);
    if (err == APM_OK)
        err = dev_remove(plan->dir, ret_complaint);
    if (err == APM_OK && file_make_dirs(plan->dir) != APM_OK)
        err = complain(ret_complaint, APM_ERR_DENIED, "cannot create %s: %m", plan->dir);
    if (err == APM_OK)
        err = make_dir(plan->dir, 0711, ret_complaint);

    say_progress("making keys and genesis for %u nodes", cluster.n);
    for (uint32_t i = 0; i < cluster.n && err == APM_OK; i++)
        err = make_node(&cluster, &cluster.nodes[i], ret_complaint);
    if (err == APM_OK)
        err = make_genesis(&cluster, ret_complaint);
    if (err != APM_OK)
        return err;

    say_progress("making %u databases", cluster.n);
    err = dev_postgres_create(&cluster, programs, ret_complaint);
    if (err == APM_OK)
        err = cluster_write(&cluster, ret_complaint);
    if (err == APM_OK)
        *ret_cluster = cluster;
    return err;
}
