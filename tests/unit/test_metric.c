#include "common/clock.h"
#include "common/file.h"
#include "common/metric.h"
#include "tests/support/golden.h"
#include "tests/support/unit.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>

static struct metrics *metrics;
static struct buf text;

static void consensus_of_two(void)
{
    static const char *const names[] = {"n1", "n2"};
    metrics = metrics_new(CONF_SET_CONSENSUS, "n1");
    metrics_name_validators(metrics, names, 2);
    buf_init(&text, METRIC_TEXT_BYTES_MAX);
}

static bool prints(const char *line, enum metric_format format)
{
    buf_clear(&text);
    metrics_print(metrics, format, &text);
    return strstr(buf_str(&text), line) != NULL;
}

/* Every family and label value at 0, names and buckets as released. Process lines,
 * which come last, are the machine's. */
static void put_text(FILE *out)
{
    metrics_print(metrics, METRIC_FORMAT_TEXT, &text);
    char *process = strstr((char *)text.data, "# HELP apm2_build_info");
    ck_assert_ptr_nonnull(process);
    *process = 0;
    ck_assert_int_ge(fputs(buf_str(&text), out), 0);
}

START_TEST(text_is_as_recorded)
{
    golden_check("metrics.txt", put_text);
}
END_TEST

START_TEST(counters_count)
{
    metric_add(metrics, METRIC_proposals_total, LABEL_committed, 2);
    metric_add(metrics, METRIC_proposals_total, LABEL_committed, 1);
    metric_add_at(metrics, METRIC_vote_missing_total, 1, 5);
    metric_add_at(metrics, METRIC_vote_missing_total, 2, 9); /* nobody */
    ck_assert_uint_eq(metric_count(metrics, METRIC_proposals_total, LABEL_committed), 3);
    ck_assert_uint_eq(metric_count(metrics, METRIC_proposals_total, LABEL_timeout), 0);
    ck_assert(
        prints("apm2_consensus_proposals_total{node_id=\"n1\",outcome=\"committed\"} 3\n", 0));
    ck_assert(prints("apm2_vote_missing_total{node_id=\"n1\",validator=\"n2\"} 5\n", 0));
}
END_TEST

START_TEST(gauges_hold)
{
    metric_set(metrics, METRIC_quorum_size, 3);
    metric_set_at(metrics, METRIC_peer_rtt, 1, 0.0125);
    ck_assert_double_eq(metric_value(metrics, METRIC_quorum_size), 3);
    ck_assert(prints("apm2_consensus_quorum_size{node_id=\"n1\"} 3\n", 0));
    ck_assert(prints("apm2_peer_rtt_seconds{node_id=\"n1\",peer=\"n2\"} 0.0125\n", 0));
}
END_TEST

START_TEST(a_bound_belongs_to_its_bucket)
{
    metric_observe(metrics, METRIC_finalization_latency, 0.01);
    metric_observe(metrics, METRIC_finalization_latency, 0.02);
    metric_observe(metrics, METRIC_finalization_latency, 60);
#define NAME "apm2_consensus_finalization_latency_seconds"
    ck_assert(prints(NAME "_bucket{node_id=\"n1\",le=\"0.01\"} 1\n", 0));
    ck_assert(prints(NAME "_bucket{node_id=\"n1\",le=\"0.025\"} 2\n", 0));
    ck_assert(prints(NAME "_bucket{node_id=\"n1\",le=\"10\"} 2\n", 0));
    ck_assert(prints(NAME "_bucket{node_id=\"n1\",le=\"+Inf\"} 3\n", 0));
    ck_assert(prints(NAME "_sum{node_id=\"n1\"} 60.03\n", 0));
    ck_assert(prints(NAME "_count{node_id=\"n1\"} 3\n", 0));
}
END_TEST

START_TEST(openmetrics_differs_where_it_must)
{
    ck_assert(prints("# TYPE apm2_consensus_proposals counter\n", METRIC_FORMAT_OPENMETRICS));
    ck_assert(prints("apm2_consensus_proposals_total{", METRIC_FORMAT_OPENMETRICS));
    ck_assert(prints("le=\"1.0\"", METRIC_FORMAT_OPENMETRICS));
    ck_assert_str_eq(buf_str(&text) + text.size - 6, "# EOF\n");
    ck_assert(prints("# TYPE apm2_consensus_proposals_total counter\n", METRIC_FORMAT_TEXT));
    ck_assert(!prints("# EOF", METRIC_FORMAT_TEXT));
}
END_TEST

START_TEST(quantiles_lie_in_their_bucket)
{
    struct metric_summary summary;
    metric_summarise(metrics, METRIC_finality, 0, &summary);
    ck_assert_uint_eq(summary.count, 0);
    ck_assert(isnan(summary.p50));

    for (int i = 0; i < 980; i++) {
        metric_observe(metrics, METRIC_finality, 0.0035); /* (0.003, 0.004] */
    }
    for (int i = 0; i < 20; i++) {
        metric_observe(metrics, METRIC_finality, 0.04); /* (0.03, 0.05] */
    }
    metric_summarise(metrics, METRIC_finality, 0, &summary);
    ck_assert_uint_eq(summary.count, 1000);
    ck_assert_double_eq_tol(summary.p50, 0.003 + 0.001 * 500 / 980, 1e-9);
    ck_assert_double_eq_tol(summary.p99, 0.03 + 0.02 * 10 / 20, 1e-9);
    ck_assert_double_eq(summary.max, 0.05);
    ck_assert_double_eq_tol(summary.sum, 980 * 0.0035 + 20 * 0.04, 1e-6);
}
END_TEST

