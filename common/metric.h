/*
 * metric - the registry of schemas/metrics.def: every family and label value exists
 * at 0 from the start, and no name can be misspelt.
 *
 * Counters, gauges and observations may come from any thread (C11 atomics); naming,
 * snapshots and printing from the loop's thread. Series: see METRIC_SERIES_MAX per
 * family. The last METRIC_WINDOW_S seconds are remembered, second by second.
 */
#ifndef APM2_METRIC_H
#define APM2_METRIC_H

#include "common/buf.h"
#include "common/conf.h"
#include "schemas/metrics.def"

#include <jansson.h>

#define METRIC_SERIES_MAX VALIDATORS_MAX
#define METRIC_BUCKETS_MAX 24u
#define METRIC_WINDOW_S 600u
#define METRIC_TEXT_BYTES_MAX (1u * MIB)

#define METRIC_PARTS_MAX 8u

/* METRIC_proposals_total, ... */
#define METRIC_ENUM(set, kind, id, name, label, values, help) METRIC_##id,
enum metric { METRICS(METRIC_ENUM) METRIC_END };
#undef METRIC_ENUM

/* LABEL_committed, ... and LABEL_none for families without a label. */
#define LABEL_ENUM(value) LABEL_##value,
enum metric_label { METRIC_LABELS(LABEL_ENUM) LABEL_END };
#undef LABEL_ENUM

struct metrics;

/* Who counts. `service` is the label of families that several services have. */
struct metric_owner {
    uint32_t sets; /* enum conf_set; ALL is understood */
    const char *node;
    const char *service; /* "consensus" */
};

/* The families of the owner's sets, all at 0. The strings are copied. */
struct metrics *metrics_new(const struct metric_owner *owner);
void metrics_destroy(struct metrics **metrics);

/* The series of every by_name family; index i is names[i]. Again after a change of
 * the set: names that stay keep their values. */
void metrics_name_series(struct metrics *metrics, const char *const *names, size_t n);

/* A label that is not in the family's list, or a call of another kind, is our bug. */
void metric_add(struct metrics *metrics, enum metric metric, enum metric_label label, uint64_t n);
/* A counter that mirrors a durable fact, as counted there. It must not fall. */
void metric_count_to(struct metrics *metrics, enum metric metric, enum metric_label label,
                     uint64_t total);
void metric_set(struct metrics *metrics, enum metric metric, double value);
void metric_observe(struct metrics *metrics, enum metric metric, double value);

/* The by_name families; an index nobody named is ignored. */
void metric_add_at(struct metrics *metrics, enum metric metric, uint32_t index, uint64_t n);
void metric_set_at(struct metrics *metrics, enum metric metric, uint32_t index, double value);

uint64_t metric_count(const struct metrics *metrics, enum metric metric, enum metric_label label);
double metric_value(const struct metrics *metrics, enum metric metric);

/* A histogram since the start, or over the last period_s seconds. */
struct metric_summary {
    uint64_t count;
    double sum;
    double p50; /* interpolated within a bucket; NaN when count is 0 */
    double p99;
    double max; /* upper bound of the highest bucket hit */
};

/* period_s = 0: since the start. Longer than what is remembered: all that is. */
void metric_summarise(const struct metrics *metrics, enum metric metric, uint32_t period_s,
                      struct metric_summary *ret_summary);

/* A histogram's buckets since the start, not summed up: metric's bounds and +Inf. */
void metric_buckets(const struct metrics *metrics, enum metric metric,
                    uint64_t ret_counts[METRIC_BUCKETS_MAX + 1]);

/* Of counts as metric_buckets gives them; NaN when there are none. */
double metric_quantile(enum metric metric, const uint64_t counts[METRIC_BUCKETS_MAX + 1],
                       double quantile);

/* How much a counter grew in the last period_s seconds. */
uint64_t metric_growth(const struct metrics *metrics, enum metric metric, enum metric_label label,
                       uint32_t period_s);

/* Takes the second's snapshot when one is due. Call at least once a second. */
void metrics_turn(struct metrics *metrics, uint64_t now_ms);

enum metric_format { METRIC_FORMAT_TEXT, METRIC_FORMAT_OPENMETRICS };

/* What an HTTP client asks for by its Accept header, and the type of that answer. */
enum metric_format metric_format_wanted(const char *accept);
const char *metric_content_type(enum metric_format format);

/* Every family, then build info and the process's CPU, memory and descriptors. */
void metrics_print(const struct metrics *metrics, enum metric_format format, struct buf *ret_text);

/* Several services' registries as one exposition: each family's head once. At most
 * METRIC_PARTS_MAX of them. */
void metrics_print_all(const struct metrics *const *parts, size_t n, enum metric_format format,
                       struct buf *ret_text);

/* {"proposals_total": {"committed": 1, ...}, "finality": {"count", "p50", ...}, ...}
 * over period_s: the body of `consensus metrics`. */
void metrics_json(const struct metrics *metrics, uint32_t period_s, struct buf *ret_json);

/* ---- another process's registry ---- */

/* Everything as it stands, for metrics_load in the exporter:
 * {"names": [...], "process": {...}, "families": {"proposals_total": {"committed": 1, ...},
 * "quorum_size": 3, "finality": {"buckets": [...], "sum": 0.5}, "peer_rtt": {"n2": 0.001}}} */
void metrics_dump(const struct metrics *metrics, struct buf *ret_json);

/* Takes a dump over. What this build does not know (a newer service's family or label,
 * other buckets) is left out; what is not in the dump becomes 0. */
void metrics_load(struct metrics *metrics, const json_t *dump);

/* Prints only families of `sets` from now on; a family of several services, and the
 * process, count as ALL. For a service that is gone. */
void metrics_show(struct metrics *metrics, uint32_t sets);

#endif
