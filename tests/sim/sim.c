/*
 * sim: runs the consensus core against every fault we can think of, by seed.
 *
 *   sim [--seeds N] [--seed S] [--minutes M] [--validators N] [--real] [--trace] [SCENARIO...]
 *   sim --twins TERMS [--seeds N | --seed S] [--minutes M] [--trace]
 *   sim --wan [--validators N] [--json]
 *   sim --transcript SCENARIO
 *   sim --seed S --script            its schedule as a scenario
 *
 * Seeds S, S + 1, ... over all processors; or all Twins scenarios of so many terms, N of
 * them, or the one with the number S; no more than fit into the minutes. On the first
 * violation it prints the seed and what broke, and exits 1.
 */
#include "tests/sim/report.h"
#include "tests/sim/scenario.h"
#include "tests/sim/schedule.h"
#include "tests/sim/shrink.h"
#include "tests/sim/twins.h"
#include "tests/sim/wan.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
    uint64_t first_seed;
    uint64_t n_seeds;
    uint64_t minutes; /* 0 = however long it takes */
    uint32_t n_validators;
    uint32_t twins_terms; /* 0 = schedules by chance */
    bool is_single;       /* --seed without --seeds */
    bool is_tracing;
    bool is_real; /* signatures */
    bool is_wan, is_json;
    bool is_transcript;
    bool is_script; /* to be printed, not run */
};

static bool read_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    char *end;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number > max)
        return false;
    *ret_number = number;
    return true;
}

static int usage(void)
{
    (void)fputs("usage: sim [--seeds N] [--seed S] [--minutes M] [--validators N] [--real] "
                "[--trace] [SCENARIO...]\n"
                "       sim --twins TERMS [--seeds N | --seed S] [--minutes M] [--trace]\n"
                "       sim --wan [--validators N] [--json]\n"
                "       sim --transcript SCENARIO\n"
                "       sim --seed S --script\n",
                stderr);
    return 64;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"seeds", required_argument, NULL, 'n'},   {"seed", required_argument, NULL, 's'},
        {"minutes", required_argument, NULL, 'm'}, {"validators", required_argument, NULL, 'v'},
        {"twins", required_argument, NULL, 'w'},   {"trace", no_argument, NULL, 't'},
        {"real", no_argument, NULL, 'r'},          {"wan", no_argument, NULL, 'a'},
        {"transcript", no_argument, NULL, 'p'},    {"script", no_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},          {NULL, 0, NULL, 0}};
    bool has_seeds = false;
    uint64_t number = 0;
    int name;

    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (name == 't')
            options->is_tracing = true;
        else if (name == 'r')
            options->is_real = true;
        else if (name == 'c')
            options->is_script = true;
        else if (name == 'p')
            options->is_transcript = true;
        else if (name == 'a')
            options->is_wan = true;
        else if (name == 'j')
            options->is_json = true;
        else if (name == 'n' && read_number(optarg, UINT64_MAX, &options->n_seeds))
            has_seeds = true;
        else if (name == 's' && read_number(optarg, UINT64_MAX, &options->first_seed))
            options->is_single = true;
        else if (name == 'm' && read_number(optarg, 10000, &number) && number > 0)
            options->minutes = number;
        else if (name == 'v' && read_number(optarg, VALIDATORS_MAX, &number) && number > 1)
            options->n_validators = (uint32_t)number;
        else if (name == 'w' && read_number(optarg, TWINS_TERMS_MAX, &number) && number > 0)
            options->twins_terms = (uint32_t)number;
        else
            return false;
    }
    options->is_single = options->is_single && !has_seeds;
    if (options->twins_terms == 0)
        return true;
    uint64_t n_twins = twins_count(options->twins_terms);
    if (!has_seeds || options->n_seeds > n_twins)
        options->n_seeds = n_twins;
    return !options->is_single || options->first_seed < n_twins;
}

static uint64_t ith_seed(const struct options *options, uint64_t i)
{
    return options->twins_terms != 0 ? twins_ith(options->twins_terms, i) : options->first_seed + i;
}

static bool is_twins(const struct options *options, uint64_t seed)
{
    return options->twins_terms != 0 ||
           (options->n_validators == 0 && !options->is_real && twins_is_seed(seed));
}

static struct twins twins_of(const struct options *options, uint64_t seed)
{
    return options->twins_terms != 0 ? twins_at(options->twins_terms, seed) : twins_draw(seed);
}

static bool run_one(struct world *world, const struct options *options, uint64_t seed)
{
    report_seed(seed);
    if (is_twins(options, seed)) {
        struct twins twins = twins_of(options, seed);
        if (world->is_tracing)
            twins_say(&twins);
        return twins_run(world, &twins, seed);
    }
    struct plan plan;
    plan_draw(&plan, seed, options->n_validators);
    plan.has_real_signatures = options->is_real && !plan_changes_sets(&plan);
    return schedule_run(world, &plan);
}

static void say_failure(const struct world *world, const struct options *options)
{
    if (options->twins_terms != 0)
        report_failure(world, "twins", options->twins_terms);
    else
        report_failure(world, "validators", options->n_validators);
}

static void show_twins(struct world *world, struct twins twins, uint64_t seed, int failure)
{
    uint32_t n_before = twins.n_terms;
    uint32_t n_trials = twins_shrink(world, &twins, seed, failure);

    printf("  shortened in %" PRIu32 " trials from %" PRIu32 " terms to %" PRIu32 ":\n    ",
           n_trials, n_before, twins.n_terms);
    twins_say(&twins);
}

