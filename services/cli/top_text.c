#include "services/cli/top_text.h"

#include <stdio.h>
#include <string.h>

#include "services/cli/output_text.h"

#define STRIP_MAX 60u
#define STRIP_MIN 8u
#define OTHER_COLUMNS 50u /* of the validators' table beside the strip */
#define CURVE_POINTS 40u

enum tone { TONE_NONE, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_QUIET, TONE_LEAD };

static void tone(struct buf *text, const struct top_style *style, enum tone tone)
{
    static const char *const codes[] = {"\033[0m",  "\033[32m", "\033[33m",
                                        "\033[31m", "\033[2m",  "\033[34m"};

    if (style->has_colour)
        buf_text(text, codes[tone]);
}

static void toned(struct buf *text, const struct top_style *style, enum tone as, const char *what)
{
    tone(text, style, as);
    buf_text(text, what);
    tone(text, style, TONE_NONE);
}

/* What a service said, without what a terminal would obey. */
static void plain(struct buf *text, const char *from)
{
    for (; *from != 0; from++)
        buf_char(text, (unsigned char)*from < 0x20 || *from == 0x7f ? ' ' : *from);
}

static enum tone tone_of(const char *health)
{
    return strcmp(health, "healthy") == 0    ? TONE_GOOD
           : strcmp(health, "degraded") == 0 ? TONE_WARN
                                             : TONE_BAD;
}

static void put_verdict(const json_t *overview, const struct top_style *style, struct buf *text)
{
    const char *health = json_text(overview, "health");
    const json_t *reason = NULL;
    size_t i = 0;

    plain(text, json_text(overview, "node_id"));
    buf_text(text, "  ");
    toned(text, style, tone_of(health), health);
    buf_char(text, '\n');
    json_array_foreach(json_object_get(overview, "reasons"), i, reason)
    {
        const char *level = json_text(reason, "level"), *command = json_text(reason, "command");
        buf_text(text, "  ");
        toned(text, style, tone_of(level), level);
        buf_text(text, "  ");
        plain(text, json_text(reason, "text"));
        if (command[0] != 0) {
            buf_text(text, "  -> ");
            plain(text, command);
        }
        buf_char(text, '\n');
    }
}

static void put_evidence(const json_t *evidence, const struct top_style *style, struct buf *text)
{
    const json_t *item = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(evidence, "newest"), i, item)
    {
        buf_text(text, "  ");
        toned(text, style, TONE_BAD, json_text(item, "fault_type"));
        buf_text(text, " by ");
        plain(text, json_text(item, "validator_id"));
        buf_text(text, "  -> apm2 consensus byzantine-evidence ack ");
        plain(text, json_text(item, "id"));
        buf_text(text, " --reason \"...\"\n");
    }
}

static void put_figures(const json_t *consensus, struct buf *text)
{
    buf_printf(text, "height %llu  term %llu  leader ",
               (unsigned long long)json_u64(consensus, "height"),
               (unsigned long long)json_u64(consensus, "term"));
    plain(text, json_text(consensus, "leader_id"));
    buf_printf(text, "  active %llu of %llu, quorum %llu  waiting %llu\n",
               (unsigned long long)json_u64(consensus, "active_validators"),
               (unsigned long long)json_u64(consensus, "validator_count"),
               (unsigned long long)json_u64(consensus, "quorum_threshold"),
               (unsigned long long)json_u64(consensus, "pending"));
    plain(text, json_text(consensus, "why"));
    buf_char(text, '\n');
}

/* ---- curves ---- */

static double highest_of(const json_t *series)
{
    const json_t *value = NULL;
    double highest = 0;
    size_t i = 0;

    json_array_foreach(series, i, value) highest =
        json_number_value(value) > highest ? json_number_value(value) : highest;
    return highest;
}

static void put_curve(struct buf *text, const json_t *series)
{
    static const char *const blocks[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    size_t n = json_array_size(series);
    double highest = highest_of(series);

    for (size_t i = n > CURVE_POINTS ? n - CURVE_POINTS : 0; i < n; i++) {
        double value = json_number_value(json_array_get(series, i));
        size_t level = highest > 0 ? (size_t)(value / highest * 7.99) : 0;
        buf_text(text, value > 0 ? blocks[level] : " ");
    }
}

static void put_last(struct buf *text, const json_t *series, const char *unit)
{
    const json_t *last = json_array_get(series, json_array_size(series) - 1);

    if (json_is_integer(last))
        buf_printf(text, "%8lld%s", (long long)json_integer_value(last), unit);
    else if (json_is_real(last))
        buf_printf(text, "%8.1f%s", json_real_value(last), unit);
    else
        buf_printf(text, "%8s%s", "-", unit);
}

static void put_history(const json_t *history, const struct top_style *style, struct buf *text)
{
    static const struct {
        const char *name;
        const char *title;
        const char *unit;
    } rows[] = {{"latency_p50_ms", "finalization p50", " ms"},
                {"latency_p99_ms", "finalization p99", " ms"},
                {"commits", "commits", "   "},
                {"elections", "elections", "   "},
                {"conflicts", "conflicts", "   "}};

    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        const json_t *series = json_object_get(history, rows[i].name);
        buf_printf(text, "%-17s", rows[i].title);
        put_last(text, series, rows[i].unit);
        if (style->is_utf8) {
            buf_text(text, "  ");
            tone(text, style, TONE_LEAD);
            put_curve(text, series);
            tone(text, style, TONE_NONE);
        }
        buf_char(text, '\n');
    }
    buf_text(text, "the newest half minute, and how it went\n");
}

