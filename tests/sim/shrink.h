/*
 * shrink - makes a failing schedule shorter, as long as it fails in the same way.
 *
 * Whole runs are repeated with less in them: fewer strikes, nothing wrong all the time, fewer
 * faulty, fewer validators, an earlier end. Each trial is a process of its own, so that a broken
 * MUST is a failure like any other. Bounded by trials, not by time: equal input, equal output.
 */
#ifndef APM2_SIM_SHRINK_H
#define APM2_SIM_SHRINK_H

#include "tests/sim/plan.h"
#include "tests/sim/world.h"

/* How a run ended; of a failure, which check objected. */
#define RUN_PASSED (-1)
#define RUN_PANICKED (CHECKS_END)

/* One run in a process of its own, and how it ended. */
int run_apart(struct world *world, bool (*run)(struct world *world, const void *what),
              const void *what);

/* The world is used for all trials. Returns how many there were. */
uint32_t shrink(struct world *world, struct plan *plan, int failure);

#endif
