/*
 * cluster - which cluster and which nodes a command is about.
 *
 * A development cluster is a directory with cluster.json, written by `apm2 dev up`,
 * which also notes it in the contexts file ($XDG_CONFIG_HOME/apm2/contexts.json):
 * {"current": "dev", "clusters": {"dev": "/var/lib/apm2-dev"}}. Looked for in this
 * order: --cluster, APM2_CLUSTER (a name there, or a directory if it has a '/'), the
 * current context, the default directory, and this host's /etc/apm2/apm2.yaml.
 */
#ifndef APM2_CLI_CLUSTER_H
#define APM2_CLI_CLUSTER_H

#include "common/limits.h"
#include "services/cli/say.h"

#define CLUSTER_PATH_MAX 256u

/* Longest cluster directory: <dir>/n64/pgsock/.s.PGSQL.5432 is a socket path. */
#define CLUSTER_DIR_MAX 66u

struct cluster_node {
    char name[ID_BYTES_MAX + 1];
    char address[64];
    char dir[CLUSTER_PATH_MAX]; /* "" outside a development cluster */
    char run_dir[CLUSTER_PATH_MAX];
    char config[CLUSTER_PATH_MAX];
};

struct cluster {
    char name[ID_BYTES_MAX + 1];
    char dir[CLUSTER_PATH_MAX];
    char net[32];
    char genesis[CLUSTER_PATH_MAX];
    char actor_key[CLUSTER_PATH_MAX];
    char postgres_user[64]; /* "" = the user who runs it */
    uint32_t n;
    struct cluster_node nodes[VALIDATORS_MAX];
};

/* The cluster this invocation means. NOT_FOUND with what to type. */
WARN_UNUSED enum apm_err cluster_open(const struct invocation *invocation,
                                      struct cluster *ret_cluster, struct complaint *ret_complaint);

/* The directory the dev commands mean: --dir, --cluster, APM2_CLUSTER or the default. */
WARN_UNUSED enum apm_err cluster_dev_dir(const struct invocation *invocation,
                                         char ret_dir[CLUSTER_PATH_MAX],
                                         struct complaint *ret_complaint);

/* NOT_FOUND when the directory holds none. */
WARN_UNUSED enum apm_err cluster_read(const char *dir, struct cluster *ret_cluster,
                                      struct complaint *ret_complaint);
WARN_UNUSED enum apm_err cluster_write(const struct cluster *cluster,
                                       struct complaint *ret_complaint);

/* Notes it in the contexts file. True if commands now mean it by default. */
bool cluster_note_context(const struct cluster *cluster);

/* n when there is no node of this name. */
uint32_t cluster_index_of(const struct cluster *cluster, const char *name);

/* USAGE: there is no such node; names those there are. */
enum apm_err cluster_no_node(const struct cluster *cluster, const char *name,
                             struct complaint *ret_complaint);

#endif
