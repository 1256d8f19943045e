/*
 * service_verb - `apm2 service start|stop|restart`: asks apm2d, waits for what was asked
 * for, says how long it took.
 *
 * apm2d is the development cluster's, or that of the node installed on this host.
 */
#ifndef APM2_CLI_SERVICE_VERB_H
#define APM2_CLI_SERVICE_VERB_H

#include <jansson.h>

#include "services/cli/cluster.h"

enum service_verb { SERVICE_START, SERVICE_STOP, SERVICE_RESTART };

/* Runs the whole command; returns its exit code. */
int service_verb_run(const struct invocation *invocation, enum service_verb verb);

/* What apm2d knows of this cluster's services: a new reference, as in apm2d/control.h. */
WARN_UNUSED enum apm_err service_state(const struct cluster *cluster, json_t **ret_state,
                                       struct complaint *ret_complaint);

#endif
