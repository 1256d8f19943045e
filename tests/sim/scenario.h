/*
 * scenario - a fixed schedule from a text file: who is cut off when, who asks for
 * what, and what must have come of it (scenarios/README.md).
 */
#ifndef APM2_SIM_SCENARIO_H
#define APM2_SIM_SCENARIO_H

#include "tests/sim/world.h"

/* Prints the verdict. False: a checker objects, an expectation failed, or the file is
 * not a scenario. */
bool scenario_run(struct world *world, const char *path);

#endif