/* ---- validators ---- */

static uint32_t strip_width(const struct top_style *style)
{
    uint32_t room = style->columns > OTHER_COLUMNS ? style->columns - OTHER_COLUMNS : 0;

    return room > STRIP_MAX ? STRIP_MAX : room < STRIP_MIN ? STRIP_MIN : room;
}

/* '|' voted, '#' voted and proposed the block, '.' no vote came. */
static void put_strip(const json_t *validator, const json_t *authors, const struct top_style *style,
                      struct buf *text)
{
    const char *votes = json_text(validator, "votes");
    size_t n = strlen(votes), width = strip_width(style);
    json_int_t index = json_integer_value(json_object_get(validator, "index"));

    for (size_t i = n; i < width; i++)
        buf_char(text, ' ');
    for (size_t i = n > width ? n - width : 0; i < n; i++) {
        bool is_author = json_integer_value(json_array_get(authors, i)) == index;
        if (votes[i] == '.')
            toned(text, style, TONE_BAD, ".");
        else if (votes[i] == 'x')
            toned(text, style, is_author ? TONE_LEAD : TONE_GOOD, is_author ? "#" : "|");
        else
            buf_char(text, ' ');
    }
}

static void put_heard(const json_t *validator, uint64_t taken_ms, char out[32])
{
    uint64_t seen_ms = json_u64(validator, "last_seen_ms");

    if (json_flag(validator, "self"))
        (void)snprintf(out, 32, "this node");
    else if (seen_ms == 0)
        (void)snprintf(out, 32, "never");
    else
        age_text(taken_ms > seen_ms ? taken_ms - seen_ms : 0, out);
}

static void put_validators(const json_t *overview, const struct top_style *style, struct buf *text)
{
    const json_t *consensus = json_object_get(overview, "consensus"), *validator = NULL;
    const json_t *authors = json_object_get(json_object_get(consensus, "votes"), "authors");
    uint64_t height = json_u64(consensus, "height");
    size_t i = 0;

    buf_printf(text, "%-12s %-9s %-*s %-10s %6s %6s\n", "VALIDATOR", "ROLE",
               (int)strip_width(style), "VOTES", "HEARD", "BEHIND", "MISSED");
    json_array_foreach(json_object_get(consensus, "validators"), i, validator)
    {
        char heard[32];
        uint64_t at = json_u64(validator, "height");
        put_heard(validator, json_u64(overview, "taken_ms"), heard);
        buf_printf(text, "%-12.40s %-9s ", json_text(validator, "id"),
                   json_text(validator, "role"));
        put_strip(validator, authors, style, text);
        buf_char(text, ' ');
        tone(text, style, json_flag(validator, "active") ? TONE_NONE : TONE_BAD);
        buf_printf(text, "%-10s", heard);
        tone(text, style, TONE_NONE);
        buf_printf(text, " %6llu %6llu\n", (unsigned long long)(height > at ? height - at : 0),
                   (unsigned long long)json_u64(validator, "missed_votes"));
    }
}

static void put_services(const json_t *overview, const struct top_style *style, struct buf *text)
{
    const json_t *service = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(overview, "services"), i, service)
    {
        bool is_up = json_flag(service, "up"), is_ready = json_flag(service, "ready");
        buf_printf(text, "%-18s ", json_text(service, "service"));
        toned(text, style,
              is_ready ? TONE_GOOD
              : is_up  ? TONE_WARN
                       : TONE_BAD,
              is_ready ? "ready"
              : is_up  ? "not ready"
                       : "does not answer");
        if (is_up)
            buf_printf(text, "  up %llu s  pid %llu",
                       (unsigned long long)(json_u64(service, "uptime_ms") / 1000),
                       (unsigned long long)json_u64(service, "pid"));
        if (is_up && !is_ready) {
            buf_text(text, "  ");
            plain(text, json_text(service, "detail"));
        }
        buf_char(text, '\n');
    }
}

void top_text(const json_t *overview, const struct top_style *style, struct buf *ret_text)
{
    const json_t *consensus = json_object_get(overview, "consensus");

    put_verdict(overview, style, ret_text);
    put_evidence(json_object_get(overview, "evidence"), style, ret_text);
    if (json_is_object(consensus)) {
        buf_char(ret_text, '\n');
        put_figures(consensus, ret_text);
        buf_char(ret_text, '\n');
        put_validators(overview, style, ret_text);
    }
    buf_char(ret_text, '\n');
    put_history(json_object_get(overview, "history"), style, ret_text);
    buf_char(ret_text, '\n');
    put_services(overview, style, ret_text);
}
