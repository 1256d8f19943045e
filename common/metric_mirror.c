/* One process's registry in another: the dump, and what is made of it. */
#include "common/metric_family.h"

#include <inttypes.h>
#include <math.h>

/* JSON has no infinity: such a value is left out, and reads as 0. */
static void dump_cell(const struct family *family, uint64_t cell, struct buf *ret_json)
{
    if (family->kind != METRIC_KIND_counter && !isfinite(bits_double(cell))) {
        buf_text(ret_json, "null");
    } else {
        metric_print_cell(family, cell, ret_json);
    }
}

static void dump_histogram(const struct family *family, const _Atomic uint64_t *cells,
                           struct buf *ret_json)
{
    buf_text(ret_json, "{\"buckets\":[");
    for (size_t i = 0; i <= family->n; i++) {
        buf_printf(ret_json, "%s%" PRIu64, i > 0 ? "," : "", (uint64_t)cells[i]);
    }
    buf_text(ret_json, "],\"sum\":");
    dump_cell(family, cells[family->n + 1], ret_json);
    buf_char(ret_json, '}');
}

static void dump_family(const struct metrics *metrics, enum metric metric, struct buf *ret_json)
{
    const struct family *family = family_of(metric);
    const _Atomic uint64_t *cells = &metrics->cells[metrics->first[metric]];
    if (family->kind == METRIC_KIND_histogram) {
        dump_histogram(family, cells, ret_json);
    } else if (!family_has_label(family)) {
        dump_cell(family, cells[0], ret_json);
    } else {
        buf_char(ret_json, '{');
        for (size_t i = 0; i < family_n_series(metrics, family); i++) {
            buf_printf(ret_json, "%s\"%s\":", i > 0 ? "," : "",
                       family_series_name(metrics, family, i));
            dump_cell(family, cells[i], ret_json);
        }
        buf_char(ret_json, '}');
    }
}

static void dump_process(const struct metrics *metrics, struct buf *ret_json)
{
    struct metric_process process = metric_process_of(metrics);
    buf_printf(ret_json,
               "{\"version\":\"%s\",\"cpu_seconds\":%.6f,\"start_time_seconds\":%.3f,"
               "\"resident_bytes\":%" PRIu64 ",\"open_fds\":%" PRIu64 "}",
               process.version, process.cpu_seconds, process.start_time_seconds,
               process.resident_bytes, process.open_fds);
}

void metrics_dump(const struct metrics *metrics, struct buf *ret_json)
{
    buf_text(ret_json, "{\"names\":[");
    for (size_t i = 0; i < metrics->n_names; i++) {
        buf_printf(ret_json, "%s\"%s\"", i > 0 ? "," : "", metrics->names[i]);
    }
    buf_text(ret_json, "],\"process\":");
    dump_process(metrics, ret_json);
    buf_text(ret_json, ",\"families\":{");
    bool is_first = true;
    for (enum metric i = 0; i < METRIC_END; i++) {
        const struct family *family = family_of(i);
        if ((family->set & metrics->sets) != 0) {
            buf_printf(ret_json, "%s\"%s\":", is_first ? "" : ",", family->id);
            dump_family(metrics, i, ret_json);
            is_first = false;
        }
    }
    buf_text(ret_json, "}}");
}

/* ---- loading ---- */

static uint64_t u64_of(const json_t *value)
{
    json_int_t n = json_is_integer(value) ? json_integer_value(value) : 0;
    return n > 0 ? (uint64_t)n : 0;
}

static uint64_t cell_of(const struct family *family, const json_t *value)
{
    return family->kind == METRIC_KIND_counter ? u64_of(value)
                                               : double_bits(json_number_value(value));
}

static void load_histogram(const struct family *family, const json_t *value,
                           _Atomic uint64_t *ret_cells)
{
    const json_t *buckets = json_object_get(value, "buckets");
    bool is_known = json_array_size(buckets) == family->n + 1;
    for (size_t i = 0; i <= family->n; i++) {
        ret_cells[i] = is_known ? u64_of(json_array_get(buckets, i)) : 0;
    }
    ret_cells[family->n + 1] =
        double_bits(is_known ? json_number_value(json_object_get(value, "sum")) : 0);
}

static void load_family(struct metrics *metrics, enum metric metric, const json_t *value)
{
    const struct family *family = family_of(metric);
    _Atomic uint64_t *cells = &metrics->cells[metrics->first[metric]];
    if (family->kind == METRIC_KIND_histogram) {
        load_histogram(family, value, cells);
        return;
    }
    for (size_t i = 0; i < family_n_series(metrics, family); i++) {
        const json_t *series = family_has_label(family)
                                   ? json_object_get(value, family_series_name(metrics, family, i))
                                   : value;
        cells[i] = cell_of(family, series);
    }
}

/* What may stand in a label as it is: the letters of node and validator names, and the
 * dots of versions. Anything else did not come from a service of ours. */
static bool is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.+";
    return text != NULL && text[strspn(text, letters)] == 0;
}

static void load_names(struct metrics *metrics, const json_t *names)
{
    const char *list[METRIC_SERIES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(names) && n < METRIC_SERIES_MAX; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (is_plain(name)) {
            list[n] = name;
            n++;
        }
    }
    metrics_name_series(metrics, list, n);
}

static void load_process(struct metrics *metrics, const json_t *value)
{
    struct metric_process *process = &metrics->process;
    const char *version = json_string_value(json_object_get(value, "version"));
    (void)snprintf(process->version, sizeof(process->version), "%s",
                   is_plain(version) ? version : "");
    process->cpu_seconds = json_number_value(json_object_get(value, "cpu_seconds"));
    process->start_time_seconds = json_number_value(json_object_get(value, "start_time_seconds"));
    process->resident_bytes = u64_of(json_object_get(value, "resident_bytes"));
    process->open_fds = u64_of(json_object_get(value, "open_fds"));
}

void metrics_load(struct metrics *metrics, const json_t *dump)
{
    const json_t *families = json_object_get(dump, "families");
    load_names(metrics, json_object_get(dump, "names"));
    load_process(metrics, json_object_get(dump, "process"));
    metrics->is_loaded = true;
    for (enum metric i = 0; i < METRIC_END; i++) {
        if ((family_of(i)->set & metrics->sets) != 0) {
            load_family(metrics, i, json_object_get(families, family_of(i)->id));
        }
    }
}

void metrics_show(struct metrics *metrics, uint32_t sets)
{
    metrics->shown = sets;
}
