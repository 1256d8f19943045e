/*
 * report - the table of points, progress while they run, and the summary.
 */
#ifndef APM2_CRASH_REPORT_H
#define APM2_CRASH_REPORT_H

#include <stdio.h>

#include "tests/crash/signatures.h"
#include "tests/crash/world.h"

struct outcome {
    struct point point;
    enum point_result result;
    uint64_t took_ms;
};

struct report {
    FILE *table;
    uint32_t n_sites;
    uint64_t start_ms;
    uint32_t n_held, n_failed, n_not_reached, n_unlisted, n_room;
    bool is_hit[CRASH_SITES_MAX];
    struct signatures signatures;
};

void report_begin(struct report *report, const struct world *world, uint32_t n_sites);
void report_point(struct report *report, const struct world *world, const struct outcome *outcome);
/* Names the sites that were passed and stand on no list. */
void report_unlisted(struct report *report, const struct world *world);
/* The summary, on the standard output. True: nothing failed. */
bool report_end(struct report *report, const struct world *world);

#endif
