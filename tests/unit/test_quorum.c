#include "tests/support/unit.h"

#include "common/cert/cert.h"

START_TEST(two_quorums_share_an_honest_validator)
{
    uint32_t n = (uint32_t)_i;
    uint32_t f = faulty_max(n);
    uint32_t q = quorum_size(n);

    ck_assert_uint_lt(3 * f, n);
    ck_assert_uint_ge(3 * (f + 1), n);
    ck_assert_uint_le(q, n - f);     /* live: the honest ones suffice */
    ck_assert_uint_gt(q + q, n + f); /* safe: the overlap exceeds the faulty */
}
END_TEST

START_TEST(every_validator_leads_once_in_n_terms)
{
    struct validator_set set = {.n = (uint32_t)_i, .offset = UINT64_MAX - 3};
    bool led[VALIDATORS_MAX] = {false};

    /* Around the wrap of offset + term, too. */
    for (uint64_t term = 1; term <= set.n; term++) {
        uint32_t leader = scheduled_leader(&set, term);
        ck_assert_uint_lt(leader, set.n);
        ck_assert(!led[leader]);
        led[leader] = true;
    }
}
END_TEST

START_TEST(the_schedule_starts_at_the_offset)
{
    const struct validator_set set = {.n = 7, .offset = 5};

    ck_assert_uint_eq(scheduled_leader(&set, 0), 5);
    ck_assert_uint_eq(scheduled_leader(&set, 1), 6);
    ck_assert_uint_eq(scheduled_leader(&set, 2), 0);
}
END_TEST

START_TEST(no_validators_is_our_bug)
{
    (void)quorum_size(0);
}
END_TEST

UNIT_MAIN("quorum", NULL, NULL, {
    tcase_add_loop_test(tc, two_quorums_share_an_honest_validator, 1, VALIDATORS_MAX + 1);
    tcase_add_loop_test(tc, every_validator_leads_once_in_n_terms, 1, VALIDATORS_MAX + 1);
    tcase_add_test(tc, the_schedule_starts_at_the_offset);
    tcase_add_test_raise_signal(tc, no_validators_is_our_bug, SIGABRT);
})
