/*
 * exporter - a node as its exporter sees it, for unit tests of what is made of it.
 */
#ifndef APM2_SUPPORT_EXPORTER_H
#define APM2_SUPPORT_EXPORTER_H

#include <stdio.h>
#include <string.h>

#include "services/metrics-exporter/history.h"
#include "services/metrics-exporter/snapshot.h"

static inline struct service_view service_up(void)
{
    return (struct service_view){.is_up = true,
                                 .was_up = true,
                                 .is_ready = true,
                                 .version = "0.1.0",
                                 .pid = 4711,
                                 .uptime_ms = 65000};
}

/* `n` validators, all well; n1 leads. The newest `n_heights` blocks have every vote. */
static inline void snapshot_well(struct snapshot *snapshot, uint32_t n, uint32_t n_heights)
{
    struct consensus_view *view = &snapshot->consensus;

    memset(snapshot, 0, sizeof(*snapshot));
    (void)snprintf(snapshot->node, sizeof(snapshot->node), "n1");
    snapshot->taken_ms = 1764000000000;
    for (enum sibling i = 0; i < SIBLINGS_N; i++)
        snapshot->services[i] = service_up();
    view->is_known = true;
    (void)snprintf(view->health, sizeof(view->health), "healthy");
    (void)snprintf(view->leader, sizeof(view->leader), "n1");
    (void)snprintf(view->waiting_for, sizeof(view->waiting_for), "nothing");
    view->height = 812;
    view->term = 7;
    view->n_validators = n;
    view->n_active = n;
    view->quorum = n - (n - 1) / 3;
    view->n_heights = n_heights;
    view->first_height = 812 - n_heights + 1;
    for (uint32_t i = 0; i < n_heights; i++)
        view->terms[i] = 7;
    for (uint32_t i = 0; i < n; i++) {
        struct validator_view *validator = &view->validators[i];
        (void)snprintf(validator->id, sizeof(validator->id), "n%u", i + 1);
        validator->is_self = i == 0;
        validator->is_leader = i == 0;
        validator->is_active = true;
        validator->last_seen_ms = snapshot->taken_ms - 400;
        validator->height = 812;
        memset(validator->votes, 'x', n_heights);
    }
}

#endif
