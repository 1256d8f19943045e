/*
 * observe - a service's way to the observations of its node, through the local door of
 * apm2-anti-entropy (<run_dir>/anti-entropy.sock).
 *
 * A DEALER in the service's loop; nothing blocks. Each request gets exactly one callback:
 * its answer, or UNREACHABLE when nobody listens, TIMED_OUT when none came within
 * OBSERVE_TIMEOUT_MS; the service then asks again when it likes. A put answered OK is
 * durable on this node and goes to all others by itself. With `once` a put may be
 * repeated without harm: it is answered with the record that stands already.
 *
 * Spans in callbacks borrow for the call. At most OBSERVE_REQUESTS_MAX are under way.
 */
#ifndef APM2_OBSERVE_H
#define APM2_OBSERVE_H

#include "common/err.h"
#include "common/loop.h"
#include "common/wire.h"

#define OBSERVE_TIMEOUT_MS 10000u
#define OBSERVE_REQUESTS_MAX 256u

struct observe;

/* What to put. `kind` and `key` are names (feed_text_is_valid); key may be empty. */
struct observation {
    struct span space;
    struct span kind;
    struct span key;
    struct hash schema; /* zero: none */
    struct span payload;
    bool once; /* this node's newest of this space, kind and key, if it holds the same payload */
};

/* Empty ones let all pass. */
struct observe_filter {
    struct span space;
    struct span kind;
    struct span key;
};

/* One record as listed; record.payload is what was put. */
struct observed {
    uint64_t cursor;
    struct hash feed;
    uint64_t held; /* enum feed_held */
    struct wire_feed_record record;
};

struct observe_events {
    void *context;
    /* NULL: not interested. feed and seq are meaningful when err is APM_OK. `detail`: why not. */
    void (*put)(void *context, uint64_t request, enum apm_err err, const struct hash *feed,
                uint64_t seq);
    /* Once per record of a page, in order; then `page` ends it. */
    void (*record)(void *context, uint64_t request, const struct observed *observed);
    /* `next`: the cursor to go on from. `is_end`: nothing stood behind it just now. */
    void (*page)(void *context, uint64_t request, enum apm_err err, uint64_t next, bool is_end);
};

struct observe *observe_new(void *zmq, struct loop *loop, const char *run_dir,
                            const struct observe_events *events);
void observe_destroy(struct observe **observe);

/* The request's number, or 0: nobody listens, or too many under way; no callback follows. */
uint64_t observe_put(struct observe *observe, const struct observation *observation);
/* Records of all nodes after the cursor, oldest here first. limit 0: PAGE_RECORDS_MAX. */
uint64_t observe_list(struct observe *observe, const struct observe_filter *filter, uint64_t after,
                      uint64_t limit);
uint64_t observe_get(struct observe *observe, const struct hash *feed, uint64_t seq);

/* Decodes one item of an observe_page. */
bool observed_decode(struct span bytes, struct observed *ret_observed);

#endif
