/*
 * crashpoints - stops a real node at every boundary, before, halfway and after.
 *
 * Usage: see scripts/crashpoints, which prepares the cluster. Exit code 0: every point
 * held; 1: one did not; 2: could not begin.
 */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/must.h"
#include "tests/crash/report.h"
#include "tests/crash/signatures.h"
#include "tests/crash/world.h"

#define BOOT_MS 30000u
#define ROOM_EVERY 8u /* every so many points the power goes in the whole room */
#define WARM_UP_MS 1500u

void world_turn(struct world *world, uint64_t ms)
{
    uint64_t end_ms = now_ms() + ms;
    do {
        cluster_turn(world);
        load_turn(&world->load, now_ms(), ms > 5 ? 5 : (int)ms);
    } while (now_ms() < end_ms);
}

void world_find(struct world *world, uint32_t *counter, const char *form, ...)
{
    va_list args;
    va_start(args, form);
    (void)vsnprintf(world->finding, sizeof(world->finding), form, args);
    va_end(args);
    (*counter)++;
}

/* ---- begin and end ---- */

static bool boot(struct world *world)
{
    for (uint32_t i = 0; i < CRASH_NODES; i++) {
        cluster_start_postgres(world, i);
        cluster_start_consensus(world, i);
    }
    world->load.is_quiet = true;
    uint64_t end_ms = now_ms() + BOOT_MS;
    while (!load_learn_nonce(&world->load, 2000)) {
        cluster_turn(world);
        if (now_ms() >= end_ms)
            return false;
    }
    world->load.is_quiet = false;
    for (uint32_t i = 0; i < CRASH_NODES; i++)
        if (!point_await_signing(world, i, 0))
            return false;
    return true;
}

static uint32_t read_sites(struct world *world)
{
    char line[128];
    FILE *file = fopen(world->options.sites, "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] != 0 && line[0] != '#')
            (void)crash_site_find(world->control, line);
    }
    fclose(file);
    return atomic_load(&world->control->n_sites);
}

/* ---- the points, in an order that the seed decides ---- */

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t x = *state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint32_t *shuffled(uint32_t n, uint64_t seed)
{
    uint32_t *order = calloc(n, sizeof(*order));
    MUST(order != NULL);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = (uint32_t)(next_random(&seed) % (i + 1));
        order[i] = order[j];
        order[j] = i;
    }
    return order;
}

static void run_points(struct world *world, struct report *report)
{
    uint32_t n = report->n_sites * CRASH_MODES;
    uint32_t *order = shuffled(n, world->options.seed);
    uint64_t end_ms = now_ms() + world->options.seconds * 1000u;
    world_turn(world, WARM_UP_MS); /* something acknowledged, to be lost */
    for (uint32_t i = 0; i < n; i++) {
        struct outcome it = {.point = {order[i] / CRASH_MODES,
                                       (enum crash_mode)(order[i] % CRASH_MODES),
                                       !world->options.is_expecting && i % ROOM_EVERY == 0}};
        if (world->options.seconds > 0 && now_ms() >= end_ms)
            break;
        uint64_t start_ms = now_ms();
        it.result = point_run(world, &it.point);
        it.took_ms = now_ms() - start_ms;
        report_point(report, world, &it);
        if (world->options.is_expecting && it.result == POINT_FAILED)
            break;
    }
    free(order);
}

/* Prints the sites that a cluster in motion passes: what the list is made from. */
static void record(struct world *world)
{
    struct provoker provoker;
    uint64_t end_ms = now_ms() + (world->options.seconds > 0 ? world->options.seconds : 30) * 1000u;
    provoke_begin(&provoker, "");
    while (now_ms() < end_ms) {
        provoke_turn(world, &provoker);
        world_turn(world, 5);
    }
    provoke_end(world, &provoker);
    uint32_t n = atomic_load(&world->control->n_sites);
    for (uint32_t i = 0; i < n && i < CRASH_SITES_MAX; i++)
        (void)printf("%-30s %u\n", world->control->sites[i].name,
                     atomic_load(&world->control->sites[i].n_seen));
}

/* A red control has shown its colour; what else it did to the cluster is of no interest. */
static void finish(struct world *world, struct report *report)
{
    if (!world->options.is_expecting) {
        ledger_check(world);
        report_unlisted(report, world);
    }
    cluster_stop(world);
    if (!signatures_count(world->options.dir, &report->signatures))
        world_find(world, &world->n_aborted, "a log cannot be read");
}

/* ---- options ---- */

static _Noreturn void usage(void)
{
    (void)fprintf(
        stderr,
        "usage: crashpoints --dir DIR --apm2 FILE --consensus FILE --postgres FILE\n"
        "           --library FILE --sites FILE --table FILE [--seconds N] [--seed N]\n"
        "           [--plant async-commit|no-sync] [--expect-failure] [--json] [--record]\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == 0 || *end != 0)
        usage();
    return value;
}

static void parse(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"dir", required_argument, NULL, 'd'},
        {"apm2", required_argument, NULL, 'a'},
        {"consensus", required_argument, NULL, 'c'},
        {"postgres", required_argument, NULL, 'p'},
        {"library", required_argument, NULL, 'l'},
        {"sites", required_argument, NULL, 's'},
        {"table", required_argument, NULL, 't'},
        {"seconds", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 'r'},
        {"plant", required_argument, NULL, 'x'},
        {"record", no_argument, NULL, 'o'},
        {"expect-failure", no_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    const char **const texts[] = {
        ['d'] = &options->dir,      ['a'] = &options->apm2,    ['c'] = &options->consensus,
        ['p'] = &options->postgres, ['l'] = &options->library, ['s'] = &options->sites,
        ['t'] = &options->table,    ['x'] = &options->plant,
    };
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'n')
            options->seconds = (uint32_t)number(optarg);
        else if (option == 'r')
            options->seed = number(optarg);
        else if (option == 'f')
            options->is_expecting = true;
        else if (option == 'o')
            options->is_recording = true;
        else if (option == 'j')
            options->is_json = true;
        else if (option < (int)N_ELEMENTS(texts) && texts[option] != NULL)
            *texts[option] = optarg;
        else
            usage();
    }
    if (options->dir == NULL || options->apm2 == NULL || options->consensus == NULL ||
        options->postgres == NULL || options->library == NULL || options->sites == NULL ||
        options->table == NULL || optind != argc)
        usage();
}

int main(int argc, char **argv)
{
    static struct world world;
    static struct report report;

    parse(argc, argv, &world.options);
    (void)signal(SIGPIPE, SIG_IGN);
    cluster_prepare(&world);
    report_begin(&report, &world, read_sites(&world));
    load_begin(&world.load, world.options.dir);
    if (!boot(&world)) {
        (void)fprintf(stderr, "crashpoints: the cluster in %s does not come up\n",
                      world.options.dir);
        cluster_stop(&world);
        return 2;
    }
    if (world.options.is_recording) {
        record(&world);
        cluster_stop(&world);
        return 0;
    }
    run_points(&world, &report);
    finish(&world, &report);
    load_end(&world.load);
    return report_end(&report, &world) ? 0 : 1;
}
