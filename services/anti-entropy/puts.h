/*
 * puts - observations of this node on their way into its own feeds.
 *
 * A put waits in the queue, is joined with others of its namespace into one batch under one
 * signed head, and is answered when the batch is durable. One batch of a feed at a time, so
 * that what comes meanwhile shares the next. Limits: PUTS_MAX, PUTS_BYTES_MAX: then BUSY.
 */
#ifndef APM2_ANTI_ENTROPY_PUTS_H
#define APM2_ANTI_ENTROPY_PUTS_H

#include "common/wire.h"

#define PUTS_MAX 8192u
#define PUTS_BYTES_MAX (16u * MIB)
#define ROUTE_BYTES_MAX 255u

struct entropy;
struct batch;

/* Who asked, over the local door. */
struct asker {
    uint8_t route[ROUTE_BYTES_MAX];
    uint8_t route_size;
    uint64_t request;
};

struct put;

struct puts {
    struct put *queue; /* oldest first */
    struct put **queue_end;
    uint32_t n;
    size_t bytes;
};

void puts_init(struct puts *puts);
void puts_release(struct puts *puts);

/* Answers now when it is refused. */
void puts_take(struct entropy *entropy, const struct asker *asker,
               const struct wire_observe_put *put);
/* Makes batches of what waits. */
void puts_turn(struct entropy *entropy);
/* The batch's writers are answered. */
void puts_settle(struct entropy *entropy, struct batch *batch);

#endif
