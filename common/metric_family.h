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

/* What /proc/self says of a process. */
struct metric_process {
    char version[32];
    double cpu_seconds;
    double start_time_seconds; /* Unix */
    uint64_t resident_bytes;
    uint64_t open_fds;
};

struct metrics {
    uint32_t sets;
    uint32_t shown; /* what is printed of them */
    char node[ID_BYTES_MAX + 1];
    char service[ID_BYTES_MAX + 1];
    char names[METRIC_SERIES_MAX][ID_BYTES_MAX + 1];
    size_t n_names;

    bool is_loaded;                /* another process's: `process` came with it */
    struct metric_process process; /* else only its start time means something */

    _Atomic uint64_t *cells;
    size_t first[METRIC_END]; /* each family's first cell */
    size_t n_cells;

    /* The ring of snapshots: what has no series by name, which comes first. */
    size_t n_windowed;
    uint64_t *ring; /* METRIC_WINDOW_S rows of n_windowed; NULL before the first */
    uint64_t ring_ms[METRIC_WINDOW_S];
    size_t n_taken; /* since the start */
};

const struct family *family_of(enum metric metric);
bool family_is_by_name(const struct family *family);
bool family_has_label(const struct family *family);
/* Several services have it: its series say whose they are. */
bool family_is_shared(const struct family *family);

/* Of a scalar family: how many series, and what the i-th is called. */
size_t family_n_series(const struct metrics *metrics, const struct family *family);
const char *family_series_name(const struct metrics *metrics, const struct family *family,
                               size_t i);

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

/* A counter's or gauge's cell as text. */
void metric_print_cell(const struct family *family, uint64_t cell, struct buf *ret_text);
void metric_print_number(double value, struct buf *ret_text);

/* The process whose registry it is: its own from /proc/self, else as it was loaded. */
struct metric_process metric_process_of(const struct metrics *metrics);

/* apm2_build_info and process_*, one series per part that shows ALL. */
void metric_print_processes(const struct metrics *const *parts, size_t n, enum metric_format format,
                            struct buf *ret_text);

#endif
