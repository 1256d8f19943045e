/*
 * observation - the local door of apm2-anti-entropy, and its records for people and programs.
 */
#ifndef APM2_CLI_OBSERVATION_H
#define APM2_CLI_OBSERVATION_H

#include <jansson.h>

#include "common/buf.h"
#include "common/observe.h"
#include "services/cli/cluster.h"

/* Sends the message to --node or the first node that listens, and waits for the first message
 * of id `reply`. ret_frame is the caller's. */
struct observation_question {
    enum wire_id id;
    const void *message;
    enum wire_id reply;
};
WARN_UNUSED enum apm_err observation_ask(const struct invocation *invocation,
                                         const struct observation_question *question,
                                         struct buf *ret_frame, struct complaint *ret_complaint);

/* What the service said in its reply's `error` and `detail`. */
WARN_UNUSED enum apm_err observation_error(struct span error, struct span detail,
                                           struct complaint *ret_complaint);

/* A new reference. */
json_t *observation_to_json(const struct observed *observed);

#endif
