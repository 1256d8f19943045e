/* Reports of this node's consensus: checked, stored, acknowledged when durable. */
#include "services/byzantine-monitor/monitor.h"

#include "common/evidence/report.h"
#include "common/log.h"

static void tell(const struct monitor *monitor, const struct store_row *row)
{
    const char *kind = evidence_kind_text(row->kind);
    const char *what = evidence_what_text(row->what);

    (void)monitor;
    if (row->is_attributable)
        LOG_ERROR("evidence", F_STR("fault_type", kind), F_SPAN("validator", row->validator_id),
                  F_STR("message", what), F_U64("term", row->rank.term),
                  F_U64("seq", row->rank.seq), F_HASH("id", &row->id));
    else
        LOG_WARN("sighting", F_STR("fault_type", kind), F_SPAN("member", row->validator_id),
                 F_STR("message", what), F_U64("n", row->n));
}

static bool take_evidence(const struct monitor *monitor, const struct wire_report_item *item,
                          struct store_row *ret_row)
{
    const struct claim claim = {item->body, item->n, item->at_ms};

    return monitor_judge(monitor, &claim, ret_row);
}

static uint32_t take_items(struct monitor *monitor, const struct wire_report *report,
                           struct store_row rows[REPORT_ITEMS_MAX])
{
    size_t cursor = 0;
    struct span blob;
    uint32_t n = 0;

    while (n < REPORT_ITEMS_MAX && blobs_next(&report->items, &cursor, &blob)) {
        struct wire_report_item item;
        bool is_item = wire_decode_as(WIRE_report_item, blob, &item) == WIRE_OK;
        if (is_item && item.kind == REPORT_LOST) {
            spread_lost(monitor, item.body);
            continue;
        }
        if (!is_item || item.kind != REPORT_EVIDENCE || !take_evidence(monitor, &item, &rows[n])) {
            LOG_WARN("report_refused", F_U64("number", report->number));
            continue;
        }
        tell(monitor, &rows[n]);
        n++;
    }
    return n;
}

void intake_tell(struct monitor *monitor, const struct span *messages, uint32_t n)
{
    uint8_t bytes[16u * KIB];
    const struct wire_heard heard = {.messages = {.n = n, .items = messages}};
    size_t size = wire_encode(WIRE_heard, &heard, bytes, sizeof(bytes));

    if (size > 0 && monitor->reporter_size > 0)
        (void)admin_send(monitor->env->admin, span_of(monitor->reporter, monitor->reporter_size),
                         span_of(bytes, size)); /* away: it remembers nothing of them either */
}

static void acknowledge(struct monitor *monitor, struct span to, const struct intake *intake)
{
    uint8_t bytes[64];
    const struct wire_report_ack ack = {.source = intake->source, .number = intake->number};

    size_t size = wire_encode(WIRE_report_ack, &ack, bytes, sizeof(bytes));
    (void)admin_send(monitor->env->admin, to, span_of(bytes, size)); /* or it asks again */
}

static void on_kept(void *context, enum apm_err err)
{
    struct monitor *monitor = context;
    struct intake *intake = &monitor->intake;

    intake->is_busy = false;
    if (err == APM_ERR_FENCED) {
        service_fail(monitor->env, err);
        return;
    }
    if (err != APM_OK)
        return; /* the reporter has it still */
    monitor->source = intake->source;
    monitor->number = intake->number;
    acknowledge(monitor, span_of(intake->from, intake->from_size), intake);
}

static void on_report(struct monitor *monitor, struct span from, const struct wire_report *report)
{
    struct store_row rows[REPORT_ITEMS_MAX];
    struct intake *intake = &monitor->intake;

    memcpy(monitor->reporter, from.data, from.size);
    monitor->reporter_size = from.size;
    if (!monitor->is_loaded || intake->is_busy)
        return;
    *intake = (struct intake){.source = report->source, .number = report->number};
    if (report->source == monitor->source && report->number <= monitor->number) {
        acknowledge(monitor, from, intake);
        return;
    }
    struct store_batch batch = {
        .origin = STORE_FROM_REPORT,
        .source = report->source,
        .number = report->number,
        .rows = rows,
        .n = take_items(monitor, report, rows),
    };
    memcpy(intake->from, from.data, from.size);
    intake->from_size = from.size;
    intake->is_busy = store_keep(monitor->store, &batch, on_kept, monitor) == APM_OK;
}

void intake_client(void *state, struct span from, struct span frame)
{
    struct wire_report report;

    struct monitor *monitor = state;

    if (from.size <= sizeof(monitor->reporter) &&
        wire_decode_as(WIRE_report, frame, &report) == WIRE_OK)
        on_report(state, from, &report);
    else
        LOG_WARN("report_malformed", F_U64("bytes", frame.size));
}
