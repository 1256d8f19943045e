#include "common/metric_family.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/must.h"

#include <stdlib.h>

#define LABEL_OF(value) LABEL_##value,
#define VALUES(list)                                                                               \
    (const enum metric_label[])                                                                    \
    {                                                                                              \
        VALUES_##list(LABEL_OF)                                                                    \
    }
#define BUCKETS(list)                                                                              \
    (const double[])                                                                               \
    {                                                                                              \
        METRIC_BUCKETS_##list                                                                      \
    }

#define SCALAR_PART(list) .values = VALUES(list), .n = N_ELEMENTS((VALUES(list)))
#define PART_counter(list) SCALAR_PART(list)
#define PART_gauge(list) SCALAR_PART(list)
#define PART_histogram(list) .buckets = BUCKETS(list), .n = N_ELEMENTS((BUCKETS(list)))
#define FAMILY_ROW(_set, _kind, _id, _name, _label, _list, _help)                                  \
    {.id = #_id,                                                                                   \
     .name = (_name),                                                                              \
     .label = #_label,                                                                             \
     .help = (_help),                                                                              \
     .set = CONF_SET_##_set,                                                                       \
     .kind = METRIC_KIND_##_kind,                                                                  \
     PART_##_kind(_list)},

static const struct family families[] = {METRICS(FAMILY_ROW)};

#define LABEL_NAME(value) #value,
static const char *const label_names[] = {METRIC_LABELS(LABEL_NAME)};

const struct family *family_of(enum metric metric)
{
    MUST((unsigned)metric < METRIC_END);
    return &families[metric];
}

bool family_is_by_name(const struct family *family)
{
    return family->kind != METRIC_KIND_histogram && family->values[0] == LABEL_by_name;
}

bool family_has_label(const struct family *family)
{
    return family->kind != METRIC_KIND_histogram && family->values[0] != LABEL_none;
}

bool family_is_shared(const struct family *family)
{
    bool is_one_services = (family->set & (family->set - 1)) == 0;
    return family->set == CONF_SET_ALL || !is_one_services;
}

size_t family_n_series(const struct metrics *metrics, const struct family *family)
{
    return family_is_by_name(family) ? metrics->n_names : family->n;
}

const char *family_series_name(const struct metrics *metrics, const struct family *family, size_t i)
{
    return family_is_by_name(family) ? metrics->names[i] : metric_label_name(family->values[i]);
}

size_t family_n_cells(const struct family *family)
{
    if (family->kind == METRIC_KIND_histogram) {
        MUST(family->n <= METRIC_BUCKETS_MAX);
        return family->n + 2;
    }
    return family_is_by_name(family) ? METRIC_SERIES_MAX : family->n;
}

const char *metric_label_name(enum metric_label label)
{
    MUST((unsigned)label < LABEL_END);
    return label_names[label];
}

/* Families without names first: they are what the ring remembers. */
static void lay_out(struct metrics *metrics, bool by_name)
{
    for (enum metric i = 0; i < METRIC_END; i++) {
        const struct family *family = family_of(i);
        if (family_is_by_name(family) == by_name) {
            metrics->first[i] = metrics->n_cells;
            metrics->n_cells += family_n_cells(family);
        }
    }
}

struct metrics *metrics_new(const struct metric_owner *owner)
{
    struct metrics *metrics = mem_new(1, sizeof(*metrics));
    metrics->sets = owner->sets | CONF_SET_ALL;
    metrics->shown = metrics->sets;
    (void)snprintf(metrics->node, sizeof(metrics->node), "%s", owner->node);
    (void)snprintf(metrics->service, sizeof(metrics->service), "%s", owner->service);
    metrics->process.start_time_seconds = (double)clock_wall_ms() / 1e3;
    lay_out(metrics, false);
    metrics->n_windowed = metrics->n_cells;
    lay_out(metrics, true);
    metrics->cells = mem_new(metrics->n_cells, sizeof(*metrics->cells));
    return metrics;
}

void metrics_destroy(struct metrics **metrics)
{
    if (*metrics == NULL) {
        return;
    }
    free((*metrics)->cells);
    free((*metrics)->ring);
    free(*metrics);
    *metrics = NULL;
}

static size_t find_name(const struct metrics *metrics, const char *name)
{
    size_t i = 0;
    while (i < metrics->n_names && strcmp(metrics->names[i], name) != 0) {
        i++;
    }
    return i;
}

/* Moves one family's values to where the names stand now. */
static void move_series(const struct metrics *old, struct metrics *metrics, size_t first)
{
    uint64_t moved[METRIC_SERIES_MAX] = {0};
    for (size_t i = 0; i < metrics->n_names; i++) {
        size_t was = find_name(old, metrics->names[i]);
        moved[i] = was < old->n_names ? metrics->cells[first + was] : 0;
    }
    for (size_t i = 0; i < METRIC_SERIES_MAX; i++) {
        metrics->cells[first + i] = moved[i];
    }
}

void metrics_name_series(struct metrics *metrics, const char *const *names, size_t n)
{
    MUST(n <= METRIC_SERIES_MAX);
    struct metrics *old = mem_new(1, sizeof(*old));
    memcpy(old, metrics, sizeof(*old));
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(metrics->names[i], sizeof(metrics->names[i]), "%s", names[i]);
    }
    metrics->n_names = n;
    for (enum metric i = 0; i < METRIC_END; i++) {
        if (family_is_by_name(family_of(i))) {
            move_series(old, metrics, metrics->first[i]);
        }
    }
    free(old);
}

