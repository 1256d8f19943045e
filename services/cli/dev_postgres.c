#include "services/cli/dev_postgres.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/cli/process.h"
#include "services/cli/store_pg.h"

#define PATH_BYTES (CLUSTER_PATH_MAX + 32u)

enum apm_err dev_postgres_user(char ret_user[64], struct complaint *ret_complaint)
{
    ret_user[0] = 0;
    if (geteuid() != 0)
        return APM_OK;
    if (getpwnam("postgres") == NULL) {
        (void)complain(ret_complaint, APM_ERR_CONFIG,
                       "PostgreSQL refuses to run as root and there is no user \"postgres\"");
        complain_hint(ret_complaint, "run as another user, or adduser --system postgres");
        return APM_ERR_CONFIG;
    }
    (void)snprintf(ret_user, 64, "postgres");
    return APM_OK;
}

static enum apm_err failed(const struct cluster_node *node, const char *what,
                           struct complaint *complaint)
{
    char path[PATH_BYTES], tail[512];
    (void)snprintf(path, sizeof(path), "%s/log/postgresql.log", node->dir);
    process_log_tail(path, 3, tail, sizeof(tail));
    (void)complain(complaint, APM_ERR_FAILED, "%s: %s failed: %s", node->name, what, tail);
    complain_hint(complaint, "see %s; the cluster's directory must be open to PostgreSQL's user",
                  path);
    return APM_ERR_FAILED;
}

static enum apm_err make_dir(const struct cluster *cluster, const char *path,
                             struct complaint *complaint)
{
    const struct passwd *owner =
        cluster->postgres_user[0] != 0 ? getpwnam(cluster->postgres_user) : NULL;
    if (mkdir(path, 0700) != 0 || (owner != NULL && chown(path, owner->pw_uid, owner->pw_gid) != 0))
        return complain(complaint, APM_ERR_IO, "cannot create %s: %m", path);
    return APM_OK;
}

static pid_t start_initdb(const struct cluster *cluster, const struct programs *programs,
                          const struct cluster_node *node)
{
    char data[PATH_BYTES], log[PATH_BYTES];
    (void)snprintf(data, sizeof(data), "%s/pg", node->dir);
    (void)snprintf(log, sizeof(log), "%s/log/postgresql.log", node->dir);
    const char *const argv[] = {
        programs->initdb,
        "-D",
        data,
        "-U",
        "postgres",
        "--encoding=UTF8",
        "--locale=C",
        "--auth=peer",
        "--auth-host=reject",
        "--data-checksums",
        NULL,
    };
    return process_start(
        &(struct process){.argv = argv, .user = cluster->postgres_user, .log_path = log});
}

/* --single answers each line; a failed statement does not fail the program, but
 * then the migration that follows does. */
static pid_t start_bootstrap(const struct cluster *cluster, const struct programs *programs,
                             const struct cluster_node *node)
{
    char data[PATH_BYTES], log[PATH_BYTES];
    (void)snprintf(data, sizeof(data), "%s/pg", node->dir);
    (void)snprintf(log, sizeof(log), "%s/log/postgresql.log", node->dir);
    const char *const argv[] = {programs->postgres, "--single", "-D", data, "postgres", NULL};
    return process_start(&(struct process){.argv = argv,
                                           .user = cluster->postgres_user,
                                           .input = store_bootstrap_sql,
                                           .log_path = log});
}

static enum apm_err append(const struct cluster_node *node, const char *file, const char *text,
                           struct complaint *complaint)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/pg/%s", node->dir, file);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    return ok ? APM_OK : complain(complaint, APM_ERR_IO, "cannot write %s: %m", path);
}

