#include "services/byzantine-monitor/monitor.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

/* How often others' evidence is looked for, and a door that does not answer tried. */
#define POLL_MS 1000u
#define RETRY_MS 2000u

/* One page of others' evidence, copied. */
struct spread_page {
    uint32_t n;
    struct store_row rows[REPORT_ITEMS_MAX];
    struct evidence_bytes records[REPORT_ITEMS_MAX];
};

/* ---- ours to others ---- */

static bool is_heard(const struct spread *spread, const struct hash *id)
{
    for (uint32_t i = 0; i < SPREAD_HEARD && i < spread->n_heard; i++) {
        if (hash_eq(&spread->heard[i], id))
            return true;
    }
    return false;
}

static void on_put(void *context, uint64_t request, enum apm_err err, const struct hash *feed,
                   uint64_t seq)
{
    struct monitor *monitor = context;
    struct spread *spread = &monitor->spread;

    (void)feed;
    (void)seq;
    if (request != spread->put)
        return;
    spread->put = 0;
    if (err == APM_OK)
        spread->published = spread->candidate;
    else
        spread->put_ms = clock_mono_ms() + RETRY_MS;
}

static void on_next(void *context, const struct store_row *row)
{
    struct monitor *monitor = context;
    struct spread *spread = &monitor->spread;
    struct hash_text id = hash_to_text(&row->id);
    const struct observation observation = {
        .space = log_text(SPREAD_SPACE),
        .kind = log_text(SPREAD_PROOF),
        .key = log_text(id.text),
        .payload = row->record,
        .once = true,
    };

    spread->candidate = row->number;
    if (is_heard(spread, &row->id)) {
        spread->published = row->number;
        return;
    }
    spread->put = observe_put(spread->observe, &observation);
    if (spread->put == 0)
        spread->put_ms = clock_mono_ms() + RETRY_MS;
}

static void on_found(void *context, enum apm_err err)
{
    struct monitor *monitor = context;

    monitor->spread.is_finding = false;
    if (err != APM_OK || monitor->spread.candidate == 0)
        monitor->spread.put_ms = clock_mono_ms() + RETRY_MS;
}

static bool has_unpublished(const struct monitor *monitor)
{
    const struct spread *spread = &monitor->spread;

    return monitor->is_loaded && spread->put == 0 && !spread->is_finding &&
           spread->published < monitor->counts.newest_proof;
}

static void publish(struct monitor *monitor)
{
    struct spread *spread = &monitor->spread;
    const struct store_reader reader = {monitor, on_next, on_found};

    spread->candidate = 0;
    enum apm_err err = store_next_proof(monitor->store, spread->published, &reader);
    spread->is_finding = err == APM_OK;
    if (err != APM_OK)
        spread->put_ms = clock_mono_ms() + RETRY_MS;
}

/* ---- theirs to us ---- */

static void on_record(void *context, uint64_t request, const struct observed *observed)
{
    struct monitor *monitor = context;
    struct spread *spread = &monitor->spread;
    struct spread_page *page = spread->page;
    struct span record = observed->record.payload;

    if (request != spread->list || page->n == REPORT_ITEMS_MAX ||
        !span_eq(observed->record.kind, log_text(SPREAD_PROOF)) || record.size > EVIDENCE_BYTES_MAX)
        return;
    struct evidence_bytes *copy = &page->records[page->n];
    memcpy(copy->data, record.data, record.size);
    copy->size = record.size;
    struct store_row *row = &page->rows[page->n];
    const struct claim claim = {span_of(copy->data, copy->size), 1, clock_wall_ms()};
    if (!monitor_judge(monitor, &claim, row) || !row->is_attributable) {
        LOG_WARN("evidence_refused", F_SPAN("from", observed->record.author));
        return;
    }
    page->n++;
    if (!is_heard(spread, &row->id))
        spread->heard[spread->n_heard++ % SPREAD_HEARD] = row->id;
}

static void on_kept(void *context, enum apm_err err)
{
    struct monitor *monitor = context;
    struct spread *spread = &monitor->spread;

    spread->is_keeping = false;
    if (err == APM_ERR_FENCED)
        service_fail(monitor->env, err);
    if (err == APM_OK)
        monitor->cursor = monitor->next_cursor;
    else
        spread->list_ms = clock_mono_ms() + RETRY_MS;
}

static void on_page(void *context, uint64_t request, enum apm_err err, uint64_t next, bool is_end)
{
    struct monitor *monitor = context;
    struct spread *spread = &monitor->spread;

    if (request != spread->list)
        return;
    spread->list = 0;
    if (err != APM_OK || is_end)
        spread->list_ms = clock_mono_ms() + (err != APM_OK ? RETRY_MS : POLL_MS);
    if (err != APM_OK || next == monitor->cursor)
        return;
    monitor->next_cursor = next;
    if (is_end && spread->page->n == 0) {
        monitor->cursor = next; /* nothing to lose: it need not be written */
        return;
    }
    const struct store_batch batch = {.origin = STORE_FROM_CURSOR,
                                      .number = next,
                                      .rows = spread->page->rows,
                                      .n = spread->page->n};
    spread->is_keeping = store_keep(monitor->store, &batch, on_kept, monitor) == APM_OK;
    if (!spread->is_keeping)
        spread->list_ms = clock_mono_ms() + RETRY_MS;
}

static void look(struct monitor *monitor, uint64_t now_ms)
{
    struct spread *spread = &monitor->spread;
    const struct observe_filter filter = {.space = log_text(SPREAD_SPACE)};

    spread->page->n = 0;
    spread->list = observe_list(spread->observe, &filter, monitor->cursor, REPORT_ITEMS_MAX);
    if (spread->list == 0)
        spread->list_ms = now_ms + RETRY_MS;
}

/* ---- life ---- */

void spread_start(struct monitor *monitor)
{
    const struct observe_events events = {monitor, on_put, on_record, on_page};

    monitor->spread.page = mem_new(1, sizeof(*monitor->spread.page));
    monitor->spread.observe =
        observe_new(monitor->env->zmq, monitor->env->loop, monitor->env->run_dir, &events);
}

void spread_stop(struct monitor *monitor)
{
    observe_destroy(&monitor->spread.observe);
    free(monitor->spread.page);
}

static bool may_look(const struct monitor *monitor)
{
    return monitor->is_loaded && monitor->spread.list == 0 && !monitor->spread.is_keeping;
}

void spread_turn(struct monitor *monitor, uint64_t now_ms)
{
    if (has_unpublished(monitor) && now_ms >= monitor->spread.put_ms)
        publish(monitor);
    if (may_look(monitor) && now_ms >= monitor->spread.list_ms)
        look(monitor, now_ms);
}

uint64_t spread_deadline_ms(const struct monitor *monitor)
{
    uint64_t deadline = may_look(monitor) ? monitor->spread.list_ms : CLOCK_NEVER;

    if (has_unpublished(monitor) && monitor->spread.put_ms < deadline)
        deadline = monitor->spread.put_ms;
    return deadline;
}
