#include "services/metrics-exporter/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BINS_PER_MINUTE (60000u / HISTORY_BIN_MS)
#define LATENCY_MINUTES 5u

const char *verdict_word(enum verdict_level level)
{
    static const char *const words[] = {"healthy", "degraded", "critical", "unknown"};
    return words[level];
}

static void add(struct verdict *verdict, enum verdict_level level, const char *command,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Keeps the heaviest in front, in the order they were found. */
static void add(struct verdict *verdict, enum verdict_level level, const char *command,
                const char *format, ...)
{
    va_list args;
    uint32_t at = verdict->n;

    if (verdict->n == VERDICT_REASONS_MAX)
        return;
    while (at > 0 && verdict->reasons[at - 1].level < level)
        at--;
    memmove(&verdict->reasons[at + 1], &verdict->reasons[at],
            (verdict->n - at) * sizeof(verdict->reasons[0]));
    struct verdict_reason *reason = &verdict->reasons[at];
    *reason = (struct verdict_reason){.level = level, .command = command};
    va_start(args, format);
    (void)vsnprintf(reason->text, sizeof(reason->text), format, args);
    va_end(args);
    verdict->n++;
    verdict->level = level > verdict->level ? level : verdict->level;
}

static void judge_services(const struct snapshot *snapshot, struct verdict *verdict)
{
    const struct service_view *consensus = &snapshot->services[SIBLING_CONSENSUS];

    if (!consensus->is_up)
        add(verdict, LEVEL_UNKNOWN, "journalctl -u apm2d -n 100",
            "consensus does not answer: nothing is known of the cluster from here");
    for (enum sibling i = 0; i < SIBLINGS_ASKED; i++) {
        const struct service_view *service = &snapshot->services[i];
        if (i != SIBLING_CONSENSUS && !service->is_up)
            add(verdict, LEVEL_DEGRADED, "journalctl -u apm2d -n 100", "%s does not answer",
                sibling_table[i].name);
        else if (service->is_up && i != SIBLING_CONSENSUS && !service->is_ready)
            add(verdict, LEVEL_DEGRADED, NULL, "%s is not ready: %s", sibling_table[i].name,
                service->detail);
    }
}

/* Consensus gives its reasons itself; they weigh as much as its own word. */
static void judge_consensus(const struct snapshot *snapshot, struct verdict *verdict)
{
    const struct consensus_view *view = &snapshot->consensus;
    enum verdict_level level =
        strcmp(view->health, "critical") == 0 ? LEVEL_CRITICAL : LEVEL_DEGRADED;

    if (!snapshot->services[SIBLING_CONSENSUS].is_up || !view->is_known)
        return;
    for (uint32_t i = 0; i < view->n_reasons; i++)
        add(verdict, level, "apm2 consensus validators", "%s", view->reasons[i]);
    if (view->n_reasons == 0 && strcmp(view->health, "healthy") != 0)
        add(verdict, level, "apm2 consensus status --verbose", "consensus calls itself %s",
            view->health);
    if (view->n_active == view->quorum && view->n_active < view->n_validators)
        add(verdict, LEVEL_DEGRADED, "apm2 consensus why",
            "%u of %u validators active: one more lost and nothing is decided any more",
            view->n_active, view->n_validators);
}

static void judge_evidence(const struct snapshot *snapshot, struct verdict *verdict)
{
    uint64_t n = snapshot->evidence.n_unacknowledged;

    if (n > 0)
        add(verdict, LEVEL_CRITICAL, "apm2 consensus byzantine-evidence list",
            "%llu piece%s of Byzantine evidence not acknowledged", (unsigned long long)n,
            n == 1 ? "" : "s");
}

static void judge_latency(const struct history *history, struct verdict *verdict)
{
    struct history_bin sum;

    history_sum(history, LATENCY_MINUTES * BINS_PER_MINUTE, &sum);
    double p99 = history_latency(&sum, 0.99);
    if (isnan(p99) || p99 <= 0.5)
        return;
    add(verdict, p99 > 2 ? LEVEL_CRITICAL : LEVEL_DEGRADED, "apm2 consensus metrics --period 300",
        "finalization takes %.0f ms at the 99th percentile of the last %u minutes; %s is the line",
        p99 * 1e3, LATENCY_MINUTES, p99 > 2 ? "2 s" : "500 ms");
}

static void judge_elections(const struct history *history, struct verdict *verdict)
{
    struct history_bin sum;

    history_sum(history, BINS_PER_MINUTE, &sum);
    if (sum.elections > 5)
        add(verdict, sum.elections > 10 ? LEVEL_CRITICAL : LEVEL_DEGRADED,
            "apm2 consensus status --verbose",
            "%llu leader elections within a minute; more than %u are too many",
            (unsigned long long)sum.elections, sum.elections > 10 ? 10u : 5u);
}

static void judge_rejections(const struct history *history, struct verdict *verdict)
{
    struct history_bin sum;

    history_sum(history, LATENCY_MINUTES * BINS_PER_MINUTE, &sum);
    uint64_t all = sum.commits + sum.failed;
    if (sum.failed == 0 || sum.failed * 20 <= all)
        return;
    bool is_critical = sum.failed * 10 > all;
    add(verdict, is_critical ? LEVEL_CRITICAL : LEVEL_DEGRADED,
        "journalctl -u apm2d | grep -i \"rejected\\|invalid\"",
        "only %.0f%% of the proposals of the last %u minutes succeeded; below %u%% is too few",
        100.0 * (double)sum.commits / (double)all, LATENCY_MINUTES, is_critical ? 90u : 95u);
}

static void judge_conflicts(const struct history *history, struct verdict *verdict)
{
    struct history_bin sum;

    history_sum(history, HISTORY_BINS, &sum);
    if (sum.conflicts > 100)
        add(verdict, sum.conflicts > 500 ? LEVEL_CRITICAL : LEVEL_DEGRADED,
            "apm2 consensus metrics | grep conflicts",
            "%llu conflicts merged within an hour; more than %u are too many",
            (unsigned long long)sum.conflicts, sum.conflicts > 500 ? 500u : 100u);
}

void verdict_reach(const struct snapshot *snapshot, const struct history *history,
                   struct verdict *ret_verdict)
{
    struct verdict verdict = {.level = LEVEL_HEALTHY};

    judge_services(snapshot, &verdict);
    judge_consensus(snapshot, &verdict);
    judge_evidence(snapshot, &verdict);
    judge_latency(history, &verdict);
    judge_elections(history, &verdict);
    judge_rejections(history, &verdict);
    judge_conflicts(history, &verdict);
    *ret_verdict = verdict;
}
