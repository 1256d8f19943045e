#include "services/cli/submit_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/hash.h"
#include "services/cli/output_json.h"

#define FAILURE_LINES_MAX 20u

static int compare_u64(const void *a, const void *b)
{
    return u64_cmp(*(const uint64_t *)a, *(const uint64_t *)b);
}

struct latencies latencies_of(const struct batch *batches, uint32_t n)
{
    struct latencies result = {0};
    uint64_t *sorted = mem_new(n > 0 ? n : 1, sizeof(*sorted));
    for (uint32_t i = 0; i < n; i++) {
        if (batches[i].state == BATCH_FINAL)
            sorted[result.n++] = batches[i].latency_us;
    }
    qsort(sorted, result.n, sizeof(*sorted), compare_u64);
    if (result.n > 0) {
        /* Nearest rank: the smallest that so many per cent do not exceed. */
        result.p50_us = sorted[(result.n * 50 + 99) / 100 - 1];
        result.p99_us = sorted[(result.n * 99 + 99) / 100 - 1];
        result.max_us = sorted[result.n - 1];
    }
    free(sorted);
    return result;
}

void submit_progress(void *context, const struct batch *batches, uint32_t n_done)
{
    const uint32_t *n = context;
    (void)batches;
    if (say_has_progress())
        say_progress("%u of %u bundles final (%u %%)", n_done, *n,
                     *n > 0 ? (unsigned)((uint64_t)n_done * 100 / *n) : 100);
}

static const char *state_text(enum batch_state state)
{
    switch (state) {
    case BATCH_QUEUED:
    case BATCH_SENT:
    case BATCH_ACCEPTED:
    case BATCH_UNDECIDED:
        return "undecided";
    case BATCH_FINAL:
        return "final";
    case BATCH_EXPIRED:
        return "expired";
    case BATCH_REFUSED:
        return "refused";
    }
    return "";
}

/* ---- text ---- */

static void print_batch_failure(const struct batch *batch)
{
    if (batch->state == BATCH_REFUSED)
        (void)printf("  line %llu: %s: %s\n", (unsigned long long)batch->events[0].line,
                     batch->why.error, batch->why.text);
    else
        (void)printf("  line %llu: %s\n", (unsigned long long)batch->events[0].line,
                     batch->state == BATCH_EXPIRED
                         ? "expired before it was ordered"
                         : (batch->why.text[0] != 0
                                ? batch->why.text
                                : "no outcome in time; it may still be ordered"));
}

void submit_print_failures(const struct batch *batches, uint32_t n, uint32_t max_lines)
{
    uint64_t n_more = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct batch *batch = &batches[i];
        if (batch->state != BATCH_FINAL) {
            if (max_lines > 0)
                print_batch_failure(batch);
            n_more += max_lines == 0;
            max_lines -= max_lines > 0;
            continue;
        }
        for (uint32_t j = 0; j < batch->n_events; j++) {
            if (batch->codes[j] == 0)
                continue;
            if (max_lines > 0)
                (void)printf("  line %llu: %s\n", (unsigned long long)batch->events[j].line,
                             apm2_outcome_text(batch->codes[j]));
            n_more += max_lines == 0;
            max_lines -= max_lines > 0;
        }
    }
    if (n_more > 0)
        (void)printf("  and %llu more (--json names all)\n", (unsigned long long)n_more);
}

static void print_codes(const struct batch *batches, uint32_t n)
{
    uint64_t counts[256] = {0};
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; batches[i].codes != NULL && j < batches[i].n_events; j++)
            counts[batches[i].codes[j]]++;
    }
    for (unsigned code = 1; code < 256; code++) {
        if (counts[code] > 0)
            (void)printf("  %-24s %8llu  %s\n", apm2_outcome_name((uint8_t)code),
                         (unsigned long long)counts[code], apm2_outcome_text((uint8_t)code));
    }
}

static void print_text(const struct batch *batches, uint32_t n, const struct submit_totals *totals)
{
    struct latencies late = latencies_of(batches, n);
    uint64_t n_final = totals->applied + totals->rejected;
    double seconds = (double)totals->elapsed_us / 1e6;
    (void)printf("%llu applied, %llu rejected, %llu refused, %llu expired, %llu undecided\n",
                 (unsigned long long)totals->applied, (unsigned long long)totals->rejected,
                 (unsigned long long)totals->refused, (unsigned long long)totals->expired,
                 (unsigned long long)totals->undecided);
    print_codes(batches, n);
    (void)printf("%.2f s, %.0f events/s; finality p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", seconds,
                 seconds > 0 ? (double)n_final / seconds : 0.0, (double)late.p50_us / 1e3,
                 (double)late.p99_us / 1e3, (double)late.max_us / 1e3);
    if (totals->applied == n_final && totals->refused + totals->expired + totals->undecided == 0)
        return;
    (void)printf("not applied:\n");
    submit_print_failures(batches, n, FAILURE_LINES_MAX);
}

/* ---- JSON ---- */

static json_t *batch_json(const struct batch *batch)
{
    char id[2 * APM2_HASH_BYTES + 1] = "";
    if (batch->bundle != NULL)
        hex_encode(batch->bundle->id, APM2_HASH_BYTES, id);
    json_t *codes = json_array();
    for (uint32_t i = 0; batch->codes != NULL && i < batch->n_events; i++)
        (void)json_array_append_new(codes, json_string(apm2_outcome_name(batch->codes[i])));
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:s, s:I, s:o, s:f}", "bundle", id, "line",
                  (json_int_t)batch->events[0].line, "events", (json_int_t)batch->n_events, "state",
                  state_text(batch->state), "height", (json_int_t)batch->height, "outcomes", codes,
                  "latency_ms", (double)batch->latency_us / 1e3);
    if (batch->why.error[0] != 0 && batch->state != BATCH_FINAL) {
        (void)json_object_set_new(object, "error", json_string(batch->why.error));
        (void)json_object_set_new(object, "detail", json_string(batch->why.text));
    }
    return object;
}

static void print_json(const struct batch *batches, uint32_t n, const struct submit_totals *totals)
{
    struct latencies late = latencies_of(batches, n);
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        (void)json_array_append_new(list, batch_json(&batches[i]));
    double seconds = (double)totals->elapsed_us / 1e6;
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "applied",
        (json_int_t)totals->applied, "rejected", (json_int_t)totals->rejected, "refused",
        (json_int_t)totals->refused, "expired", (json_int_t)totals->expired, "undecided",
        (json_int_t)totals->undecided, "seconds", seconds, "events_per_s",
        seconds > 0 ? (double)(totals->applied + totals->rejected) / seconds : 0.0,
        "latency_p50_ms", (double)late.p50_us / 1e3, "latency_p99_ms", (double)late.p99_us / 1e3,
        "latency_max_ms", (double)late.max_us / 1e3, "bundles", list);
    output_json(object);
    json_decref(object);
}

int submit_report(const struct invocation *invocation, const struct batch *batches, uint32_t n,
                  const struct submit_totals *totals)
{
    if (say_is_json(invocation))
        print_json(batches, n, totals);
    else
        print_text(batches, n, totals);
    uint64_t n_failed = totals->rejected + totals->refused + totals->expired + totals->undecided;
    return n_failed == 0 ? 0 : apm_err_exit(APM_ERR_REJECTED);
}