START_TEST(windows_forget_what_is_older)
{
    uint64_t start_ms = clock_mono_ms();
    metric_observe(metrics, METRIC_finality, 5);
    metric_add(metrics, METRIC_busy_total, LABEL_rate, 7);
    /* A snapshot taken ten seconds ago, by the clock it was told. */
    metrics_turn(metrics, start_ms - 10000);
    metric_observe(metrics, METRIC_finality, 0.001);
    metric_add(metrics, METRIC_busy_total, LABEL_rate, 2);

    struct metric_summary summary;
    metric_summarise(metrics, METRIC_finality, 5, &summary);
    ck_assert_uint_eq(summary.count, 1);
    ck_assert_double_eq(summary.max, 0.001);
    ck_assert_double_eq_tol(summary.sum, 0.001, 1e-9);
    ck_assert_uint_eq(metric_growth(metrics, METRIC_busy_total, LABEL_rate, 5), 2);
    /* Before the process was there nothing was. */
    metric_summarise(metrics, METRIC_finality, 60, &summary);
    ck_assert_uint_eq(summary.count, 2);
    ck_assert_uint_eq(metric_growth(metrics, METRIC_busy_total, LABEL_rate, 60), 9);
}
END_TEST

START_TEST(the_ring_goes_round)
{
    uint64_t start_ms = clock_mono_ms(); /* later seconds lie ahead: none is a period old */
    for (uint64_t second = 0; second < 2000; second++) {
        metric_add(metrics, METRIC_busy_total, LABEL_rate, 1);
        metrics_turn(metrics, start_ms + second * 1000);
        metrics_turn(metrics, start_ms + second * 1000 + 1); /* not due */
    }
    /* All that is remembered, not all there was. */
    uint64_t all = metric_growth(metrics, METRIC_busy_total, LABEL_rate, 100000);
    ck_assert_uint_eq(all, METRIC_WINDOW_S - 1);
}
END_TEST

START_TEST(names_that_stay_keep_their_values)
{
    static const char *const names[] = {"n0", "n2", "n3"};
    metric_add_at(metrics, METRIC_zmq_dropped_total, 0, 1);
    metric_add_at(metrics, METRIC_zmq_dropped_total, 1, 2);
    metrics_name_validators(metrics, names, 3);
    ck_assert(prints("apm2_zmq_dropped_total{node_id=\"n1\",peer=\"n0\"} 0\n", 0));
    ck_assert(prints("apm2_zmq_dropped_total{node_id=\"n1\",peer=\"n2\"} 2\n", 0));
    ck_assert(prints("apm2_zmq_dropped_total{node_id=\"n1\",peer=\"n3\"} 0\n", 0));
    ck_assert(!prints("apm2_zmq_dropped_total{node_id=\"n1\",peer=\"n1\"}", 0));
}
END_TEST

static void *observe_often(void *arg)
{
    for (int i = 0; i < 100000; i++) {
        metric_add(arg, METRIC_busy_total, LABEL_rate, 1);
        metric_observe(arg, METRIC_persist, 0.5);
    }
    return NULL;
}

START_TEST(threads_lose_nothing)
{
    pthread_t threads[4];
    for (size_t i = 0; i < N_ELEMENTS(threads); i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, observe_often, metrics), 0);
    }
    for (size_t i = 0; i < N_ELEMENTS(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    struct metric_summary summary;
    metric_summarise(metrics, METRIC_persist, 0, &summary);
    ck_assert_uint_eq(summary.count, 400000);
    ck_assert_double_eq(summary.sum, 200000);
    ck_assert_uint_eq(metric_count(metrics, METRIC_busy_total, LABEL_rate), 400000);
}
END_TEST

START_TEST(json_is_json)
{
    metric_add(metrics, METRIC_proposals_total, LABEL_timeout, 4);
    metric_observe(metrics, METRIC_finality, 100); /* beyond the last bound: max is null */
    metrics_json(metrics, 300, &text);
    json_t *root = json_loads(buf_str(&text), JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(root != NULL, "%s", buf_str(&text));
    json_t *proposals = json_object_get(root, "proposals_total");
    ck_assert_int_eq(json_integer_value(json_object_get(proposals, "timeout")), 4);
    json_t *finality = json_object_get(root, "finality");
    ck_assert_int_eq(json_integer_value(json_object_get(finality, "count")), 1);
    ck_assert(json_is_null(json_object_get(finality, "max")));
    ck_assert_int_eq(json_integer_value(json_object_get(root, "period_s")), 300);
    json_decref(root);
}
END_TEST

START_TEST(another_familys_label_is_our_bug)
{
    metric_add(metrics, METRIC_proposals_total, LABEL_rotation, 1);
}
END_TEST

UNIT_MAIN("metric", consensus_of_two, NULL, {
    tcase_add_test(tc, text_is_as_recorded);
    tcase_add_test(tc, counters_count);
    tcase_add_test(tc, gauges_hold);
    tcase_add_test(tc, a_bound_belongs_to_its_bucket);
    tcase_add_test(tc, openmetrics_differs_where_it_must);
    tcase_add_test(tc, quantiles_lie_in_their_bucket);
    tcase_add_test(tc, windows_forget_what_is_older);
    tcase_add_test(tc, the_ring_goes_round);
    tcase_add_test(tc, names_that_stay_keep_their_values);
    tcase_add_test(tc, threads_lose_nothing);
    tcase_add_test(tc, json_is_json);
    tcase_add_test_raise_signal(tc, another_familys_label_is_our_bug, SIGABRT);
})
