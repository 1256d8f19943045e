#include "services/metrics-exporter/page.h"

void page_print(const struct snapshot *snapshot, const struct verdict *verdict,
                const struct history *history, struct buf *ret_html)
{
    (void)history;
    buf_printf(ret_html, "<!doctype html><title>%s %s</title>", snapshot->node,
               verdict_word(verdict->level));
}
