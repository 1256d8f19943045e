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
    metrics = metrics_new(&(struct metric_owner){CONF_SET_CONSENSUS, "n1", "consensus"});
    metrics_name_series(metrics, names, 2);
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
    struct metrics *others = metrics_new(&(struct metric_owner){~0u, "n1", "others"});
    const struct metrics *const parts[] = {metrics, others};
    static const char *const services[] = {"consensus", "anti-entropy"};
    metrics_name_series(others, services, N_ELEMENTS(services));
    metrics_show(others, ~(uint32_t)CONF_SET_CONSENSUS); /* as one service each, printed once */
    metrics_print_all(parts, N_ELEMENTS(parts), METRIC_FORMAT_TEXT, &text);
    metrics_destroy(&others);
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
    metrics_name_series(metrics, names, 3);
    ck_assert(prints("apm2_zmq_dropped_total{node_id=\"n1\",peer=\"n0\"} 0\n", 0));
    ck_assert(prints("apm2_zmq_dropped_total{node_id=\"n1\",peer=\"n2\"} 2\n", 0));
    ck_assert(prints("apm2_zmq_dropped_total{node_id=\"n1\",peer=\"n3\"} 0\n", 0));
    ck_assert(!prints("apm2_zmq_dropped_total{node_id=\"n1\",peer=\"n1\"}", 0));
}
END_TEST

static struct metrics *mirror_of(const struct metrics *of)
{
    struct metrics *mirror =
        metrics_new(&(struct metric_owner){CONF_SET_CONSENSUS, "n1", "consensus"});
    buf_clear(&text);
    metrics_dump(of, &text);
    json_t *dump = json_loads(buf_str(&text), JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(dump != NULL, "%s", buf_str(&text));
    metrics_load(mirror, dump);
    json_decref(dump);
    return mirror;
}

static char *printed(const struct metrics *of)
{
    buf_clear(&text);
    metrics_print(of, METRIC_FORMAT_TEXT, &text);
    char *process = strstr((char *)text.data, "# HELP process_cpu"); /* goes on counting */
    ck_assert_ptr_nonnull(process);
    *process = 0;
    return strdup(buf_str(&text));
}

START_TEST(a_mirror_prints_the_same)
{
    metric_add(metrics, METRIC_proposals_total, LABEL_rejected, 3);
    metric_observe(metrics, METRIC_finalization_latency, 0.3);
    metric_observe(metrics, METRIC_finalization_latency, 99);
    metric_set(metrics, METRIC_pg_up, 1);
    metric_set_at(metrics, METRIC_clock_offset, 1, -0.25);
    metric_add_at(metrics, METRIC_vote_missing_total, 0, 7);

    struct metrics *mirror = mirror_of(metrics);
    char *want = printed(metrics), *got = printed(mirror);
    ck_assert_str_eq(got, want);
    ck_assert_ptr_nonnull(strstr(got, "apm2_pg_up{node_id=\"n1\",service=\"consensus\"} 1\n"));
    free(want);
    free(got);
    metrics_destroy(&mirror);
}
END_TEST

static const char *const foreign_dumps[] = {
    "{}",
    "[]",
    "{\"names\":[\"x\\\"y\",7,\"n1\"],\"process\":{\"version\":\"9z\\\"\"}}",
    ("{\"names\":\"n1\",\"families\":{\"proposals_total\":{\"committed\":-4,\"stolen\":9},"
     "\"quorum_size\":\"many\",\"finality\":{\"buckets\":[1,2],\"sum\":\"x\"},\"no_such\":{}}}"),
};

START_TEST(a_foreign_dump_does_no_harm)
{
    json_t *dump = json_loads(foreign_dumps[_i], 0, NULL);
    metric_add(metrics, METRIC_proposals_total, LABEL_committed, 1);
    metrics_load(metrics, dump);
    json_decref(dump);
    ck_assert(
        prints("apm2_consensus_proposals_total{node_id=\"n1\",outcome=\"committed\"} 0\n", 0));
    ck_assert(prints("apm2_consensus_quorum_size{node_id=\"n1\"} 0\n", 0));
    ck_assert(!prints("x\"y", 0));
    ck_assert(!prints("9z", 0));
    ck_assert(!prints("stolen", 0));
}
END_TEST

/* promtool refuses a family that comes twice. */
START_TEST(two_services_share_a_head)
{
    struct metrics *other =
        metrics_new(&(struct metric_owner){CONF_SET_SCHEMA_REGISTRY, "n1", "schema-registry"});
    const struct metrics *const parts[] = {metrics, other};
    metric_set(other, METRIC_pg_up, 1);
    metrics_print_all(parts, 2, METRIC_FORMAT_TEXT, &text);
    const char *head = strstr(buf_str(&text), "# TYPE apm2_pg_up gauge\n");
    ck_assert_ptr_nonnull(head);
    ck_assert_ptr_null(strstr(head + 1, "# TYPE apm2_pg_up"));
    ck_assert_ptr_nonnull(strstr(head,
                                 "gauge\napm2_pg_up{node_id=\"n1\",service=\"consensus\"} 0\n"
                                 "apm2_pg_up{node_id=\"n1\",service=\"schema-registry\"} 1\n"));

    /* Of one that is gone nothing is left, but what it alone knows where that is wanted. */
    metrics_show(other, CONF_SET_SCHEMA_REGISTRY);
    buf_clear(&text);
    metrics_print_all(parts, 2, METRIC_FORMAT_TEXT, &text);
    ck_assert_ptr_null(strstr(buf_str(&text), "service=\"schema-registry\""));
    ck_assert_ptr_nonnull(strstr(buf_str(&text), "apm2_schema_registry_entries{"));
    metrics_show(other, 0);
    buf_clear(&text);
    metrics_print_all(parts, 2, METRIC_FORMAT_TEXT, &text);
    ck_assert_ptr_null(strstr(buf_str(&text), "apm2_schema_registry_entries"));
    metrics_destroy(&other);
}
END_TEST

START_TEST(durable_counts_are_taken_over)
{
    metric_count_to(metrics, METRIC_proposals_total, LABEL_committed, 812);
    metric_add(metrics, METRIC_proposals_total, LABEL_committed, 1);
    ck_assert_uint_eq(metric_count(metrics, METRIC_proposals_total, LABEL_committed), 813);
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
    tcase_add_test(tc, a_mirror_prints_the_same);
    tcase_add_loop_test(tc, a_foreign_dump_does_no_harm, 0, N_ELEMENTS(foreign_dumps));
    tcase_add_test(tc, two_services_share_a_head);
    tcase_add_test(tc, durable_counts_are_taken_over);
    tcase_add_test_raise_signal(tc, another_familys_label_is_our_bug, SIGABRT);
})
