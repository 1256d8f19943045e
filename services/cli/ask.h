/*
 * ask - a question to one of a node's services over its local socket.
 */
#ifndef APM2_CLI_ASK_H
#define APM2_CLI_ASK_H

#include <jansson.h>

#include "services/cli/cluster.h"

struct question {
    const char *verb;
    const json_t *args; /* NULL = none */
    uint64_t timeout_ms;
    const char *service; /* "schema-registry"; NULL = "consensus" */
};

/* One node. ret_body: a new reference. */
WARN_UNUSED enum apm_err ask_one(const struct cluster_node *node, const struct question *question,
                                 json_t **ret_body, struct complaint *ret_complaint);

/* The node of --node, or the first that answers. Opens the cluster itself; the
 * timeout is --timeout or 5 s. */
WARN_UNUSED enum apm_err ask(const struct invocation *invocation, const char *verb,
                             const json_t *args, json_t **ret_body,
                             struct complaint *ret_complaint);

/* The same of another service than consensus. */
struct request {
    const char *service; /* "schema-registry" */
    const char *verb;
    const json_t *args; /* NULL = none */
};
WARN_UNUSED enum apm_err ask_service(const struct invocation *invocation,
                                     const struct request *request, json_t **ret_body,
                                     struct complaint *ret_complaint);

#endif
