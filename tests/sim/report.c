#include "tests/sim/report.h"

#include "common/must.h"
#include "tests/sim/shrink.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

struct report *report_new(uint32_t n_workers)
{
    struct report *report =
        mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    MUST(report != MAP_FAILED);
    report->n_workers = n_workers < WORKERS_MAX ? n_workers : WORKERS_MAX;
    report->started_ns = clock_ns();
    return report;
}

uint64_t report_minutes(const struct report *report)
{
    return (clock_ns() - report->started_ns) / UINT64_C(60000000000);
}

/* Read by the signal handler: all that is left to say when a MUST breaks. */
static char running[64];

void report_seed(uint64_t seed)
{
    (void)snprintf(running, sizeof(running), "FAILED seed %" PRIu64 ": panic\n", seed);
}

static void on_abort(int signal_number)
{
    (void)signal_number;
    ssize_t written = write(STDOUT_FILENO, running, strlen(running));
    _exit(written < 0 ? 2 : 1);
}

void report_panics(void)
{
    struct sigaction action = {.sa_handler = on_abort};
    static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE};

    for (size_t i = 0; i < N_ELEMENTS(fatal); i++)
        (void)sigaction(fatal[i], &action, NULL);
}

void report_failure(const struct world *world, const char *option, uint32_t value)
{
    char given[32] = "";

    if (value != 0)
        (void)snprintf(given, sizeof(given), " --%s %" PRIu32, option, value);
    printf("FAILED seed %" PRIu64 " at %" PRIu64 " ms: %s: %s\n  again: sim --seed %" PRIu64
           "%s --trace\n",
           world->seed, world->now_ms, check_name(world->checkers.what), world->checkers.why,
           world->seed, given);
}

void report_shortened(struct world *world, struct plan *plan, int failure)
{
    uint32_t n_before = plan->n_strikes;
    uint32_t n_trials = shrink(world, plan, failure);

    printf("  shortened in %" PRIu32 " trials from %" PRIu32 " strikes to %" PRIu32
           "; as a script for tests/sim/scenarios:\n",
           n_trials, n_before, plan->n_strikes);
    plan_print(stdout, plan, "    ");
}

void report_run(const struct world *world)
{
    printf("seed %" PRIu64 ": %" PRIu32 " validators, height %" PRIu64 ", %" PRIu64
           " ms, trace %016" PRIx64 "\n",
           world->seed, world->n_validators, world->checkers.height, world->now_ms, world->hash);
}

static void add(struct stats *sum, const struct stats *stats)
{
    sum->schedules += stats->schedules;
    sum->twins += stats->twins;
    sum->events += stats->events;
    sum->messages += stats->messages;
    sum->commits += stats->commits;
    sum->terms += stats->terms;
    sum->epochs += stats->epochs;
    sum->hash ^= stats->hash;
    if (stats->progress_max_ms > sum->progress_max_ms)
        sum->progress_max_ms = stats->progress_max_ms;
    for (int i = 0; i < FAULTS_END; i++)
        sum->faults[i] += stats->faults[i];
    for (int i = 0; i < LIES_END; i++)
        sum->lies[i] += stats->lies[i];
    for (int i = 0; i < CHECKS_END; i++)
        sum->checks[i] += stats->checks[i];
}

void report_all(const struct report *report)
{
    struct stats sum = {0};
    double seconds = (double)(clock_ns() - report->started_ns) / 1e9;

    for (uint32_t i = 0; i < report->n_workers; i++)
        add(&sum, &report->workers[i]);
    printf("%" PRIu64 " schedules in %.1f s: %.0f/s, %.0f events/s, trace %016" PRIx64 "\n",
           sum.schedules, seconds, (double)sum.schedules / seconds, (double)sum.events / seconds,
           sum.hash);
    printf("  %" PRIu64 " with every fault by chance, %" PRIu64 " of twins\n",
           sum.schedules - sum.twins, sum.twins);
    printf("  %" PRIu64 " messages, %" PRIu64 " heights committed, %" PRIu64 " terms and %" PRIu64
           " epochs entered, slowest end %" PRIu64 " ms after healing\n",
           sum.messages, sum.commits, sum.terms, sum.epochs, sum.progress_max_ms);
    printf("faults injected\n");
    for (int i = 0; i < FAULTS_END; i++)
        printf("  %-16s %12" PRIu64 "\n", fault_name((enum fault)i), sum.faults[i]);
    printf("lies told\n");
    for (int i = 0; i < LIES_END; i++)
        printf("  %-16s %12" PRIu64 "\n", lie_name((enum lie)i), sum.lies[i]);
    printf("invariants checked\n");
    for (int i = 0; i < CHECKS_END; i++)
        printf("  %-38s %12" PRIu64 "\n", check_name((enum check)i), sum.checks[i]);
    if (!report->has_failed)
        printf("all held\n");
}
