/* The validators, a row each, and who voted for each of the last blocks. */
#include "services/metrics-exporter/page_parts.h"

#include <inttypes.h>
#include <string.h>

#define PITCH 8u
#define CELL 6u

/* Runs of one kind of cell as one stroke each; the stylesheet's dashes cut them up. */
static void print_runs(struct buf *html, const char *cells, char kind, const char *class)
{
    size_t n = strlen(cells);
    bool is_first = true;

    for (size_t i = 0; i < n; i++) {
        if (cells[i] != kind)
            continue;
        size_t end = i;
        while (end + 1 < n && cells[end + 1] == kind)
            end++;
        if (is_first)
            buf_printf(html, "<path class=%s d=\"", class);
        buf_printf(html, "M%zu %uH%zu", PITCH * i, kind == '.' ? 13u : 8u, PITCH * end + CELL);
        is_first = false;
        i = end;
    }
    if (!is_first)
        buf_text(html, "\"/>");
}

/* Where the term changed, a line through all rows. */
static void print_terms(struct buf *html, const struct consensus_view *view, uint32_t shift)
{
    bool is_first = true;

    for (uint32_t i = 1; i < view->n_heights; i++) {
        if (view->terms[i] == view->terms[i - 1])
            continue;
        buf_printf(html, "%sM%u 0V16", is_first ? "<path class=t d=\"" : "",
                   PITCH * (shift + i) - 1);
        is_first = false;
    }
    if (!is_first)
        buf_text(html, "\"/>");
}

/* The newest block stands at the right edge. */
static void print_strip(struct buf *html, const struct consensus_view *view, uint32_t index)
{
    const struct validator_view *validator = &view->validators[index];
    char cells[STRIP_HEIGHTS_MAX + 1];
    uint32_t shift = STRIP_HEIGHTS_MAX - view->n_heights, n_voted = 0, n_known = 0;

    memset(cells, ' ', STRIP_HEIGHTS_MAX);
    cells[STRIP_HEIGHTS_MAX] = 0;
    for (uint32_t i = 0; i < view->n_heights && validator->votes[i] != 0; i++) {
        bool is_authors = view->authors[i] == index && validator->votes[i] == 'x';
        cells[shift + i] = is_authors ? 'a' : validator->votes[i];
        n_voted += validator->votes[i] == 'x';
        n_known += validator->votes[i] != ' ';
    }
    buf_text(html, "<svg class=strip viewBox=\"0 0 478 16\" role=img aria-label=\"");
    html_text(html, validator->id);
    buf_printf(html, " voted for %u of %u blocks\">", n_voted, n_known);
    print_runs(html, cells, ' ', "e");
    print_runs(html, cells, 'x', "v");
    print_runs(html, cells, 'a', "a");
    print_runs(html, cells, '.', "m");
    print_terms(html, view, shift);
    buf_text(html, "</svg>");
}

static void print_seen(struct buf *html, const struct snapshot *snapshot,
                       const struct validator_view *validator)
{
    char age[AGE_BYTES];
    uint64_t seen_ms = validator->last_seen_ms;

    if (validator->is_self) {
        buf_text(html, "<td class=q>this node");
    } else if (seen_ms == 0) {
        buf_text(html, "<td class=b>never heard");
    } else {
        page_age(snapshot->taken_ms > seen_ms ? snapshot->taken_ms - seen_ms : 0, age);
        buf_printf(html, "<td%s>%s%s ago", validator->is_active ? "" : " class=b",
                   validator->is_active ? "" : "silent, ", age);
    }
}

static void print_clock(struct buf *html, const struct validator_view *validator)
{
    if (validator->is_measured)
        buf_printf(html, "<td class=r>%" PRIu64 " ms<td class=r>%+" PRId64 " ms", validator->rtt_ms,
                   validator->clock_offset_ms);
    else
        buf_text(html, "<td class=\"r q\">\xe2\x80\x93<td class=\"r q\">\xe2\x80\x93");
}

static void print_row(struct buf *html, const struct snapshot *snapshot, uint32_t index)
{
    const struct consensus_view *view = &snapshot->consensus;
    const struct validator_view *validator = &view->validators[index];
    uint64_t behind = view->height > validator->height ? view->height - validator->height : 0;

    buf_text(html, "<tr><th scope=row>");
    html_text(html, validator->id);
    buf_text(html, validator->is_leader ? "<td class=l>leader<td>" : "<td class=q>follower<td>");
    print_strip(html, view, index);
    print_seen(html, snapshot, validator);
    if (behind == 0)
        buf_text(html, "<td class=\"r q\">\xe2\x80\x93");
    else
        buf_printf(html, "<td class=\"r%s\">%" PRIu64, behind > 24 ? " w" : "", behind);
    buf_printf(html, "<td class=\"r%s\">%" PRIu64, validator->n_missed > 0 ? "" : " q",
               validator->n_missed);
    print_clock(html, validator);
    buf_char(html, '\n');
}

static void print_key(struct buf *html)
{
    static const char *const keys[][2] = {
        {"<path class=v d=\"M0 8H6\"/>", "voted"},
        {"<path class=a d=\"M0 8H6\"/>", "voted, and proposed the block"},
        {"<path class=m d=\"M0 13H6\"/>", "no vote came"},
        {"<path class=e d=\"M0 8H6\"/>", "not known here"},
        {"<path class=t d=\"M3 0V16\"/>", "a new term began"},
    };

    buf_text(html, "<p class=key>");
    for (size_t i = 0; i < N_ELEMENTS(keys); i++)
        buf_printf(html, "<svg class=strip viewBox=\"0 0 6 16\" aria-hidden=true>%s</svg>%s",
                   keys[i][0], keys[i][1]);
    buf_text(html, "</p>\n");
}

void page_print_validators(const struct snapshot *snapshot, struct buf *html)
{
    const struct consensus_view *view = &snapshot->consensus;

    if (!view->is_known)
        return;
    buf_printf(html, "<section><h2>Validators<span>%u of %u active, %u make a quorum</span></h2>\n",
               view->n_active, view->n_validators, view->quorum);
    buf_text(html, "<div class=scroll><table><thead><tr><th scope=col>Name<th scope=col>Role"
                   "<th scope=col>");
    if (view->n_heights > 0)
        buf_printf(html, "Votes for blocks %" PRIu64 " to %" PRIu64, view->first_height,
                   view->first_height + view->n_heights - 1);
    else
        buf_text(html, "Votes: no block yet");
    buf_text(html, "<th scope=col>Last heard<th scope=col class=r>Behind"
                   "<th scope=col class=r>Missed<th scope=col class=r>Round trip"
                   "<th scope=col class=r>Clock\n<tbody>\n");
    for (uint32_t i = 0; i < view->n_validators; i++)
        print_row(html, snapshot, i);
    buf_text(html, "</table></div>\n");
    print_key(html);
    buf_text(html, "</section>\n");
}
