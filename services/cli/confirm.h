/*
 * confirm - asks before what cannot be undone.
 */
#ifndef APM2_CLI_CONFIRM_H
#define APM2_CLI_CONFIRM_H

#include "services/cli/say.h"

/* APM_OK with --yes, or when somebody at a terminal answers "yes" to `what`; FAILED for
 * any other answer. USAGE, naming --yes, when there is nobody to ask. `what` is a sentence
 * without its full stop: "this destroys the cluster in /x". */
WARN_UNUSED enum apm_err confirm(const struct invocation *invocation, const char *what,
                                 struct complaint *ret_complaint);

#endif
