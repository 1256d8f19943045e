/*
 * report - what the runs came to: rate, faults injected, invariants checked, and
 * of a failure the seed and what broke.
 */
#ifndef APM2_SIM_REPORT_H
#define APM2_SIM_REPORT_H

#include "tests/sim/world.h"

#define WORKERS_MAX 256u

/* Shared by all workers. */
struct report {
    uint32_t n_workers;
    volatile bool has_failed;
    uint64_t started_ns;
    struct stats workers[WORKERS_MAX];
};

struct report *report_new(uint32_t n_workers);

/* The seed that runs now: named when a MUST breaks. */
void report_seed(uint64_t seed);
void report_panics(void);

void report_failure(const struct world *world, uint32_t n_validators);
void report_run(const struct world *world);
void report_all(const struct report *report);

#endif
