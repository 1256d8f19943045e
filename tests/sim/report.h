/*
 * report - what the runs came to: rate, faults injected, invariants checked, and
 * of a failure the seed and what broke.
 */
#ifndef APM2_SIM_REPORT_H
#define APM2_SIM_REPORT_H

#include "tests/sim/plan.h"
#include "tests/sim/world.h"

#define WORKERS_MAX 256u

/* Shared by all workers. */
struct report {
    uint32_t n_workers;
    volatile bool has_failed;
    uint64_t started_ns;
    struct stats workers[WORKERS_MAX];
    /* What each runs now, and how that failed: a broken MUST leaves only the seed. */
    struct {
        uint64_t seed;
        int failure;
    } running[WORKERS_MAX];
};

struct report *report_new(uint32_t n_workers);

/* Since then, whole ones. */
uint64_t report_minutes(const struct report *report);

/* The seed that runs now: named when a MUST breaks. */
void report_seed(uint64_t seed);
void report_panics(void);

/* And how to see it again: with the option beside its seed, unless the value is 0. */
void report_failure(const struct world *world, const char *option, uint32_t value);

/* Makes the failing schedule shorter and prints it as a script. */
void report_shortened(struct world *world, struct plan *plan, int failure);
void report_run(const struct world *world);
void report_all(const struct report *report);

#endif
