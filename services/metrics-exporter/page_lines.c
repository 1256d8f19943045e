/* The last hour, half a minute a point: small lines that are read at a glance. */
#include "services/metrics-exporter/page_parts.h"

#include <inttypes.h>
#include <math.h>

#define WIDTH (2u * HISTORY_BINS)
#define HEIGHT 48u

struct scale {
    double max; /* shown at the top */
};

/* NaN is no height. */
static double higher(double a, double b)
{
    return b > a ? b : a;
}

static unsigned y_of(const struct scale *scale, double value)
{
    double y = HEIGHT - value / scale->max * (HEIGHT - 2);

    return (unsigned)(y < 1 ? 1 : y);
}

/* The newest bin at the right edge. */
static unsigned x_of(uint32_t age)
{
    return WIDTH - 2 * age - 1;
}

static double latency_at(const struct history *history, uint32_t age, double quantile)
{
    return history_latency(history_at(history, age), quantile);
}

/* Bins in which nothing was committed are gaps. A lone point is a short dash. */
static void print_curve(struct buf *html, const struct history *history, double quantile,
                        const struct scale *scale, const char *class)
{
    bool is_down = false;

    buf_printf(html, "<path class=%s d=\"", class);
    for (uint32_t age = history_n(history); age > 0; age--) {
        double value = latency_at(history, age - 1, quantile);
        if (isnan(value)) {
            is_down = false;
            continue;
        }
        unsigned x = x_of(age - 1), y = y_of(scale, value);
        if (is_down)
            buf_printf(html, "L%u %u", x, y);
        else
            buf_printf(html, "M%u %uh1", x, y);
        is_down = true;
    }
    buf_text(html, "\"/>");
}

static void print_open(struct buf *html, const char *class, const char *label)
{
    buf_printf(html,
               "<svg class=\"spark%s\" viewBox=\"0 0 %u %u\" preserveAspectRatio=none role=img "
               "aria-label=\"%s, last hour\">",
               class, WIDTH, HEIGHT, label);
}

static void print_latency(struct buf *html, const struct history *history)
{
    struct scale scale = {.max = 0.02};
    struct history_bin hour;
    char p50[AGE_BYTES], p99[AGE_BYTES];

    for (uint32_t age = 0; age < history_n(history); age++)
        scale.max = higher(scale.max, latency_at(history, age, 0.99));
    history_sum(history, HISTORY_BINS, &hour);
    page_latency(history_latency(&hour, 0.50), p50);
    page_latency(history_latency(&hour, 0.99), p99);
    buf_printf(html,
               "<figure><figcaption><span>Finalization</span><span><b>%s</b>, p99 <b>%s</b>"
               "</span></figcaption>",
               p50, p99);
    print_open(html, "", "finalization latency");
    if (scale.max > 0.5)
        buf_printf(html, "<path class=line d=\"M0 %uH%u\"/>", y_of(&scale, 0.5), WIDTH);
    print_curve(html, history, 0.99, &scale, "p99");
    print_curve(html, history, 0.50, &scale, "p50");
    buf_text(html, "</svg></figure>\n");
}

struct bars {
    const char *title;
    const char *class;
    uint64_t (*value)(const struct history_bin *bin);
};

static uint64_t commits_of(const struct history_bin *bin)
{
    return bin->commits;
}

static uint64_t conflicts_of(const struct history_bin *bin)
{
    return bin->conflicts;
}

static uint64_t elections_of(const struct history_bin *bin)
{
    return bin->elections;
}

static void print_bars(struct buf *html, const struct history *history, const struct bars *bars)
{
    struct scale scale = {.max = 1};
    uint64_t sum = 0;

    for (uint32_t age = 0; age < history_n(history); age++) {
        uint64_t value = bars->value(history_at(history, age));
        scale.max = higher(scale.max, (double)value);
        sum += value;
    }
    buf_printf(html, "<figure><figcaption><span>%s</span><b>%" PRIu64 "</b></figcaption>",
               bars->title, sum);
    print_open(html, bars->class, bars->title);
    if (sum > 0)
        buf_text(html, "<path d=\"");
    for (uint32_t age = history_n(history); age > 0; age--) {
        uint64_t value = bars->value(history_at(history, age - 1));
        if (value > 0)
            buf_printf(html, "M%u %uV%u", x_of(age - 1), HEIGHT, y_of(&scale, (double)value));
    }
    buf_text(html, sum > 0 ? "\"/></svg></figure>\n" : "</svg></figure>\n");
}

void page_print_lines(const struct history *history, struct buf *html)
{
    static const struct bars rows[] = {{"Blocks committed", "", commits_of},
                                       {"Conflicts merged", " n", conflicts_of},
                                       {"Leader elections", " n", elections_of}};

    buf_text(html, "<section><h2>The last hour<span>half a minute a point</span></h2>\n"
                   "<div class=lines>\n");
    print_latency(html, history);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        print_bars(html, history, &rows[i]);
    buf_text(html, "</div></section>\n");
}
