/*
 * clock - the three clocks there are. Deadlines use the monotonic one.
 */
#ifndef APM2_CLOCK_H
#define APM2_CLOCK_H

#include <stdint.h>

/* No deadline: later than any time. */
#define CLOCK_NEVER UINT64_MAX

uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);

/* Milliseconds since 1970-01-01 UTC. */
uint64_t clock_wall_ms(void);

#endif
