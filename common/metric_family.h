/*
 * metric_family - how the registry keeps its families: cells of atomic 64-bit words.
 *
 * The inner half of metric: only metric*.c includes it. A counter's series is one cell,
 * a gauge's one cell of double bits; a histogram has a cell per bucket (not summed up),
 * one for +Inf and one of double bits for the sum.
 */
#ifndef APM2_METRIC_FAMILY_H
#define APM2_METRIC_FAMILY_H

#include "common/metric.h"

#include <stdatomic.h>

enum metric_kind { METRIC_KIND_counter, METRIC_KIND_gauge, METRIC_KIND_histogram };

struct family {
    const char *id;
    const char *name;
    const char *label;
    const char *help;
    const enum metric_label *values; /* counters and gauges */
    const double *buckets;           /* histograms */
    size_t n;                        /* of values or buckets */
    uint32_t set;
    enum metric_kind kind;
};

struct metrics {
    uint32_t sets;
    char node[ID_BYTES_MAX + 1];
    char validators[METRIC_SERIES_MAX][ID_BYTES_MAX + 1];
    size_t n_validators;

    _Atomic uint64_t *cells;
    size_t first[METRIC_END]; /* each family's first cell */
    size_t n_cells;

    /* The ring of snapshots: what no validator has a series of, which comes first. */
    size_t n_windowed;
    uint64_t *ring; /* METRIC_WINDOW_S rows of n_windowed */
    uint64_t ring_ms[METRIC_WINDOW_S];
    size_t n_taken; /* since the start */
};

const struct family *family_of(enum metric metric);
bool family_is_by_validator(const struct family *family);
bool family_has_label(const struct family *family);

/* Cells of the histogram: its buckets, +Inf, then the sum. */
size_t family_n_cells(const struct family *family);

const char *metric_label_name(enum metric_label label);

static inline double bits_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* apm2_build_info and process_*, from /proc/self. */
void metric_print_process(const char *node, enum metric_format format, struct buf *ret_text);

#endif
