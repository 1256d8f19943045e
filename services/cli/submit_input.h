/*
 * submit_input - event lines read, checked and put together as batches.
 */
#ifndef APM2_CLI_SUBMIT_INPUT_H
#define APM2_CLI_SUBMIT_INPUT_H

#include "services/cli/submitter.h"

/* Reads FILE or "-" to its end. Empty lines are skipped. Every line is checked; the
 * complaint names the first bad one and how many more there are. `per_bundle` events
 * of one namespace, in order, make a batch. */
WARN_UNUSED enum apm_err submit_input_read(const char *path, struct apm2_cluster *chain,
                                           uint32_t per_bundle, struct batches *ret_batches,
                                           struct complaint *ret_complaint);

#endif
