#include "services/anti-entropy/asks.h"

#include "common/clock.h"
#include "tests/support/unit.h"

#define QUICK_MS 20u

static struct asks asks;
static uint64_t now_ms;

static void clear(void)
{
    asks = (struct asks){.usual_ms = 0};
    now_ms = 5000;
}

static void ask(uint32_t peer, uint64_t request)
{
    const struct ask ask = {
        .request = request, .from = request * 128, .to = request * 128 + 127, .asked_ms = now_ms};
    asks_add(&asks, peer, &ask);
}

static void answer(uint32_t peer, uint64_t request)
{
    struct ask ask;
    ck_assert(asks_answered(&asks, peer, request, now_ms, &ask));
    ck_assert_uint_eq(ask.from, request * 128);
}

static enum ask_due due(uint32_t *ret_peer)
{
    struct ask ask;
    return asks_due(&asks, now_ms, ret_peer, &ask);
}

/* Many quick answers of peer 0. */
static void learn(uint64_t took_ms)
{
    for (uint64_t i = 1; i <= 100; i++) {
        ask(0, i);
        now_ms += took_ms;
        answer(0, i);
    }
}

START_TEST(a_peer_owes_so_much_and_no_more)
{
    struct ask got;
    for (uint64_t i = 1; i <= ASKS_PER_PEER; i++) {
        ck_assert(asks_may(&asks, 3));
        ask(3, i);
    }
    ck_assert(!asks_may(&asks, 3));
    ck_assert(asks_may(&asks, 2));
    ck_assert(!asks_answered(&asks, 2, 1, now_ms, &got)); /* it was not asked */
    answer(3, 2);
    ck_assert(!asks_answered(&asks, 3, 2, now_ms, &got)); /* once */
    ck_assert(asks_may(&asks, 3));
}
END_TEST

START_TEST(what_is_late_is_told_once_and_then_lost)
{
    uint32_t peer = 0;
    ask(1, 7);
    ck_assert_uint_eq(asks_deadline_ms(&asks), now_ms + ASK_LATE_MIN_MS);
    now_ms += ASK_LATE_MIN_MS - 1;
    ck_assert_int_eq(due(&peer), ASK_NOT_DUE);
    now_ms += 1;
    ck_assert_int_eq(due(&peer), ASK_LATE);
    ck_assert_uint_eq(peer, 1);
    ck_assert_int_eq(due(&peer), ASK_NOT_DUE);
    ck_assert(!asks_may(&asks, 1)); /* nothing new for one that is late */
    now_ms = 5000 + ASK_LOST_MS;
    ck_assert_uint_eq(asks_deadline_ms(&asks), now_ms);
    ck_assert_int_eq(due(&peer), ASK_LOST);
    ck_assert_int_eq(due(&peer), ASK_NOT_DUE);
    ck_assert(asks_may(&asks, 1));
    ck_assert_uint_eq(asks_deadline_ms(&asks), CLOCK_NEVER);
}
END_TEST

START_TEST(a_late_answer_still_counts)
{
    uint32_t peer;
    ask(1, 7);
    now_ms += ASK_LOST_MS - 1;
    ck_assert_int_eq(due(&peer), ASK_LATE);
    answer(1, 7);
    ck_assert(asks_may(&asks, 1));
    now_ms += ASK_LOST_MS;
    ck_assert_int_eq(due(&peer), ASK_NOT_DUE);
}
END_TEST

START_TEST(where_all_are_slow_none_is_late)
{
    uint32_t peer;
    learn(700);
    ck_assert_uint_ge(asks.usual_ms, 650);
    ask(1, 7);
    now_ms += 1400;
    ck_assert_int_eq(due(&peer), ASK_NOT_DUE);
}
END_TEST

START_TEST(one_that_drips_does_not_make_slow_usual)
{
    learn(QUICK_MS);
    for (uint64_t i = 1; i <= 5; i++) {
        uint32_t peer;
        ask(1, i);
        now_ms += ASK_LOST_MS - 1;
        ck_assert_int_eq(due(&peer), ASK_LATE);
        answer(1, i);
    }
    ck_assert_uint_le(asks.usual_ms * 4, ASK_LATE_MIN_MS * 2);
}
END_TEST

START_TEST(what_is_excused_is_lost_sooner)
{
    struct ask got;
    uint32_t peer;
    ask(1, 7);
    asks_excuse(&asks, 1);
    ask(1, 8);
    ask(2, 9);
    now_ms += ASK_EXCUSED_MS;
    ck_assert_int_eq(asks_due(&asks, now_ms, &peer, &got), ASK_LOST);
    ck_assert_uint_eq(got.request, 7);
    ck_assert(got.is_excused);
    ck_assert_int_eq(asks_due(&asks, now_ms, &peer, &got), ASK_LATE);
    ck_assert(!got.is_excused); /* asked since */
    ck_assert_int_eq(due(&peer), ASK_LATE);
    ck_assert_int_eq(due(&peer), ASK_NOT_DUE);
    answer(2, 9);
}
END_TEST

START_TEST(dropped_asks_are_nobodys_fault)
{
    uint32_t peer;
    ask(1, 7);
    asks_drop(&asks);
    now_ms += ASK_LOST_MS;
    ck_assert_int_eq(due(&peer), ASK_NOT_DUE);
}
END_TEST

UNIT_MAIN("asks", clear, NULL, {
    tcase_add_test(tc, a_peer_owes_so_much_and_no_more);
    tcase_add_test(tc, what_is_late_is_told_once_and_then_lost);
    tcase_add_test(tc, a_late_answer_still_counts);
    tcase_add_test(tc, where_all_are_slow_none_is_late);
    tcase_add_test(tc, one_that_drips_does_not_make_slow_usual);
    tcase_add_test(tc, what_is_excused_is_lost_sooner);
    tcase_add_test(tc, dropped_asks_are_nobodys_fault);
})
