/*
 * schedule - one run by chance: what its plan says, then everything heals, and then everything
 * submitted must be committed.
 */
#ifndef APM2_SIM_SCHEDULE_H
#define APM2_SIM_SCHEDULE_H

#include "tests/sim/plan.h"
#include "tests/sim/world.h"

/* Runs a plan to its end. False: a checker objects. */
bool schedule_run(struct world *world, const struct plan *plan);

/* Heals everything now and demands progress: the end of every schedule. */
bool schedule_finish(struct world *world);

#endif
