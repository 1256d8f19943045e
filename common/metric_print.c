#include "common/metric_family.h"

#include <inttypes.h>
#include <math.h>

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

void metric_print_number(double value, struct buf *ret_text)
{
    if (isnan(value)) {
        buf_text(ret_text, "NaN");
    } else if (isinf(value)) {
        buf_text(ret_text, value > 0 ? "+Inf" : "-Inf");
    } else {
        buf_printf(ret_text, "%.10g", value);
    }
}

enum metric_format metric_format_wanted(const char *accept)
{
    bool is_open = strstr(accept, "application/openmetrics-text") != NULL;
    return is_open ? METRIC_FORMAT_OPENMETRICS : METRIC_FORMAT_TEXT;
}

const char *metric_content_type(enum metric_format format)
{
    return format == METRIC_FORMAT_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

/* OpenMetrics names a counter's family without the _total of its samples. */
static void print_head(const struct family *family, enum metric_format format, struct buf *ret_text)
{
    static const char total[] = "_total";
    size_t length = strlen(family->name);
    size_t suffix = sizeof(total) - 1;
    bool is_cut = format == METRIC_FORMAT_OPENMETRICS && family->kind == METRIC_KIND_counter &&
                  length > suffix && strcmp(family->name + length - suffix, total) == 0;
    int shown = (int)(is_cut ? length - suffix : length);
    buf_printf(ret_text, "# HELP %.*s %s\n# TYPE %.*s %s\n", shown, family->name, family->help,
               shown, family->name, kind_names[family->kind]);
}

void metric_print_cell(const struct family *family, uint64_t cell, struct buf *ret_text)
{
    if (family->kind == METRIC_KIND_counter) {
        buf_printf(ret_text, "%" PRIu64, cell);
    } else {
        metric_print_number(bits_double(cell), ret_text);
    }
}

/* name{node_id="n1",service="consensus" : the caller adds its own label and closes. */
static void print_owner(const struct metrics *metrics, const struct family *family,
                        const char *suffix, struct buf *ret_text)
{
    buf_printf(ret_text, "%s%s{node_id=\"%s\"", family->name, suffix, metrics->node);
    if (family_is_shared(family)) {
        buf_printf(ret_text, ",service=\"%s\"", metrics->service);
    }
}

static void print_scalar(const struct metrics *metrics, enum metric metric, struct buf *ret_text)
{
    const struct family *family = family_of(metric);
    for (size_t i = 0; i < family_n_series(metrics, family); i++) {
        print_owner(metrics, family, "", ret_text);
        if (family_has_label(family)) {
            buf_printf(ret_text, ",%s=\"%s\"", family->label,
                       family_series_name(metrics, family, i));
        }
        buf_text(ret_text, "} ");
        metric_print_cell(family, metrics->cells[metrics->first[metric] + i], ret_text);
        buf_char(ret_text, '\n');
    }
}

/* OpenMetrics wants a bound to look like a float. */
static void print_bound(const struct family *family, size_t i, enum metric_format format,
                        struct buf *ret_text)
{
    double bound = i < family->n ? family->buckets[i] : INFINITY;
    metric_print_number(bound, ret_text);
    if (format == METRIC_FORMAT_OPENMETRICS && isfinite(bound) && bound == floor(bound)) {
        buf_text(ret_text, ".0");
    }
}

static void print_histogram(const struct metrics *metrics, enum metric metric,
                            enum metric_format format, struct buf *ret_text)
{
    const struct family *family = family_of(metric);
    const _Atomic uint64_t *cells = &metrics->cells[metrics->first[metric]];
    uint64_t so_far = 0;
    for (size_t i = 0; i <= family->n; i++) {
        so_far += cells[i];
        print_owner(metrics, family, "_bucket", ret_text);
        buf_text(ret_text, ",le=\"");
        print_bound(family, i, format, ret_text);
        buf_printf(ret_text, "\"} %" PRIu64 "\n", so_far);
    }
    print_owner(metrics, family, "_sum", ret_text);
    buf_text(ret_text, "} ");
    metric_print_number(bits_double(cells[family->n + 1]), ret_text);
    buf_char(ret_text, '\n');
    print_owner(metrics, family, "_count", ret_text);
    buf_printf(ret_text, "} %" PRIu64 "\n", so_far);
}

static bool is_shown(const struct metrics *metrics, const struct family *family)
{
    bool is_owned = (family->set & metrics->sets) != 0;
    uint32_t as = family_is_shared(family) ? CONF_SET_ALL : family->set;
    return is_owned && (as & metrics->shown) != 0;
}

static void print_family(const struct metrics *const *parts, size_t n, enum metric metric,
                         enum metric_format format, struct buf *ret_text)
{
    const struct family *family = family_of(metric);
    bool has_head = false;
    for (size_t i = 0; i < n; i++) {
        if (!is_shown(parts[i], family)) {
            continue;
        }
        if (!has_head) {
            print_head(family, format, ret_text);
            has_head = true;
        }
        if (family->kind == METRIC_KIND_histogram) {
            print_histogram(parts[i], metric, format, ret_text);
        } else {
            print_scalar(parts[i], metric, ret_text);
        }
    }
}

void metrics_print_all(const struct metrics *const *parts, size_t n, enum metric_format format,
                       struct buf *ret_text)
{
    for (enum metric i = 0; i < METRIC_END; i++) {
        print_family(parts, n, i, format, ret_text);
    }
    metric_print_processes(parts, n, format, ret_text);
    buf_text(ret_text, format == METRIC_FORMAT_OPENMETRICS ? "# EOF\n" : "");
}

void metrics_print(const struct metrics *metrics, enum metric_format format, struct buf *ret_text)
{
    metrics_print_all(&metrics, 1, format, ret_text);
}

static void json_number(const char *key, double value, struct buf *ret_json)
{
    buf_printf(ret_json, "\"%s\":", key);
    if (isfinite(value)) {
        buf_printf(ret_json, "%.10g", value);
    } else {
        buf_text(ret_json, "null");
    }
}

static void json_histogram(const struct metrics *metrics, enum metric metric, uint32_t period_s,
                           struct buf *ret_json)
{
    struct metric_summary summary;
    metric_summarise(metrics, metric, period_s, &summary);
    buf_printf(ret_json, "{\"count\":%" PRIu64 ",", summary.count);
    json_number("sum", summary.sum, ret_json);
    buf_char(ret_json, ',');
    json_number("p50", summary.p50, ret_json);
    buf_char(ret_json, ',');
    json_number("p99", summary.p99, ret_json);
    buf_char(ret_json, ',');
    json_number("max", summary.max, ret_json);
    buf_char(ret_json, '}');
}

/* A counter over the period, a gauge as it stands; counters by name are totals. */
static void jsofamily_n_series(const struct metrics *metrics, enum metric metric, size_t i,
                               uint32_t period_s, struct buf *ret_json)
{
    const struct family *family = family_of(metric);
    uint64_t cell = metrics->cells[metrics->first[metric] + i];
    if (family->kind == METRIC_KIND_counter && !family_is_by_name(family)) {
        cell = metric_growth(metrics, metric, family->values[i], period_s);
    }
    if (family->kind == METRIC_KIND_gauge && !isfinite(bits_double(cell))) {
        buf_text(ret_json, "null");
    } else {
        metric_print_cell(family, cell, ret_json);
    }
}

static void json_scalar(const struct metrics *metrics, enum metric metric, uint32_t period_s,
                        struct buf *ret_json)
{
    const struct family *family = family_of(metric);
    if (!family_has_label(family)) {
        jsofamily_n_series(metrics, metric, 0, period_s, ret_json);
        return;
    }
    buf_char(ret_json, '{');
    for (size_t i = 0; i < family_n_series(metrics, family); i++) {
        buf_printf(ret_json, "%s\"%s\":", i > 0 ? "," : "", family_series_name(metrics, family, i));
        jsofamily_n_series(metrics, metric, i, period_s, ret_json);
    }
    buf_char(ret_json, '}');
}

void metrics_json(const struct metrics *metrics, uint32_t period_s, struct buf *ret_json)
{
    buf_printf(ret_json, "{\"period_s\":%" PRIu32, period_s);
    for (enum metric i = 0; i < METRIC_END; i++) {
        const struct family *family = family_of(i);
        if ((family->set & metrics->sets) == 0) {
            continue;
        }
        buf_printf(ret_json, ",\"%s\":", family->id);
        if (family->kind == METRIC_KIND_histogram) {
            json_histogram(metrics, i, period_s, ret_json);
        } else {
            json_scalar(metrics, i, period_s, ret_json);
        }
    }
    buf_char(ret_json, '}');
}
