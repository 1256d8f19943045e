#include "services/metrics-exporter/history.h"
#include "tests/support/unit.h"

#include <math.h>

static struct history history;
static struct history_sample sample;

static void empty(void)
{
    memset(&history, 0, sizeof(history));
    memset(&sample, 0, sizeof(sample));
}

static void commit_by(uint64_t now_ms, uint64_t n)
{
    sample.commits += n;
    history_add(&history, &sample, now_ms);
}

START_TEST(growth_goes_to_its_half_minute)
{
    commit_by(1000, 5); /* what was before the exporter is no growth */
    commit_by(2000, 3);
    commit_by(1000 + HISTORY_BIN_MS, 4);
    ck_assert_uint_eq(history_n(&history), 2);
    ck_assert_uint_eq(history_at(&history, 0)->commits, 4);
    ck_assert_uint_eq(history_at(&history, 1)->commits, 3);
}
END_TEST

START_TEST(silence_leaves_empty_bins)
{
    commit_by(0, 1);
    commit_by(10 * HISTORY_BIN_MS, 9);
    ck_assert_uint_eq(history_n(&history), 11);
    for (uint32_t age = 1; age < 11; age++)
        ck_assert_uint_eq(history_at(&history, age)->commits, 0);
    ck_assert_uint_eq(history_at(&history, 0)->commits, 9);
}
END_TEST

START_TEST(an_hour_is_kept_and_no_more)
{
    struct history_bin sum;
    for (uint64_t i = 0; i < 500; i++)
        commit_by(i * HISTORY_BIN_MS, 1);
    ck_assert_uint_eq(history_n(&history), HISTORY_BINS);
    history_sum(&history, HISTORY_BINS, &sum);
    ck_assert_uint_eq(sum.commits, HISTORY_BINS);
    /* A week's sleep is a jump, not a loop over a week. */
    commit_by(UINT64_C(20000000) * HISTORY_BIN_MS, 2);
    history_sum(&history, HISTORY_BINS, &sum);
    ck_assert_uint_eq(sum.commits, 2);
}
END_TEST

START_TEST(a_restarted_service_begins_anew)
{
    struct history_bin sum;
    sample.elections = 40;
    commit_by(0, 100);
    sample.elections = 0;
    sample.commits = 0;
    history_add(&history, &sample, 1000); /* it is loading: nothing is known */
    commit_by(2000, 101);
    sample.elections = 2;
    commit_by(3000, 0);
    history_sum(&history, HISTORY_BINS, &sum);
    ck_assert_uint_eq(sum.commits, 1);
    ck_assert_uint_eq(sum.elections, 2);
}
END_TEST

START_TEST(an_exporter_that_starts_with_it_counts_no_old_blocks)
{
    struct history_bin sum;
    history_add(&history, &sample, 0);
    commit_by(1000, 812);
    history_sum(&history, HISTORY_BINS, &sum);
    ck_assert_uint_eq(sum.commits, 0);
}
END_TEST

START_TEST(latency_is_of_the_bin)
{
    commit_by(0, 1);
    ck_assert(isnan(history_latency(history_at(&history, 0), 0.5)));
    sample.latency[0] = 90; /* up to 10 ms */
    sample.latency[5] = 10; /* 250 to 500 ms */
    commit_by(1000, 1);
    ck_assert_double_eq_tol(history_latency(history_at(&history, 0), 0.5), 0.01 * 50 / 90, 1e-9);
    ck_assert_double_eq_tol(history_latency(history_at(&history, 0), 0.99), 0.25 + 0.25 * 0.9,
                            1e-9);
}
END_TEST

UNIT_MAIN("history", empty, NULL, {
    tcase_add_test(tc, growth_goes_to_its_half_minute);
    tcase_add_test(tc, silence_leaves_empty_bins);
    tcase_add_test(tc, an_hour_is_kept_and_no_more);
    tcase_add_test(tc, a_restarted_service_begins_anew);
    tcase_add_test(tc, an_exporter_that_starts_with_it_counts_no_old_blocks);
    tcase_add_test(tc, latency_is_of_the_bin);
})
