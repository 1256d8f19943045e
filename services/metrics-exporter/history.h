/*
 * history - the last hour in half minutes, for the sparklines and the verdict.
 *
 * Pure. Fed with counts since some service's start; a count that fell (the service was
 * restarted) begins anew and is no event. In memory only: a restarted exporter begins
 * with an empty hour. For longer memories there is Prometheus.
 */
#ifndef APM2_HISTORY_H
#define APM2_HISTORY_H

#include "common/metric.h"

#define HISTORY_BINS 120u
#define HISTORY_BIN_MS 30000u

/* Counts since a start. */
struct history_sample {
    uint64_t commits;   /* height: 0 is taken as not known yet */
    uint64_t failed;    /* proposals rejected or lost */
    uint64_t elections; /* timeouts and crashes; rotations are no trouble */
    uint64_t conflicts;
    uint64_t latency[METRIC_BUCKETS_MAX + 1]; /* of METRIC_finalization_latency */
};

struct history_bin {
    uint64_t commits, failed, elections, conflicts;
    uint32_t latency[METRIC_BUCKETS_MAX + 1];
};

struct history {
    struct history_bin bins[HISTORY_BINS]; /* ring */
    uint64_t newest;                       /* its bin's number since the start, + 1; 0: none */
    uint64_t start_ms;
    bool has_last;
    struct history_sample last;
};

/* Times are monotonic and do not go back. */
void history_add(struct history *history, const struct history_sample *sample, uint64_t now_ms);

/* How many bins there are, at most HISTORY_BINS; the one `age` bins ago, 0 = the newest,
 * which is still being filled. */
uint32_t history_n(const struct history *history);
const struct history_bin *history_at(const struct history *history, uint32_t age);

/* The bins of the last `n`, added up. */
void history_sum(const struct history *history, uint32_t n, struct history_bin *ret_sum);

/* Seconds; NaN when nothing was observed. */
double history_latency(const struct history_bin *bin, double quantile);

#endif
