/*
 * plan_draw - a plan in the making: how a seed becomes a schedule. For plan_*.c only.
 */
#ifndef APM2_SIM_PLAN_DRAW_H
#define APM2_SIM_PLAN_DRAW_H

#include "tests/sim/plan.h"
#include "tests/sim/rng.h"

struct draw {
    struct plan *plan;
    struct rng rng;
    uint32_t n_replicas;
    uint32_t faults_on;
    uint64_t at_ms;
    /* Every other strike ends what the last one began. */
    bool is_losing, is_split, is_slow;
    uint64_t starved;
    uint64_t store_keys; /* at most f databases are set back */
};

/* plan_strikes.c: those of the classes that are on, and what clients submit. */
void draw_strikes(struct draw *draw);
void draw_requests(struct draw *draw, uint32_t n_requests);

#endif
