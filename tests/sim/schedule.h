/*
 * schedule - one run by chance: which faults, when, and how it must end.
 *
 * Each seed first switches whole classes of faults off (swarm testing), so that
 * some runs are nothing but crashes and others nothing but lost votes. After a
 * while everything heals, and then everything submitted must be committed.
 */
#ifndef APM2_SIM_SCHEDULE_H
#define APM2_SIM_SCHEDULE_H

#include "tests/sim/world.h"

/* Runs one seed; 0 validators: 4 to 7, by chance. False: a checker objects. */
bool schedule_run(struct world *world, uint64_t seed, uint32_t n_validators);

/* Heals everything now and demands progress: the end of every schedule. */
bool schedule_finish(struct world *world);

#endif
