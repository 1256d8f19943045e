/*
 * reporter - carries the report queue to this node's monitor, over its local socket.
 *
 * One report is under way at a time; it is sent again until the monitor says that it is
 * durable there. Nothing waits for it: while the monitor is away the queue fills and
 * drops by its own rules. A report without items now and then says to whom the monitor may
 * tell what other nodes heard. Driven by the service's loop.
 */
#ifndef APM2_REPORTER_H
#define APM2_REPORTER_H

#include "common/err.h"
#include "common/loop.h"
#include "services/consensus/report_queue.h"

struct reporter;

struct reporter_config {
    void *zmq; /* context */
    struct loop *loop;
    const char *run_dir;
    uint32_t n_peers;
    /* A message that another node heard; unchecked, good for the call. */
    void (*heard)(void *context, struct span message);
    void *context;
};

WARN_UNUSED enum apm_err reporter_start(const struct reporter_config *config,
                                        struct reporter **ret_reporter);
void reporter_destroy(struct reporter **reporter);

struct report_queue *reporter_queue(struct reporter *reporter);

/* Reports the monitor has taken. */
uint64_t reporter_n_taken(const struct reporter *reporter);

#endif