static enum apm_err configure(const struct cluster_node *node, struct complaint *complaint)
{
    char settings[2048];
    (void)snprintf(settings, sizeof(settings),
                   "\n# Written by `apm2 dev up`. fsync, full_page_writes and synchronous_commit\n"
                   "# are not touched: this node is as durable as one in production.\n"
                   "listen_addresses = ''\n"
                   "unix_socket_directories = '%s/pgsock'\n"
                   "unix_socket_permissions = 0700\n"
                   "max_connections = 20\n"
                   "shared_buffers = 24MB\n"
                   "work_mem = 2MB\n"
                   "maintenance_work_mem = 16MB\n"
                   "autovacuum_max_workers = 1\n"
                   "max_parallel_workers = 0\n"
                   "max_parallel_workers_per_gather = 0\n"
                   "jit = off\n"
                   "wal_level = minimal\n"
                   "max_wal_senders = 0\n"
                   "min_wal_size = 64MB\n"
                   "max_wal_size = 512MB\n"
                   "checkpoint_timeout = 15min\n"
                   "log_line_prefix = '%%m [%%p] '\n"
                   "log_checkpoints = off\n",
                   node->dir);
    return append(node, "postgresql.conf", settings, complaint);
}

/* Peer authentication: whoever runs the services is apm2, and may look in as postgres. */
static enum apm_err admit(const struct cluster *cluster, const struct cluster_node *node,
                          struct complaint *complaint)
{
    const struct passwd *self = getpwuid(geteuid());
    const char *user = self != NULL ? self->pw_name : "root";
    const char *owner = cluster->postgres_user[0] != 0 ? cluster->postgres_user : user;
    char map[512], path[PATH_BYTES];
    (void)snprintf(map, sizeof(map), "dev %s apm2\ndev %s postgres\n%s%s%s", user, user,
                   strcmp(user, owner) != 0 ? "dev " : "", strcmp(user, owner) != 0 ? owner : "",
                   strcmp(user, owner) != 0 ? " postgres\n" : "");
    (void)snprintf(path, sizeof(path), "%s/pg/pg_hba.conf", node->dir);
    if (truncate(path, 0) != 0)
        return complain(complaint, APM_ERR_IO, "cannot write %s: %m", path);
    enum apm_err err = append(node, "pg_hba.conf", "local all all peer map=dev\n", complaint);
    return err != APM_OK ? err : append(node, "pg_ident.conf", map, complaint);
}

typedef pid_t start_fn(const struct cluster *, const struct programs *,
                       const struct cluster_node *);

/* One process per node at once; waits for all of them whatever happens. */
static enum apm_err for_all(const struct cluster *cluster, const struct programs *programs,
                            start_fn *start, struct complaint *complaint)
{
    pid_t pids[VALIDATORS_MAX] = {0};
    enum apm_err err = APM_OK;
    for (uint32_t i = 0; i < cluster->n; i++)
        pids[i] = start(cluster, programs, &cluster->nodes[i]);
    for (uint32_t i = 0; i < cluster->n; i++) {
        if (!process_wait(pids[i]) && err == APM_OK)
            err = failed(&cluster->nodes[i], start == start_initdb ? "initdb" : "postgres --single",
                         complaint);
    }
    return err;
}

enum apm_err dev_postgres_create(const struct cluster *cluster, const struct programs *programs,
                                 struct complaint *ret_complaint)
{
    enum apm_err err = APM_OK;
    for (uint32_t i = 0; i < cluster->n && err == APM_OK; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof(path), "%s/pg", cluster->nodes[i].dir);
        err = make_dir(cluster, path, ret_complaint);
        (void)snprintf(path, sizeof(path), "%s/pgsock", cluster->nodes[i].dir);
        if (err == APM_OK)
            err = make_dir(cluster, path, ret_complaint);
    }
    if (err == APM_OK)
        err = for_all(cluster, programs, start_initdb, ret_complaint);
    for (uint32_t i = 0; i < cluster->n && err == APM_OK; i++) {
        err = configure(&cluster->nodes[i], ret_complaint);
        if (err == APM_OK)
            err = admit(cluster, &cluster->nodes[i], ret_complaint);
    }
    return err != APM_OK ? err : for_all(cluster, programs, start_bootstrap, ret_complaint);
}
