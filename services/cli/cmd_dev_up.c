#include <stdio.h>

#include "common/clock.h"
#include "common/genesis.h"
#include "services/cli/confirm.h"
#include "services/cli/dev_create.h"
#include "services/cli/dev_ports.h"
#include "services/cli/dev_wait.h"
#include "services/cli/parse_value.h"
#include "services/cli/watcher_client.h"

#define HEALTHY_TIMEOUT_MS 60000u
#define DRAIN_TIMEOUT_MS 15000u

/* metrics_port's default: dev_create leaves it alone. */
#define STATUS_PAGE_PORT 9470u

struct dev_up {
    char dir[CLUSTER_PATH_MAX];
    struct dev_plan plan;
    uint64_t timeout_ms;
    struct programs programs;
    struct cluster cluster;
    bool is_new;
    bool is_current; /* commands mean it without --cluster */
};

static enum apm_err read_options(const struct invocation *invocation, struct dev_up *up,
                                 struct complaint *complaint)
{
    uint64_t n_nodes = 4;
    enum apm_err err = cluster_dev_dir(invocation, up->dir, complaint);
    if (err == APM_OK)
        err =
            parse_u64(invocation, OPTION_nodes,
                      (struct bounds){GENESIS_VALIDATORS_MIN, VALIDATORS_MAX}, &n_nodes, complaint);
    if (err == APM_OK)
        err = parse_timeout(invocation, HEALTHY_TIMEOUT_MS, &up->timeout_ms, complaint);
    if (err != APM_OK)
        return err;

    const char *net = invocation->option[OPTION_net];
    up->plan = (struct dev_plan){
        .dir = up->dir,
        .net = net != NULL ? net : "127.0.10",
        .n_nodes = (uint32_t)n_nodes,
    };
    if (!dev_net_is_valid(up->plan.net))
        return complain(complaint, APM_ERR_USAGE,
                        "--net: \"%s\" is not three numbers of a loopback address, as in 127.0.10",
                        net);
    if (strlen(up->dir) > CLUSTER_DIR_MAX)
        return complain(complaint, APM_ERR_USAGE,
                        "%s: longer than %u bytes, too long for socket paths; choose another --dir",
                        up->dir, CLUSTER_DIR_MAX);
    return APM_OK;
}

/* What was asked for must be what is there. */
static enum apm_err check_shape(const struct invocation *invocation, const struct dev_up *up,
                                struct complaint *complaint)
{
    const struct cluster *cluster = &up->cluster;
    bool other_n = has_option(invocation, OPTION_nodes) && cluster->n != up->plan.n_nodes;
    bool other_net = has_option(invocation, OPTION_net) && strcmp(cluster->net, up->plan.net) != 0;
    if (!other_n && !other_net)
        return APM_OK;
    (void)complain(complaint, APM_ERR_USAGE, "%s holds a cluster of %u nodes on %s", up->dir,
                   cluster->n, cluster->net);
    complain_hint(complaint, "apm2 dev up without options, with --fresh to replace it, or with "
                             "another --dir");
    return APM_ERR_USAGE;
}

static enum apm_err join_running(const struct invocation *invocation, struct dev_up *up,
                                 struct complaint *complaint)
{
    if (has_option(invocation, OPTION_fresh)) {
        (void)complain(complaint, APM_ERR_USAGE, "a cluster is running in %s", up->dir);
        complain_hint(complaint, "apm2 dev down, then apm2 dev up --fresh");
        return APM_ERR_USAGE;
    }
    enum apm_err err = cluster_read(up->dir, &up->cluster, complaint);
    if (err == APM_OK)
        err = check_shape(invocation, up, complaint);
    if (err == APM_OK)
        err = watcher_ask(up->dir, "start", NULL, NULL, complaint);
    if (err == APM_OK && !say_is_json(invocation))
        say_progress("the cluster in %s is running already", up->dir);
    return err;
}