/* The cell of a series, which must exist and be of the kind. */
static _Atomic uint64_t *cell_of(const struct metrics *metrics, enum metric metric,
                                 enum metric_label label, enum metric_kind kind)
{
    const struct family *family = family_of(metric);
    MUST(family->kind == kind);
    for (size_t i = 0; i < family->n; i++) {
        if (family->values[i] == label) {
            return &metrics->cells[metrics->first[metric] + i];
        }
    }
    MUST(!"a label of the family");
    return NULL;
}

/* A name's cell; NULL for an index without one. */
static _Atomic uint64_t *cell_at(const struct metrics *metrics, enum metric metric, uint32_t index,
                                 enum metric_kind kind)
{
    const struct family *family = family_of(metric);
    MUST(family->kind == kind && family_is_by_name(family));
    return index < metrics->n_names ? &metrics->cells[metrics->first[metric] + index] : NULL;
}

void metric_add(struct metrics *metrics, enum metric metric, enum metric_label label, uint64_t n)
{
    atomic_fetch_add_explicit(cell_of(metrics, metric, label, METRIC_KIND_counter), n,
                              memory_order_relaxed);
}

void metric_count_to(struct metrics *metrics, enum metric metric, enum metric_label label,
                     uint64_t total)
{
    atomic_store_explicit(cell_of(metrics, metric, label, METRIC_KIND_counter), total,
                          memory_order_relaxed);
}

void metric_set(struct metrics *metrics, enum metric metric, double value)
{
    atomic_store_explicit(cell_of(metrics, metric, LABEL_none, METRIC_KIND_gauge),
                          double_bits(value), memory_order_relaxed);
}

void metric_add_at(struct metrics *metrics, enum metric metric, uint32_t index, uint64_t n)
{
    _Atomic uint64_t *cell = cell_at(metrics, metric, index, METRIC_KIND_counter);
    if (cell != NULL) {
        atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
    }
}

void metric_set_at(struct metrics *metrics, enum metric metric, uint32_t index, double value)
{
    _Atomic uint64_t *cell = cell_at(metrics, metric, index, METRIC_KIND_gauge);
    if (cell != NULL) {
        atomic_store_explicit(cell, double_bits(value), memory_order_relaxed);
    }
}

static void add_double(_Atomic uint64_t *cell, double value)
{
    uint64_t seen = atomic_load_explicit(cell, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(cell, &seen, double_bits(bits_double(seen) + value))) {
        /* another thread was faster: `seen` is its value */
    }
}

void metric_observe(struct metrics *metrics, enum metric metric, double value)
{
    const struct family *family = family_of(metric);
    MUST(family->kind == METRIC_KIND_histogram);
    size_t i = 0;
    while (i < family->n && value > family->buckets[i]) {
        i++;
    }
    _Atomic uint64_t *cells = &metrics->cells[metrics->first[metric]];
    atomic_fetch_add_explicit(&cells[i], 1, memory_order_relaxed);
    add_double(&cells[family->n + 1], value);
}

uint64_t metric_count(const struct metrics *metrics, enum metric metric, enum metric_label label)
{
    return *cell_of(metrics, metric, label, METRIC_KIND_counter);
}

double metric_value(const struct metrics *metrics, enum metric metric)
{
    return bits_double(*cell_of(metrics, metric, LABEL_none, METRIC_KIND_gauge));
}
