#include "services/metrics-exporter/history.h"

#include <math.h>

static uint64_t growth(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

static struct history_bin *newest_bin(struct history *history)
{
    return &history->bins[(history->newest - 1) % HISTORY_BINS];
}

/* Bins in which nothing was heard are empty, not left out. */
static void open_bin(struct history *history, uint64_t now_ms)
{
    if (history->newest == 0)
        history->start_ms = now_ms;
    uint64_t wanted = (now_ms - history->start_ms) / HISTORY_BIN_MS + 1;
    if (wanted > history->newest + HISTORY_BINS)
        history->newest = wanted - HISTORY_BINS;
    while (history->newest < wanted) {
        history->newest++;
        *newest_bin(history) = (struct history_bin){.commits = 0};
    }
}

void history_add(struct history *history, const struct history_sample *sample, uint64_t now_ms)
{
    const struct history_sample *last = &history->last;

    open_bin(history, now_ms);
    if (sample->commits == 0)
        return; /* its own blocks are not loaded yet, or there are none */
    if (history->has_last) {
        struct history_bin *bin = newest_bin(history);
        bin->commits += growth(last->commits, sample->commits);
        bin->failed += growth(last->failed, sample->failed);
        bin->elections += growth(last->elections, sample->elections);
        bin->conflicts += growth(last->conflicts, sample->conflicts);
        for (size_t i = 0; i <= METRIC_BUCKETS_MAX; i++)
            bin->latency[i] += (uint32_t)growth(last->latency[i], sample->latency[i]);
    }
    history->has_last = true;
    history->last = *sample;
}

uint32_t history_n(const struct history *history)
{
    return (uint32_t)(history->newest < HISTORY_BINS ? history->newest : HISTORY_BINS);
}

const struct history_bin *history_at(const struct history *history, uint32_t age)
{
    return &history->bins[(history->newest - 1 - age) % HISTORY_BINS];
}

void history_sum(const struct history *history, uint32_t n, struct history_bin *ret_sum)
{
    struct history_bin sum = {.commits = 0};

    for (uint32_t age = 0; age < n && age < history_n(history); age++) {
        const struct history_bin *bin = history_at(history, age);
        sum.commits += bin->commits;
        sum.failed += bin->failed;
        sum.elections += bin->elections;
        sum.conflicts += bin->conflicts;
        for (size_t i = 0; i <= METRIC_BUCKETS_MAX; i++)
            sum.latency[i] += bin->latency[i];
    }
    *ret_sum = sum;
}

double history_latency(const struct history_bin *bin, double quantile)
{
    uint64_t counts[METRIC_BUCKETS_MAX + 1];

    for (size_t i = 0; i <= METRIC_BUCKETS_MAX; i++)
        counts[i] = bin->latency[i];
    return metric_quantile(METRIC_finalization_latency, counts, quantile);
}
