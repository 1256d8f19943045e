#include "services/byzantine-monitor/monitor.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

/* How often others' evidence is looked for, and a door that does not answer tried. */
#define POLL_MS 1000u
/* Between pages with messages that cost others' signature checks. */
#define HEARD_PAGE_MS 250u
#define RETRY_MS 2000u

/* One page of others' evidence, copied. */
struct spread_page {
    uint32_t n;
    struct store_row rows[REPORT_ITEMS_MAX];
    struct evidence_bytes records[REPORT_ITEMS_MAX];
    uint32_t n_lost;
    struct span lost[REPORT_ITEMS_MAX];
    uint8_t lost_bytes[REPORT_ITEMS_MAX][SIGNED_MESSAGE_BYTES_MAX];
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

static void drop_lost(struct spread *spread)
{
    spread->n_lost--;
    memmove(&spread->lost[0], &spread->lost[1], spread->n_lost * sizeof(spread->lost[0]));
}

void spread_lost(struct monitor *monitor, struct span message)
{
    struct spread *spread = &monitor->spread;
    bool is_under_way = spread->put != 0 && spread->is_lost_put;

    if (message.size > SIGNED_MESSAGE_BYTES_MAX ||
        (spread->n_lost == SPREAD_LOST_MAX && is_under_way))
        return;
    if (spread->n_lost == SPREAD_LOST_MAX)
        drop_lost(spread);
    memcpy(spread->lost[spread->n_lost].bytes, message.data, message.size);
    spread->lost[spread->n_lost++].size = message.size;
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
    if (err == APM_OK && spread->is_lost_put)
        drop_lost(spread);
    else if (err == APM_OK)
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
    spread->is_lost_put = false;
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

static void publish_lost(struct spread *spread)
{
    struct span bytes = span_of(spread->lost[0].bytes, spread->lost[0].size);
    struct hash digest = hash_bytes(bytes);
    struct hash_text key = hash_to_text(&digest);
    const struct observation observation = {
        .space = log_text(SPREAD_SPACE),
        .kind = log_text(SPREAD_LOST),
        .key = log_text(key.text),
        .payload = bytes,
        .once = true,
    };

    spread->is_lost_put = true;
    spread->put = observe_put(spread->observe, &observation);
    if (spread->put == 0)
        spread->put_ms = clock_mono_ms() + RETRY_MS;
}

static bool has_lost(const struct spread *spread)
{
    return spread->n_lost > 0 && spread->put == 0 && !spread->is_finding;
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

static void hear(const struct monitor *monitor, struct spread_page *page, struct span message)
{
    struct signed_message read;
    const struct validator_set *set = &monitor->genesis->set;

    if (page->n_lost == REPORT_ITEMS_MAX || message.size > SIGNED_MESSAGE_BYTES_MAX ||
        signed_message_read(set, message, &read) != CERT_OK)
        return;
    uint8_t *copy = page->lost_bytes[page->n_lost];
    memcpy(copy, message.data, message.size);
    page->lost[page->n_lost++] = span_of(copy, message.size);
}

static void on_record(void *context, uint64_t request, const struct observed *observed)
{
    struct monitor *monitor = context;
    struct spread *spread = &monitor->spread;
    struct spread_page *page = spread->page;
    struct span record = observed->record.payload;

    if (request == spread->list && span_eq(observed->record.kind, log_text(SPREAD_LOST)))
        hear(monitor, page, record);
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
    if (spread->page->n_lost > 0) {
        intake_tell(monitor, spread->page->lost, spread->page->n_lost);
        spread->list_ms = clock_mono_ms() + HEARD_PAGE_MS;
    }
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

    spread->page->n = spread->page->n_lost = 0;
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
    if (has_lost(&monitor->spread) && now_ms >= monitor->spread.put_ms)
        publish_lost(&monitor->spread);
    if (has_unpublished(monitor) && now_ms >= monitor->spread.put_ms)
        publish(monitor);
    if (may_look(monitor) && now_ms >= monitor->spread.list_ms)
        look(monitor, now_ms);
}

uint64_t spread_deadline_ms(const struct monitor *monitor)
{
    uint64_t deadline = may_look(monitor) ? monitor->spread.list_ms : CLOCK_NEVER;

    if ((has_unpublished(monitor) || has_lost(&monitor->spread)) &&
        monitor->spread.put_ms < deadline)
        deadline = monitor->spread.put_ms;
    return deadline;
}
