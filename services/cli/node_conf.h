/*
 * node_conf - a node's settings, read as its services read them.
 */
#ifndef APM2_CLI_NODE_CONF_H
#define APM2_CLI_NODE_CONF_H

#include "common/conf.h"
#include "services/cli/cluster.h"

/* --config, else the configuration of the node that --node (or the first) names. */
WARN_UNUSED enum apm_err node_conf_read(const struct invocation *invocation, struct conf **ret_conf,
                                        struct complaint *ret_complaint);

#endif
