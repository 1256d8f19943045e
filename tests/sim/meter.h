/*
 * meter - what goes over the wire: messages by kind, in bytes as the shipped encoder makes them.
 *
 * Hangs on a world when somebody wants to know (net.c counts into it), else costs nothing.
 */
#ifndef APM2_SIM_METER_H
#define APM2_SIM_METER_H

#include "tests/sim/net.h"

/* Of each request's bundle, signature included; a stand-in for what clients send. */
#define METER_BUNDLE_BYTES 1024u

struct meter {
    uint64_t messages[MESSAGES_END];
    uint64_t bytes[MESSAGES_END];
};

/* One message that went to so many replicas. */
void meter_count(struct meter *meter, const struct world *world, const struct message *message,
                 uint32_t n_receivers);

#endif