/* Of a failed seed, made as short as it gets. */
static void show_schedule(struct world *world, const struct options *options, uint64_t seed,
                          int failure)
{
    struct plan plan;

    if (is_twins(options, seed)) {
        show_twins(world, twins_of(options, seed), seed, failure);
        return;
    }
    plan_draw(&plan, seed, options->n_validators);
    plan.has_real_signatures = options->is_real && !plan_changes_sets(&plan);
    report_shortened(world, &plan, failure);
}

/* The seed's schedule as a scenario, which runs as the seed does. */
static void print_script(const struct options *options, uint64_t seed)
{
    struct plan plan;

    if (is_twins(options, seed)) {
        struct twins twins = twins_of(options, seed);
        twins_say(&twins);
        return;
    }
    plan_draw(&plan, seed, options->n_validators);
    plan.has_real_signatures = options->is_real;
    plan_print(stdout, &plan, "");
}

/* One seed, twice: whatever the first run did, the second must do. */
static int run_single(struct world *world, const struct options *options)
{
    if (options->is_script) {
        print_script(options, options->first_seed);
        return 0;
    }
    world->is_tracing = options->is_tracing;
    bool has_passed = run_one(world, options, options->first_seed);
    uint64_t hash = world->hash;
    report_run(world);
    if (!has_passed)
        say_failure(world, options);

    world->is_tracing = false;
    (void)run_one(world, options, options->first_seed);
    if (world->hash != hash) {
        printf("seed %" PRIu64 " ran differently the second time\n", options->first_seed);
        return 1;
    }
    if (!has_passed)
        show_schedule(world, options, options->first_seed, (int)world->checkers.what);
    return has_passed ? 0 : 1;
}

static int run_share(const struct options *options, struct report *report, uint32_t worker)
{
    struct world *world = world_new(&report->workers[worker]);
    int status = 0;

    for (uint64_t i = worker; i < options->n_seeds && !report->has_failed; i += report->n_workers) {
        if (options->minutes != 0 && report_minutes(report) >= options->minutes)
            break;
        uint64_t seed = ith_seed(options, i);
        report->running[worker].seed = seed;
        bool has_passed = run_one(world, options, seed);
        world->stats->hash ^= world->hash;
        if (has_passed)
            continue;
        report->has_failed = true;
        report->running[worker].failure = (int)world->checkers.what;
        say_failure(world, options);
        status = 1;
    }
    world_destroy(&world);
    return status;
}

/* Once all have ended, so that the trials have the machine to themselves. */
static void show_failed(const struct options *options, const struct report *report, uint32_t worker)
{
    struct stats stats = {0};
    struct world *world = world_new(&stats);

    show_schedule(world, options, report->running[worker].seed, report->running[worker].failure);
    world_destroy(&world);
}

static int run_many(const struct options *options)
{
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct report *report = report_new(n_cpus < 1 ? 1 : (uint32_t)n_cpus);
    pid_t pids[WORKERS_MAX];
    uint32_t failed = report->n_workers;

    (void)fflush(NULL); /* or each worker prints it, too */
    for (uint32_t worker = 0; worker < report->n_workers; worker++) {
        report->running[worker].failure = RUN_PANICKED;
        pids[worker] = fork();
        if (pids[worker] < 0) {
            perror("fork");
            return 1;
        }
        if (pids[worker] == 0) {
            /* Not _exit: a build that measures coverage writes its counts at exit. */
            exit(run_share(options, report, worker));
        }
    }
    for (uint32_t worker = 0; worker < report->n_workers; worker++) {
        int ended = 0;
        if (waitpid(pids[worker], &ended, 0) == pids[worker] && WIFEXITED(ended) &&
            WEXITSTATUS(ended) == 0)
            continue;
        report->has_failed = true;
        if (failed == report->n_workers ||
            report->running[worker].seed < report->running[failed].seed)
            failed = worker;
    }
    report_all(report);
    if (failed < report->n_workers)
        show_failed(options, report, failed);
    return report->has_failed ? 1 : 0;
}

static int run_scenarios(char **paths, int n, const struct options *options)
{
    struct stats stats = {0};
    struct transcript transcript = {.file = stdout};
    struct world *world = world_new(&stats);
    int status = 0;

    world->is_tracing = options->is_tracing;
    world->transcript = options->is_transcript ? &transcript : NULL;
    for (int i = 0; i < n && status == 0; i++)
        status = scenario_run(world, paths[i]) ? 0 : 1;
    world_destroy(&world);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.first_seed = 1, .n_seeds = 1000};

    if (!read_options(argc, argv, &options))
        return usage();
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    report_panics();
    if (optind < argc)
        return run_scenarios(argv + optind, argc - optind, &options);
    if (!options.is_single && !options.is_wan)
        return run_many(&options);

    struct stats stats = {0};
    struct world *world = world_new(&stats);
    uint32_t n_max = options.n_validators != 0 ? options.n_validators : VALIDATORS_MAX;
    int status = 0;
    if (options.is_wan)
        status = wan_run(world, n_max, options.is_json) ? 0 : 1;
    else
        status = run_single(world, &options);
    world_destroy(&world);
    return status;
}
