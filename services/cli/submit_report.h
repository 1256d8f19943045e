/*
 * submit_report - what became of a submission, for people and for programs.
 */
#ifndef APM2_CLI_SUBMIT_REPORT_H
#define APM2_CLI_SUBMIT_REPORT_H

#include "services/cli/submitter.h"

/* Door to outcome, of the bundles that came to a final outcome. */
struct latencies {
    uint64_t n;
    uint64_t p50_us, p99_us, max_us;
};

struct latencies latencies_of(const struct batch *batches, uint32_t n);

/* Prints; returns the exit code: 0 when every event was applied, else 1. */
int submit_report(const struct invocation *invocation, const struct batch *batches, uint32_t n,
                  const struct submit_totals *totals);

/* A progress line. `context` is the number of batches (uint32_t *). */
void submit_progress(void *context, const struct batch *batches, uint32_t n_done);

/* Which events of a batch did not become applied, one line each at most. */
void submit_print_failures(const struct batch *batches, uint32_t n, uint32_t max_lines);

#endif