/* What is left of a creation that broke off is nobody's loss. */
static enum apm_err confirm_loss(const struct invocation *invocation, const struct dev_up *up,
                                 struct complaint *complaint)
{
    char what[CLUSTER_PATH_MAX + 80];
    if (!dev_holds_data(up->dir))
        return APM_OK;
    (void)snprintf(what, sizeof(what), "this destroys the cluster in %s, its ledger and keys",
                   up->dir);
    return confirm(invocation, what, complaint);
}

static enum apm_err start(const struct invocation *invocation, struct dev_up *up,
                          struct complaint *complaint)
{
    enum apm_err err = programs_find(&up->programs, complaint);
    if (err != APM_OK)
        return err;
    enum apm_err found = cluster_read(up->dir, &up->cluster, complaint);
    if (found != APM_OK && found != APM_ERR_NOT_FOUND && !has_option(invocation, OPTION_fresh))
        return found;
    up->is_new = found != APM_OK || has_option(invocation, OPTION_fresh);
    err = up->is_new ? confirm_loss(invocation, up, complaint)
                     : check_shape(invocation, up, complaint);
    struct dev_ports ports = {
        .net = up->is_new ? up->plan.net : up->cluster.net,
        .n_nodes = up->is_new ? up->plan.n_nodes : up->cluster.n,
        /* Its last run may be draining still, when its watcher was killed. */
        .wait_ms = found == APM_OK ? DRAIN_TIMEOUT_MS : 0,
    };
    if (err == APM_OK)
        err = dev_ports_check(&ports, complaint);
    if (err == APM_OK && up->is_new)
        err = dev_create(&up->plan, &up->programs, &up->cluster, complaint);
    if (err == APM_OK)
        err = watcher_launch(&up->cluster, &up->programs, complaint);
    return err;
}

static void report(const struct invocation *invocation, const struct dev_up *up,
                   uint64_t elapsed_ms)
{
    const struct cluster *cluster = &up->cluster;
    if (say_is_json(invocation)) {
        (void)printf("{\"cluster\": \"%s\", \"dir\": \"%s\", \"nodes\": %u, \"net\": \"%s\", "
                     "\"created\": %s, \"elapsed_ms\": %llu, "
                     "\"status_page\": \"http://%s:%u/\"}\n",
                     cluster->name, cluster->dir, cluster->n, cluster->net,
                     up->is_new ? "true" : "false", (unsigned long long)elapsed_ms,
                     cluster->nodes[0].address, STATUS_PAGE_PORT);
        return;
    }
    (void)printf("cluster %s: %u nodes on %s.1-%u, healthy after %llu.%llu s; files in %s\n",
                 cluster->name, cluster->n, cluster->net, cluster->n,
                 (unsigned long long)(elapsed_ms / 1000),
                 (unsigned long long)(elapsed_ms % 1000 / 100), cluster->dir);
    (void)printf("status page: http://%s:%u/\n", cluster->nodes[0].address, STATUS_PAGE_PORT);
    if (!up->is_current)
        (void)printf("next: export APM2_CLUSTER=%s\n", cluster->dir);
    (void)printf("next: apm2 consensus status | apm2 dev status | apm2 dev logs -f | "
                 "apm2 dev down\n");
}

int cmd_dev_up(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct dev_up up = {0};
    uint64_t began_ms = clock_mono_ms();

    enum apm_err err = read_options(invocation, &up, &complaint);
    if (err == APM_OK && watcher_is_running(up.dir))
        err = join_running(invocation, &up, &complaint);
    else if (err == APM_OK)
        err = start(invocation, &up, &complaint);
    if (err == APM_OK) {
        up.is_current = cluster_note_context(&up.cluster);
        err = dev_wait_healthy(&up.cluster, up.timeout_ms, &complaint);
    }
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    report(invocation, &up, clock_mono_ms() - began_ms);
    return 0;
}
