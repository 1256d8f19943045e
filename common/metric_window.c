#include "common/metric_family.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/must.h"

#include <math.h>

#define SNAPSHOT_MS 1000u

static size_t newest(const struct metrics *metrics)
{
    return (metrics->n_taken - 1) % METRIC_WINDOW_S;
}

void metrics_turn(struct metrics *metrics, uint64_t now_ms)
{
    bool is_due =
        metrics->n_taken == 0 || now_ms >= metrics->ring_ms[newest(metrics)] + SNAPSHOT_MS;
    if (!is_due) {
        return;
    }
    if (metrics->ring == NULL) {
        metrics->ring = mem_new(METRIC_WINDOW_S * metrics->n_windowed, sizeof(*metrics->ring));
    }
    size_t row = metrics->n_taken % METRIC_WINDOW_S;
    for (size_t i = 0; i < metrics->n_windowed; i++) {
        metrics->ring[row * metrics->n_windowed + i] = metrics->cells[i];
    }
    metrics->ring_ms[row] = now_ms;
    metrics->n_taken++;
}

/* The newest snapshot that is at least the period old, else the oldest there is; NULL
 * for "all zero": since the start, or started within the period. */
static const uint64_t *baseline(const struct metrics *metrics, uint32_t period_s)
{
    uint64_t now_ms = clock_mono_ms();
    uint64_t period_ms = (uint64_t)period_s * 1000u;
    if (period_s == 0) {
        return NULL;
    }
    bool is_full = metrics->n_taken >= METRIC_WINDOW_S;
    size_t kept = is_full ? METRIC_WINDOW_S : metrics->n_taken;
    for (size_t age = 1; age <= kept; age++) {
        size_t row = (metrics->n_taken - age) % METRIC_WINDOW_S;
        bool is_oldest = is_full && age == kept;
        if (metrics->ring_ms[row] + period_ms <= now_ms || is_oldest) {
            return &metrics->ring[row * metrics->n_windowed];
        }
    }
    return NULL;
}

/* Interpolated within the bucket that holds the q-th observation. */
static double quantile(const struct family *family, const uint64_t *counts, uint64_t total,
                       double q)
{
    double wanted = q * (double)total;
    double below = 0;
    for (size_t i = 0; i < family->n; i++) {
        double here = (double)counts[i];
        if (here > 0 && below + here >= wanted) {
            double low = i == 0 ? 0 : family->buckets[i - 1];
            return low + (family->buckets[i] - low) * (wanted - below) / here;
        }
        below += here;
    }
    return family->buckets[family->n - 1]; /* beyond the last bound: at least that */
}

void metric_buckets(const struct metrics *metrics, enum metric metric,
                    uint64_t ret_counts[METRIC_BUCKETS_MAX + 1])
{
    const struct family *family = family_of(metric);
    MUST(family->kind == METRIC_KIND_histogram);
    for (size_t i = 0; i <= METRIC_BUCKETS_MAX; i++) {
        ret_counts[i] = i <= family->n ? metrics->cells[metrics->first[metric] + i] : 0;
    }
}

double metric_quantile(enum metric metric, const uint64_t counts[METRIC_BUCKETS_MAX + 1],
                       double quantile_wanted)
{
    const struct family *family = family_of(metric);
    MUST(family->kind == METRIC_KIND_histogram);
    uint64_t total = 0;
    for (size_t i = 0; i <= family->n; i++) {
        total += counts[i];
    }
    return total == 0 ? NAN : quantile(family, counts, total, quantile_wanted);
}

void metric_summarise(const struct metrics *metrics, enum metric metric, uint32_t period_s,
                      struct metric_summary *ret_summary)
{
    const struct family *family = family_of(metric);
    MUST(family->kind == METRIC_KIND_histogram);
    size_t first = metrics->first[metric];
    const uint64_t *before = baseline(metrics, period_s);

    struct metric_summary summary = {.p50 = NAN, .p99 = NAN, .max = NAN};
    uint64_t counts[METRIC_BUCKETS_MAX + 1] = {0};
    for (size_t i = 0; i <= family->n; i++) {
        counts[i] = metrics->cells[first + i] - (before == NULL ? 0 : before[first + i]);
        summary.count += counts[i];
        if (counts[i] > 0) {
            summary.max = i < family->n ? family->buckets[i] : INFINITY;
        }
    }
    size_t sum = first + family->n + 1;
    summary.sum =
        bits_double(metrics->cells[sum]) - (before == NULL ? 0 : bits_double(before[sum]));
    if (summary.count > 0) {
        summary.p50 = quantile(family, counts, summary.count, 0.50);
        summary.p99 = quantile(family, counts, summary.count, 0.99);
    }
    *ret_summary = summary;
}

uint64_t metric_growth(const struct metrics *metrics, enum metric metric, enum metric_label label,
                       uint32_t period_s)
{
    const struct family *family = family_of(metric);
    MUST(family->kind == METRIC_KIND_counter && !family_is_by_name(family));
    const uint64_t *before = baseline(metrics, period_s);
    uint64_t now = metric_count(metrics, metric, label);
    for (size_t i = 0; before != NULL && i < family->n; i++) {
        if (family->values[i] == label) {
            return now - before[metrics->first[metric] + i];
        }
    }
    return now;
}
