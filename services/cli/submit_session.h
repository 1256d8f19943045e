/*
 * submit_session - what every submitting command opens: cluster, chain, key, limits.
 */
#ifndef APM2_CLI_SUBMIT_SESSION_H
#define APM2_CLI_SUBMIT_SESSION_H

#include <jansson.h>

#include "services/cli/submitter.h"

/* One process submits with a key at a time (flock on its file): nonces are counted. */
struct submit_session {
    struct cluster cluster;
    int key_fd;
    struct submitter_plan plan; /* borrows the cluster; chain and key are the session's */
};

WARN_UNUSED enum apm_err submit_session_open(const struct invocation *invocation,
                                             struct submit_session *ret_session,
                                             struct complaint *ret_complaint);
void submit_session_close(struct submit_session *session);

/* Submits one event of this type and payload in --namespace; prints what became of
 * it; returns the exit code. Consumes the payload. */
int submit_one_event(const struct invocation *invocation, const char *type, json_t *payload);

#endif
