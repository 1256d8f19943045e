#include "services/cli/node_conf.h"

#include <unistd.h>

static enum apm_err config_path(const struct invocation *invocation, char out[CLUSTER_PATH_MAX],
                                struct complaint *complaint)
{
    const char *given = invocation->option[OPTION_config];
    if (given != NULL) {
        if (snprintf(out, CLUSTER_PATH_MAX, "%s", given) >= (int)CLUSTER_PATH_MAX)
            return complain(complaint, APM_ERR_USAGE, "%s: path too long", given);
        return APM_OK;
    }
    struct cluster cluster;
    enum apm_err err = cluster_open(invocation, &cluster, complaint);
    if (err != APM_OK)
        return err;
    const char *name = invocation->option[OPTION_node];
    uint32_t i = name != NULL ? cluster_index_of(&cluster, name) : 0;
    if (i == cluster.n)
        return cluster_no_node(&cluster, name, complaint);
    memcpy(out, cluster.nodes[i].config, CLUSTER_PATH_MAX);
    return APM_OK;
}

enum apm_err node_conf_read(const struct invocation *invocation, struct conf **ret_conf,
                            struct complaint *ret_complaint)
{
    char path[CLUSTER_PATH_MAX];
    enum apm_err err = config_path(invocation, path, ret_complaint);
    if (err != APM_OK)
        return err;

    struct conf_sources sources = {.file = path, .environment = environ};
    struct buf message;
    buf_init(&message, 4096);
    err = conf_read(&sources, ret_conf, &message);
    if (err != APM_OK)
        (void)complain(ret_complaint, err, "%s", message.size > 0 ? buf_str(&message) : path);
    buf_release(&message);
    return err;
}
