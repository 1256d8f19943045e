#include "services/metrics-exporter/page.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "services/metrics-exporter/page_parts.h"

#define REFRESH_S 5u
#define MOVING_MS 1000u

void page_age(uint64_t ms, char ret_text[AGE_BYTES])
{
    uint64_t s = ms / 1000;

    if (s < 10)
        (void)snprintf(ret_text, AGE_BYTES, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
    else if (s < 120)
        (void)snprintf(ret_text, AGE_BYTES, "%" PRIu64 " s", s);
    else if (s < 7200)
        (void)snprintf(ret_text, AGE_BYTES, "%" PRIu64 " min", s / 60);
    else if (s < 172800)
        (void)snprintf(ret_text, AGE_BYTES, "%" PRIu64 " h", s / 3600);
    else
        (void)snprintf(ret_text, AGE_BYTES, "%" PRIu64 " d", s / 86400);
}

void page_latency(double seconds, char ret_text[AGE_BYTES])
{
    if (isnan(seconds))
        (void)snprintf(ret_text, AGE_BYTES, "\xe2\x80\x93");
    else if (seconds < 1)
        (void)snprintf(ret_text, AGE_BYTES, "%.*f ms", seconds < 0.02 ? 1 : 0, seconds * 1e3);
    else
        (void)snprintf(ret_text, AGE_BYTES, "%.1f s", seconds);
}

static void print_head(const struct snapshot *snapshot, const struct verdict *verdict,
                       struct buf *html)
{
    const char *word = verdict_word(verdict->level);

    buf_printf(html,
               "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
               "<meta http-equiv=refresh content=%u>"
               "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
               "<meta name=referrer content=no-referrer>"
               "<title>%s \xc2\xb7 ",
               REFRESH_S, word);
    html_text(html, snapshot->node);
    buf_printf(html, " \xc2\xb7 APM2</title>\n<style>\n%s</style></head>\n<body class=%s>\n",
               page_style, word);
}

static void print_header(const struct snapshot *snapshot, struct buf *html)
{
    time_t seconds = (time_t)(snapshot->taken_ms / 1000);
    struct tm tm;
    char clock[32] = "";

    if (gmtime_r(&seconds, &tm) != NULL)
        (void)strftime(clock, sizeof(clock), "%Y-%m-%d %H:%M:%S UTC", &tm);
    buf_text(html, "<header><span>APM2 node <b>");
    html_text(html, snapshot->node);
    buf_printf(html, "</b></span><span>%s, again every %u s</span></header>\n<main>\n", clock,
               REFRESH_S);
}

/* Under load some block always waits for a vote. */
static bool is_moving(const struct snapshot *snapshot)
{
    uint64_t since_ms = snapshot->consensus.waits_since_ms;

    return since_ms != 0 && snapshot->taken_ms < since_ms + MOVING_MS;
}

/* One sentence, whatever the state is. */
static void print_lead(const struct snapshot *snapshot, const struct verdict *verdict,
                       struct buf *html)
{
    const struct consensus_view *view = &snapshot->consensus;
    bool is_idle = strcmp(view->waiting_for, "nothing") == 0;

    buf_text(html, "<p class=lead>");
    if (verdict->level == LEVEL_HEALTHY)
        buf_printf(html, "All %u validators take part and all services run. ", view->n_validators);
    if (!view->is_known)
        buf_text(html, "Consensus of this node cannot be asked.");
    else if (is_idle)
        buf_printf(html, "Block %" PRIu64 " is final and nothing waits.", view->height);
    else if (is_moving(snapshot))
        buf_printf(html, "Block %" PRIu64 " is final and the next is being decided.", view->height);
    else if (view->why[0] != 0)
        html_text(html, view->why);
    buf_text(html, "</p>\n");
}

/* One command for reasons in a row that lead to the same. */
static bool is_said_below(const struct verdict *verdict, uint32_t i)
{
    return i + 1 < verdict->n && verdict->reasons[i + 1].command != NULL &&
           strcmp(verdict->reasons[i].command, verdict->reasons[i + 1].command) == 0;
}

static void print_reason(const struct verdict *verdict, uint32_t i, struct buf *html)
{
    const struct verdict_reason *reason = &verdict->reasons[i];

    buf_printf(html, "<li class=%s>", verdict_word(reason->level));
    html_text(html, reason->text);
    if (reason->command != NULL && !is_said_below(verdict, i)) {
        buf_text(html, "<code>");
        html_text(html, reason->command);
        buf_text(html, "</code>");
    }
    buf_char(html, '\n');
}

static void print_verdict(const struct snapshot *snapshot, const struct verdict *verdict,
                          struct buf *html)
{
    /* Round, triangle, square, ring: not by colour alone. */
    static const char *const signs[] = {"\xe2\x97\x8f", "\xe2\x96\xb2", "\xe2\x96\xa0",
                                        "\xe2\x97\x8b"};

    buf_printf(html, "<h1><i aria-hidden=true>%s</i><span>%s</span></h1>\n", signs[verdict->level],
               verdict_word(verdict->level));
    print_lead(snapshot, verdict, html);
    if (verdict->n == 0)
        return;
    buf_text(html, "<ul class=why>\n");
    for (uint32_t i = 0; i < verdict->n; i++)
        print_reason(verdict, i, html);
    buf_text(html, "</ul>\n");
}

static void print_evidence(const struct evidence_view *view, struct buf *html)
{
    if (view->n_unacknowledged == 0)
        return;
    buf_printf(html,
               "<section class=alarm role=alert><h2>Byzantine evidence, not acknowledged: %" PRIu64
               "</h2>\n<p>Kept so far: %" PRIu64 " equivocation, %" PRIu64
               " quorum forgery, %" PRIu64 " invalid signature, %" PRIu64
               " replay. Do not dismiss it without investigation; export it first.</p>\n",
               view->n_unacknowledged, view->n_equivocation, view->n_quorum_forgery,
               view->n_invalid_signature, view->n_replay);
    for (uint32_t i = 0; i < view->n_items; i++) {
        const struct evidence_item *item = &view->items[i];
        buf_text(html, "<p><b>");
        html_text(html, item->validator);
        buf_text(html, "</b> ");
        html_text(html, item->fault_type);
        buf_text(html, "<code>apm2 consensus byzantine-evidence ack ");
        html_text(html, item->id);
        buf_text(html, " --reason &quot;REASON&quot;</code></p>\n");
    }
    if (view->n_items == 0)
        buf_text(html, "<p><code>apm2 consensus byzantine-evidence list</code>"
                       "<code>apm2 consensus byzantine-evidence ack ID --reason "
                       "&quot;REASON&quot;</code></p>\n");
    buf_text(html, "</section>\n");
}

static void print_figures(const struct snapshot *snapshot, const struct history *history,
                          struct buf *html)
{
    const struct consensus_view *view = &snapshot->consensus;
    struct history_bin minute;
    char p50[AGE_BYTES], p99[AGE_BYTES];

    if (!view->is_known)
        return;
    history_sum(history, 2, &minute);
    page_latency(history_latency(&minute, 0.50), p50);
    page_latency(history_latency(&minute, 0.99), p99);
    buf_printf(html, "<dl class=figures>\n<div><dt>Height<dd>%" PRIu64 "</div>\n", view->height);
    buf_text(html, "<div><dt>Leader<dd>");
    html_text(html, view->leader[0] != 0 ? view->leader : "\xe2\x80\x93");
    buf_printf(html, " <small>term %" PRIu64 "</small></div>\n", view->term);
    buf_printf(html,
               "<div><dt>Active<dd>%u <small>of %u, quorum %u</small></div>\n"
               "<div><dt>Waiting<dd>%" PRIu64 " <small>bundles</small></div>\n"
               "<div><dt>Finalization<dd>%s <small>p99 %s</small></div>\n",
               view->n_active, view->n_validators, view->quorum, view->pending, p50, p99);
    if (snapshot->has_schemas)
        buf_printf(html, "<div><dt>Schemas<dd>%" PRIu64 "</div>\n", snapshot->n_schemas);
    buf_text(html, "</dl>\n");
}

static void print_service(enum sibling which, const struct service_view *view, struct buf *html)
{
    char age[AGE_BYTES];

    buf_printf(html, "<div><dt>%s", sibling_table[which].name);
    if (!view->is_up) {
        buf_text(html, "<dd class=b>does not answer</div>\n");
        return;
    }
    page_age(view->uptime_ms, age);
    buf_printf(html, "<dd><span class=%s>%s</span>, up %s<dd>", view->is_ready ? "g" : "w",
               view->is_draining ? "draining"
               : view->is_ready  ? "ready"
                                 : "not ready",
               age);
    html_text(html, view->version);
    buf_printf(html, ", pid %" PRIu64 "</div>\n", view->pid);
}

static void print_services(const struct snapshot *snapshot, struct buf *html)
{
    buf_text(html, "<section><h2>Services</h2>\n<dl class=services>\n");
    for (enum sibling i = 0; i < SIBLINGS_N; i++)
        print_service(i, &snapshot->services[i], html);
    buf_text(html, "</dl></section>\n");
}

static void print_foot(const struct snapshot *snapshot, struct buf *html)
{
    buf_text(html, "</main>\n<footer><span><a href=/metrics>metrics</a>"
                   "<a href=/status.json>status.json</a>"
                   "<a href=\"/readyz?verbose\">readyz</a></span><span>APM2 ");
    html_text(html, snapshot->version);
    buf_text(html, "</span></footer>\n</body></html>\n");
}

void page_print(const struct snapshot *snapshot, const struct verdict *verdict,
                const struct history *history, struct buf *ret_html)
{
    print_head(snapshot, verdict, ret_html);
    print_header(snapshot, ret_html);
    print_verdict(snapshot, verdict, ret_html);
    print_evidence(&snapshot->evidence, ret_html);
    print_figures(snapshot, history, ret_html);
    page_print_validators(snapshot, ret_html);
    page_print_lines(history, ret_html);
    print_services(snapshot, ret_html);
    page_print_commands(ret_html);
    print_foot(snapshot, ret_html);
}
