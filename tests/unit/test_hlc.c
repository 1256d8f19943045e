#include "common/hlc.h"

#include "tests/support/unit.h"

#define FULL HLC_COUNTER_MAX

/* observe: whether `remote` comes in; otherwise a local event. */
static const struct row {
    const char *label;
    struct hlc clock;
    bool observe;
    struct hlc remote;
    uint64_t wall_ms;
    enum hlc_verdict verdict;
    struct hlc want;
} rows[] = {
    {"the wall went on", {100, 7}, false, {0, 0}, 101, HLC_MERGED, {101, 0}},
    {"the wall stood", {100, 7}, false, {0, 0}, 100, HLC_MERGED, {100, 8}},
    {"the wall went back", {100, 7}, false, {0, 0}, 50, HLC_MERGED, {100, 8}},
    {"a full counter", {100, FULL}, false, {0, 0}, 100, HLC_MERGED, {101, 0}},
    {"remote behind", {100, 7}, true, {99, 50}, 100, HLC_MERGED, {100, 8}},
    {"remote ahead", {100, 7}, true, {150, 50}, 100, HLC_MERGED, {150, 51}},
    {"same wall, remote counts more", {100, 7}, true, {100, 9}, 100, HLC_MERGED, {100, 10}},
    {"same wall, we count more", {100, 7}, true, {100, 3}, 100, HLC_MERGED, {100, 8}},
    {"the wall is ahead of both", {100, 7}, true, {150, 50}, 200, HLC_MERGED, {200, 0}},
    {"a full remote counter", {100, 7}, true, {150, FULL}, 100, HLC_MERGED, {151, 0}},
    {"just within the skew", {100, 7}, true, {600, 0}, 100, HLC_MERGED, {600, 1}},
    {"just beyond it", {100, 7}, true, {601, 0}, 100, HLC_AHEAD, {100, 7}},
    {"far beyond it", {100, 7}, true, {HLC_WALL_MAX_MS, FULL}, 100, HLC_AHEAD, {100, 7}},
    {"no wall", {100, 7}, true, {HLC_WALL_MAX_MS + 1, 0}, 100, HLC_MALFORMED, {100, 7}},
    {"no counter", {100, 7}, true, {100, FULL + 1}, 100, HLC_MALFORMED, {100, 7}},
};

START_TEST(stamps)
{
    const struct row *row = &rows[_i];
    struct hlc clock = row->clock;
    enum hlc_verdict verdict = HLC_MERGED;

    if (row->observe)
        verdict = hlc_observe(&clock, row->remote, row->wall_ms);
    else
        (void)hlc_now(&clock, row->wall_ms);
    ck_assert_msg(verdict == row->verdict, "%s: %s", row->label, hlc_verdict_text(verdict));
    ck_assert_msg(hlc_cmp(clock, row->want) == 0, "%s: got %llu.%llu", row->label,
                  (unsigned long long)clock.wall_ms, (unsigned long long)clock.counter);
}
END_TEST

/* Two clocks with walls that jump: stamps rise, causes come before effects, and
 * no stamp runs further ahead of the fastest wall than a carried count. */
START_TEST(causes_come_first)
{
    struct hlc a = {0, 0};
    struct hlc b = {0, 0};

    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t wall_a = 1000 + i / 1000 + i % 7;
        uint64_t wall_b = 1000 + i / 1000;
        struct hlc before = a;
        struct hlc sent = hlc_now(&a, wall_a);
        ck_assert_int_gt(hlc_cmp(sent, before), 0);
        struct hlc b_before = b;
        ck_assert_int_eq(hlc_observe(&b, sent, wall_b), HLC_MERGED);
        ck_assert_int_gt(hlc_cmp(b, sent), 0);
        ck_assert_int_gt(hlc_cmp(b, b_before), 0);
        ck_assert_uint_le(b.wall_ms, wall_b + 6 + 1);
    }
}
END_TEST

UNIT_MAIN("hlc", NULL, NULL, {
    tcase_add_loop_test(tc, stamps, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, causes_come_first);
})
