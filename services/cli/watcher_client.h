/*
 * watcher_client - talks to apm2d: <dir>/apm2d.sock, where `dir` is a development
 * cluster's directory or the run directory of the node installed on this host.
 */
#ifndef APM2_CLI_WATCHER_CLIENT_H
#define APM2_CLI_WATCHER_CLIENT_H

#include <jansson.h>

#include "services/cli/cluster.h"
#include "services/cli/programs.h"

bool watcher_is_running(const char *dir);

/* Verbs as in services/apm2d/control.h; `names` may be empty. ret_state (may be NULL)
 * is the state after it: a new reference. UNREACHABLE: no watcher. */
WARN_UNUSED enum apm_err watcher_ask(const char *dir, const char *verb,
                                     const struct invocation *names, json_t **ret_state,
                                     struct complaint *ret_complaint);

/* The same with args as control.h has them, and without advice what to type. */
WARN_UNUSED enum apm_err watcher_request(const char *dir, const char *verb, const json_t *args,
                                         json_t **ret_state, struct complaint *ret_complaint);

/* Starts apm2d in the background, its log in <dir>/apm2d.log. Returns once it answers. */
WARN_UNUSED enum apm_err watcher_launch(const struct cluster *cluster,
                                        const struct programs *programs,
                                        struct complaint *ret_complaint);

#endif
