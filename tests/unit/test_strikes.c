#include "services/anti-entropy/strikes.h"

#include "tests/support/unit.h"

static struct strikes strikes;

static void clear(void)
{
    strikes = (struct strikes){0};
}

START_TEST(each_strike_doubles_the_pause)
{
    uint64_t now_ms = 1000;
    uint64_t pause_ms = STRIKE_BASE_MS;

    for (unsigned i = 0; i < 12; i++) {
        strikes_add(&strikes, 2, STRIKE_BAD_BLOCKS, now_ms);
        ck_assert(strikes_is_out(&strikes, 2, now_ms + pause_ms - 1));
        ck_assert(!strikes_is_out(&strikes, 2, now_ms + pause_ms));
        pause_ms = pause_ms * 2 < STRIKE_MAX_MS ? pause_ms * 2 : STRIKE_MAX_MS;
    }
    ck_assert(!strikes_is_out(&strikes, 1, now_ms));
    ck_assert_uint_eq(strikes.peers[2].total, 12);
    ck_assert_str_eq(strike_text(strikes.peers[2].last), "bad_blocks");
}
END_TEST

START_TEST(right_answers_forgive_but_are_not_forgotten)
{
    strikes_add(&strikes, 0, STRIKE_SLOW, 0);
    strikes_add(&strikes, 0, STRIKE_SLOW, 0);
    strikes_forgive(&strikes, 0);
    strikes_forgive(&strikes, 0);
    strikes_forgive(&strikes, 0);
    strikes_add(&strikes, 0, STRIKE_SLOW, 100000);
    ck_assert(!strikes_is_out(&strikes, 0, 100000 + STRIKE_BASE_MS));
    ck_assert_uint_eq(strikes.peers[0].total, 3);
}
END_TEST

UNIT_MAIN("strikes", clear, NULL, {
    tcase_add_test(tc, each_strike_doubles_the_pause);
    tcase_add_test(tc, right_answers_forgive_but_are_not_forgotten);
})
