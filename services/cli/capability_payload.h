/*
 * capability_payload - the payload that `capability grant` and `delegate` share.
 */
#ifndef APM2_CLI_CAPABILITY_PAYLOAD_H
#define APM2_CLI_CAPABILITY_PAYLOAD_H

#include <jansson.h>

#include "services/cli/say.h"

/* capability_id, subject, rights, and expires_at_ms and resource_prefix if asked for.
 * ret_payload: a new reference. */
WARN_UNUSED enum apm_err capability_payload(const struct invocation *invocation,
                                            json_t **ret_payload, struct complaint *ret_complaint);

#endif
