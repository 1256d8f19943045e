/* What the runbook says to type, ready to be copied. */
#include "services/metrics-exporter/page_parts.h"

static const struct {
    const char *when;
    const char *command;
} rows[] = {
    {"overall status", "apm2 consensus status --verbose"},
    {"what is waited for", "apm2 consensus why"},
    {"who is there", "apm2 consensus validators --active-only"},
    {"sizes, latencies, conflicts", "apm2 consensus metrics --period 300"},
    {"evidence", "apm2 consensus byzantine-evidence list --limit 10"},
    {"hand leadership on", "apm2 consensus transfer-leadership"},
    {"check the ledger", "apm2 ledger verify-chain --namespace kernel"},
    {"the services", "apm2 service list"},
    {"their last lines", "journalctl -u apm2d -n 100"},
    {"this page, in a terminal", "apm2 top"},
};

void page_print_commands(struct buf *html)
{
    buf_text(html, "<section><h2>To type<span>a click selects the line</span></h2>\n"
                   "<dl class=type>\n");
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        buf_printf(html, "<div><dt>%s<dd><code>", rows[i].when);
        html_text(html, rows[i].command);
        buf_text(html, "</code></div>\n");
    }
    buf_text(html, "</dl></section>\n");
}
