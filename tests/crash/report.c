#include "tests/crash/report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

/* A boundary passed as often as this in one run is not a rare mixture of known ones. */
#define SEEN_OFTEN 50u

static const char *result_text(enum point_result result)
{
    switch (result) {
    case POINT_HELD:
        return "held";
    case POINT_FAILED:
        return "FAILED";
    case POINT_NOT_REACHED:
        break;
    }
    return "not-reached";
}

void report_begin(struct report *report, const struct world *world, uint32_t n_sites)
{
    *report = (struct report){.n_sites = n_sites, .start_ms = now_ms()};
    report->table = fopen(world->options.table, "w");
    if (report->table == NULL) {
        (void)fprintf(stderr, "crashpoints: %s: %s\n", world->options.table, strerror(errno));
        exit(2);
    }
}

static void show_progress(const struct report *report, const struct world *world, const char *name)
{
    uint32_t n = report->n_held + report->n_failed + report->n_not_reached;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K%u of %u points, %" PRIu64 " s, %u acknowledged, %s", n,
                      report->n_sites * CRASH_MODES, (now_ms() - report->start_ms) / 1000,
                      world->load.n_acks, name);
    else if (n % 20 == 0)
        (void)fprintf(stderr, "%u of %u points, %" PRIu64 " s, %u acknowledged\n", n,
                      report->n_sites * CRASH_MODES, (now_ms() - report->start_ms) / 1000,
                      world->load.n_acks);
}

void report_point(struct report *report, const struct world *world, const struct outcome *outcome)
{
    const char *name = world->control->sites[outcome->point.site].name;
    const char *mode = crash_mode_text(outcome->point.mode);
    const char *why = outcome->result == POINT_FAILED ? world->finding : "";
    (void)fprintf(report->table, "%-28s %-8s n%d %-4s %6" PRIu64 " %s %s\n", name, mode,
                  atomic_load(&world->control->fired_node) + 1,
                  outcome->point.is_room ? "room" : "node", outcome->took_ms,
                  result_text(outcome->result), why);
    fflush(report->table);
    report->n_held += outcome->result == POINT_HELD;
    report->n_failed += outcome->result == POINT_FAILED;
    report->n_not_reached += outcome->result == POINT_NOT_REACHED;
    report->is_hit[outcome->point.site] |= outcome->result != POINT_NOT_REACHED;
    report->n_room += outcome->point.is_room && outcome->result != POINT_NOT_REACHED;
    show_progress(report, world, name);
    if (outcome->result != POINT_HELD)
        (void)fprintf(stderr, "%s%s: %s %s %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "",
                      result_text(outcome->result), name, mode, why);
}

void report_unlisted(struct report *report, const struct world *world)
{
    uint32_t n = atomic_load(&world->control->n_sites);
    for (uint32_t i = report->n_sites; i < n && i < CRASH_SITES_MAX; i++) {
        uint32_t n_seen = atomic_load(&world->control->sites[i].n_seen);
        (void)fprintf(stderr, "not on the list of sites: %s, passed %u times\n",
                      world->control->sites[i].name, n_seen);
        report->n_unlisted += n_seen >= SEEN_OFTEN;
    }
}

static uint32_t n_sites_hit(const struct report *report)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < report->n_sites; i++)
        n += report->is_hit[i];
    return n;
}

static void print_json(const struct report *report, const struct world *world)
{
    json_t *json = json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:I, s:s}", "sites",
        (int)n_sites_hit(report), "points", (int)(report->n_held + report->n_failed), "room_cuts",
        (int)report->n_room, "passed", (int)report->n_held, "failed", (int)report->n_failed,
        "not_reached", (int)report->n_not_reached, "signatures", (json_int_t)report->signatures.n,
        "double_signatures", (json_int_t)report->signatures.n_double, "forgotten",
        (int)world->n_forgotten, "lost", (int)world->n_lost, "mute", (int)world->n_mute, "aborted",
        (int)world->n_aborted, "acknowledged", (int)world->load.n_acks, "seconds",
        (json_int_t)((now_ms() - report->start_ms) / 1000), "finding", world->finding);
    (void)json_dumpf(json, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(json);
}

static void print_text(const struct report *report, const struct world *world)
{
    (void)printf("%u sites, %u of %u points (before, halfway, after), %" PRIu64 " s;"
                 " %u of the whole room, %u not reached\n",
                 n_sites_hit(report), report->n_held + report->n_failed,
                 report->n_sites * CRASH_MODES, (now_ms() - report->start_ms) / 1000,
                 report->n_room, report->n_not_reached);
    (void)printf("%" PRIu64 " signatures, %" PRIu64 " double signatures, %u promises forgotten,"
                 " %u acknowledged, %u lost, %u nodes mute, %u aborts\n",
                 report->signatures.n, report->signatures.n_double, world->n_forgotten,
                 world->load.n_acks, world->n_lost, world->n_mute, world->n_aborted);
    if (report->signatures.n_double > 0)
        (void)printf("%s\n", report->signatures.example);
    if (world->finding[0] != 0)
        (void)printf("%s\n", world->finding);
}

bool report_end(struct report *report, const struct world *world)
{
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K");
    if (world->options.is_json)
        print_json(report, world);
    else
        print_text(report, world);
    fclose(report->table);
    bool is_whole = world->options.seconds > 0 || report->n_not_reached == 0;
    return is_whole && report->n_held > 0 && report->n_failed == 0 && report->n_unlisted == 0 &&
           report->signatures.n > 0 && report->signatures.n_double == 0 && world->finding[0] == 0;
}
