#include "services/consensus/waiters.h"

#include "tests/support/unit.h"

#define MAX 8

static struct waiters *waiters;

static void eight(void)
{
    waiters = waiters_new(MAX);
}

/* Ids of one `chain` meet in one hash chain: they differ behind its bytes. */
static struct hash id_of(uint8_t chain, uint8_t which)
{
    struct hash id = {{chain}};
    id.b[31] = which;
    return id;
}

static void hang(uint8_t chain, uint8_t which, uint64_t request)
{
    struct hash id = id_of(chain, which);
    struct waiter *waiter = waiters_take(waiters);
    ck_assert_ptr_nonnull(waiter);
    waiter->client.request = request;
    waiters_hang(waiters, waiter, &id);
}

/* The requests claimed for one bundle, as bits. */
static uint64_t claim_all(uint8_t chain, uint8_t which)
{
    struct hash id = id_of(chain, which);
    struct waiter waiter;
    uint64_t requests = 0;

    while (waiters_claim(waiters, &id, &waiter)) {
        ck_assert(hash_eq(&waiter.bundle, &id));
        ck_assert_uint_eq(requests & (UINT64_C(1) << waiter.client.request), 0);
        requests |= UINT64_C(1) << waiter.client.request;
    }
    return requests;
}

START_TEST(an_outcome_claims_all_who_wait_and_no_others)
{
    hang(1, 1, 0);
    hang(1, 2, 1);
    hang(1, 1, 2);
    hang(1, 3, 3);
    hang(2, 1, 4);
    ck_assert_uint_eq(claim_all(1, 9), 0);
    ck_assert_uint_eq(claim_all(1, 1), 1u << 0 | 1u << 2);
    ck_assert_uint_eq(claim_all(1, 1), 0);
    ck_assert_uint_eq(waiters_count(waiters), 3);
    ck_assert_uint_eq(claim_all(1, 3), 1u << 3);
    ck_assert_uint_eq(claim_all(1, 2), 1u << 1);
    ck_assert_uint_eq(claim_all(2, 1), 1u << 4);
    ck_assert_uint_eq(waiters_count(waiters), 0);
}
END_TEST

START_TEST(places_end_and_come_back)
{
    for (uint8_t round = 0; round < 5; round++) {
        struct waiter *last = NULL;
        for (uint8_t i = 0; i + 1 < MAX; i++)
            hang(i, round, i);
        last = waiters_take(waiters);
        ck_assert_ptr_nonnull(last);
        ck_assert_ptr_null(waiters_take(waiters));
        ck_assert_uint_eq(waiters_count(waiters), MAX);
        ck_assert_ptr_eq(waiters_at(waiters, waiters_index(waiters, last)), last);
        waiters_give_back(waiters, last);
        for (uint8_t i = 0; i + 1 < MAX; i++)
            ck_assert_uint_eq(claim_all(i, round), UINT64_C(1) << i);
        ck_assert_uint_eq(waiters_count(waiters), 0);
    }
}
END_TEST

START_TEST(a_taken_one_is_clean)
{
    hang(1, 1, 5);
    ck_assert_uint_eq(claim_all(1, 1), 1u << 5);
    struct waiter *again = waiters_take(waiters);
    ck_assert_uint_eq(again->client.request, 0);
    ck_assert_int_eq(again->client.kind, CLIENT_NONE);
}
END_TEST

START_TEST(an_index_never_taken_is_our_bug)
{
    (void)waiters_at(waiters, 0);
}
END_TEST

UNIT_MAIN("waiters", eight, NULL, {
    tcase_add_test(tc, an_outcome_claims_all_who_wait_and_no_others);
    tcase_add_test(tc, places_end_and_come_back);
    tcase_add_test(tc, a_taken_one_is_clean);
    tcase_add_test_raise_signal(tc, an_index_never_taken_is_our_bug, SIGABRT);
})
