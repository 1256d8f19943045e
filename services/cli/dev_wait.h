/*
 * dev_wait - waits until the nodes of a development cluster are well, or gone.
 */
#ifndef APM2_CLI_DEV_WAIT_H
#define APM2_CLI_DEV_WAIT_H

#include "services/cli/cluster.h"

/* Until every node that is to be up is healthy and all stand at one height. Gives up
 * early when the watcher has given up on a process. */
WARN_UNUSED enum apm_err dev_wait_healthy(const struct cluster *cluster, uint64_t timeout_ms,
                                          struct complaint *ret_complaint);

/* Until the named nodes (all when n_args is 0) have no process; with all, until the
 * watcher itself has gone. */
WARN_UNUSED enum apm_err dev_wait_down(const char *dir, const struct invocation *names,
                                       uint64_t timeout_ms, struct complaint *ret_complaint);

#endif
