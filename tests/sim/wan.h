/*
 * wan - how long a commit takes over long lines and what it costs, by size of the set.
 *
 * One leader, nothing goes wrong, every link takes the same time each way, disks take 0 to 4 ms.
 * A client gives one request at a time to a validator that does not lead.
 */
#ifndef APM2_SIM_WAN_H
#define APM2_SIM_WAN_H

#include "tests/sim/world.h"

/* Prints the table for 4, 7, 16, 31 and 64 validators, as far as n_max, or JSON. False: a
 * checker objects, or a request was not committed. */
bool wan_run(struct world *world, uint32_t n_max, bool is_json);

#endif
