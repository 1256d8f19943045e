#include "services/metrics-exporter/verdict.h"
#include "tests/support/exporter.h"
#include "tests/support/unit.h"

static struct snapshot snapshot;
static struct history history;
static struct history_sample sample;
static struct verdict verdict;

static void well(void)
{
    snapshot_well(&snapshot, 4, 60);
    memset(&history, 0, sizeof(history));
    memset(&sample, 0, sizeof(sample));
    sample.commits = 1000;
    history_add(&history, &sample, 0);
}

static void gone(void)
{
    snapshot.services[SIBLING_CONSENSUS].is_up = false;
    snapshot.consensus.is_known = false;
}

static void registry_gone(void)
{
    snapshot.services[SIBLING_SCHEMA_REGISTRY].is_up = false;
}

static void not_ready(void)
{
    struct service_view *view = &snapshot.services[SIBLING_ANTI_ENTROPY];
    view->is_ready = false;
    (void)snprintf(view->detail, sizeof(view->detail), "database: refused");
}

static void consensus_says(const char *health, const char *reason)
{
    struct consensus_view *view = &snapshot.consensus;
    (void)snprintf(view->health, sizeof(view->health), "%s", health);
    view->n_reasons = reason[0] != 0;
    (void)snprintf(view->reasons[0], REASON_BYTES, "%s", reason);
}

static void one_down(void)
{
    consensus_says("degraded", "validator n3 is not heard from");
    snapshot.consensus.n_active = 3;
}

static void no_quorum(void)
{
    consensus_says("critical", "no quorum: 2 of 4 validators active, 3 needed");
    snapshot.consensus.n_active = 2;
}

static void without_a_reason(void)
{
    consensus_says("degraded", "");
}

static void evidence(void)
{
    snapshot.evidence.n_unacknowledged = 1;
}

static void add(uint64_t commits)
{
    sample.commits += commits;
    history_add(&history, &sample, 1000);
}

static void latency(size_t bucket)
{
    sample.latency[bucket] += 100;
    add(100);
}

static void slow(void)
{
    latency(7); /* 0.75 to 1 s */
}

static void very_slow(void)
{
    latency(9); /* 2 to 2.5 s */
}

static void quick(void)
{
    latency(4);
}

static void elections(uint64_t n)
{
    sample.elections += n;
    add(1);
}

static void five_elections(void)
{
    elections(5);
}

static void six_elections(void)
{
    elections(6);
}

static void eleven_elections(void)
{
    elections(11);
}

static void rejections(uint64_t n)
{
    sample.failed += n;
    add(1000 - n);
}

static void few_rejections(void)
{
    rejections(50);
}

static void some_rejections(void)
{
    rejections(51);
}

static void many_rejections(void)
{
    rejections(101);
}

static void conflicts(uint64_t n)
{
    sample.conflicts += n;
    add(1);
}

static void hundred_conflicts(void)
{
    conflicts(100);
}

static void more_conflicts(void)
{
    conflicts(101);
}

static void most_conflicts(void)
{
    conflicts(501);
}

static void nothing(void)
{
}

/* The runbook's table, line by line, on both sides of each line. */
static const struct row {
    const char *label;
    void (*happens)(void);
    enum verdict_level want;
    const char *part; /* of the first reason; NULL: there is none */
} rows[] = {
    {"all is well", nothing, LEVEL_HEALTHY, NULL},
    {"consensus gone", gone, LEVEL_UNKNOWN, "consensus does not answer"},
    {"a sibling gone", registry_gone, LEVEL_DEGRADED, "schema-registry does not answer"},
    {"a sibling not ready", not_ready, LEVEL_DEGRADED, "anti-entropy is not ready: database"},
    {"one validator down", one_down, LEVEL_DEGRADED, "validator n3 is not heard from"},
    {"no quorum", no_quorum, LEVEL_CRITICAL, "no quorum: 2 of 4"},
    {"a word without a reason", without_a_reason, LEVEL_DEGRADED, "calls itself degraded"},
    {"evidence", evidence, LEVEL_CRITICAL, "1 piece of Byzantine evidence"},
    {"quick", quick, LEVEL_HEALTHY, NULL},
    {"slow", slow, LEVEL_DEGRADED, "500 ms is the line"},
    {"very slow", very_slow, LEVEL_CRITICAL, "2 s is the line"},
    {"five elections", five_elections, LEVEL_HEALTHY, NULL},
    {"six elections", six_elections, LEVEL_DEGRADED, "6 leader elections"},
    {"eleven elections", eleven_elections, LEVEL_CRITICAL, "11 leader elections"},
    {"95% succeed", few_rejections, LEVEL_HEALTHY, NULL},
    {"94.9% succeed", some_rejections, LEVEL_DEGRADED, "95% is too few"},
    {"89.9% succeed", many_rejections, LEVEL_CRITICAL, "90% is too few"},
    {"100 conflicts", hundred_conflicts, LEVEL_HEALTHY, NULL},
    {"101 conflicts", more_conflicts, LEVEL_DEGRADED, "101 conflicts"},
    {"501 conflicts", most_conflicts, LEVEL_CRITICAL, "501 conflicts"},
};

START_TEST(judged_by_the_table)
{
    const struct row *row = &rows[_i];

    row->happens();
    verdict_reach(&snapshot, &history, &verdict);
    ck_assert_msg(verdict.level == row->want, "%s: %s", row->label, verdict_word(verdict.level));
    ck_assert_msg((verdict.n == 0) == (row->part == NULL), "%s: %u reasons", row->label, verdict.n);
    if (row->part != NULL)
        ck_assert_msg(strstr(verdict.reasons[0].text, row->part) != NULL, "%s: %s", row->label,
                      verdict.reasons[0].text);
}
END_TEST

START_TEST(the_heaviest_comes_first)
{
    registry_gone();
    evidence();
    one_down();
    verdict_reach(&snapshot, &history, &verdict);
    ck_assert_int_eq(verdict.level, LEVEL_CRITICAL);
    ck_assert_uint_eq(verdict.n, 4);
    ck_assert_ptr_nonnull(strstr(verdict.reasons[0].text, "evidence"));
    ck_assert_ptr_nonnull(strstr(verdict.reasons[1].text, "schema-registry"));
}
END_TEST

START_TEST(reasons_are_bounded)
{
    snapshot.consensus.n_reasons = REASONS_MAX;
    for (uint32_t i = 0; i < REASONS_MAX; i++)
        memset(snapshot.consensus.reasons[i], 'r', REASON_BYTES - 1);
    for (enum sibling i = 0; i < SIBLINGS_N; i++)
        snapshot.services[i].is_up = i == SIBLING_CONSENSUS;
    evidence();
    sample.elections = 50;
    sample.failed = 900;
    sample.conflicts = 900;
    very_slow();
    verdict_reach(&snapshot, &history, &verdict);
    ck_assert_uint_eq(verdict.n, VERDICT_REASONS_MAX);
    ck_assert_int_eq(verdict.level, LEVEL_CRITICAL);
}
END_TEST

UNIT_MAIN("verdict", well, NULL, {
    tcase_add_loop_test(tc, judged_by_the_table, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, the_heaviest_comes_first);
    tcase_add_test(tc, reasons_are_bounded);
})
