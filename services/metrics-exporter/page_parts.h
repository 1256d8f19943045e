/*
 * page_parts - the sections of the status page. Private to page*.c.
 */
#ifndef APM2_PAGE_PARTS_H
#define APM2_PAGE_PARTS_H

#include "services/metrics-exporter/html.h"
#include "services/metrics-exporter/page.h"

extern const char page_style[]; /* page.css */

/* "0.4 s", "12 s", "4 min", "3 h", "2 d". */
#define AGE_BYTES 24u
void page_age(uint64_t ms, char ret_text[AGE_BYTES]);

/* Seconds as "4.2 ms" or "1.3 s"; "–" for NaN. */
void page_latency(double seconds, char ret_text[AGE_BYTES]);

/* page_validators.c: the table with the vote strip. */
void page_print_validators(const struct snapshot *snapshot, struct buf *html);

/* page_lines.c: an hour of latency, commits, conflicts, elections. */
void page_print_lines(const struct history *history, struct buf *html);

/* page_commands.c: what the runbook says to type. */
void page_print_commands(struct buf *html);

#endif
