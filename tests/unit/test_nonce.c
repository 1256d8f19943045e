#include "services/consensus/authority/nonce.h"

#include "tests/support/unit.h"

static uint64_t random_state = 7;

static uint32_t roll(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

START_TEST(a_nonce_counts_once_within_the_window)
{
    static struct nonce_window window;

    ck_assert(!nonce_is_used(&window, NONCE_WINDOW, 0));
    nonce_use(&window, 10);
    ck_assert(nonce_is_used(&window, NONCE_WINDOW, 10));
    ck_assert(!nonce_is_used(&window, NONCE_WINDOW, 9));
    nonce_use(&window, 9);
    ck_assert(nonce_is_used(&window, NONCE_WINDOW, 9));
    nonce_use(&window, 10 + NONCE_WINDOW);
    ck_assert(nonce_is_used(&window, NONCE_WINDOW, 10)); /* slid out */
    ck_assert(!nonce_is_used(&window, NONCE_WINDOW, 11));
    ck_assert(nonce_is_used(&window, 64, 11)); /* a smaller window in genesis */
    ck_assert(nonce_is_used(&window, NONCE_WINDOW, UINT64_MAX));
    nonce_use(&window, UINT64_MAX - 1);
    ck_assert_uint_eq(window.next, UINT64_MAX);
}
END_TEST

START_TEST(nonces_match_a_naive_set)
{
    static struct nonce_window window;
    static bool used[200000];
    uint64_t next = 0;

    for (uint32_t n = 0; n < 100000; n++) {
        uint64_t span = roll(5000) == 0 ? 5000 : 40;
        uint64_t low = next > 4200 ? next - 4200 : 0;
        uint64_t nonce = low + roll((uint32_t)(next - low + span));
        if (nonce >= N_ELEMENTS(used))
            break;
        bool is_used = used[nonce] || nonce + NONCE_WINDOW < next;
        ck_assert_int_eq(nonce_is_used(&window, NONCE_WINDOW, nonce), is_used);
        if (is_used)
            continue;
        nonce_use(&window, nonce);
        used[nonce] = true;
        next = nonce >= next ? nonce + 1 : next;
    }
    ck_assert_uint_gt(next, 4 * NONCE_WINDOW);
}
END_TEST

START_TEST(using_a_used_nonce_is_our_bug)
{
    static struct nonce_window window;
    nonce_use(&window, 3);
    nonce_use(&window, 3);
}
END_TEST

UNIT_MAIN("nonce", NULL, NULL, {
    tcase_add_test(tc, a_nonce_counts_once_within_the_window);
    tcase_add_test(tc, nonces_match_a_naive_set);
    tcase_add_test_raise_signal(tc, using_a_used_nonce_is_our_bug, SIGABRT);
})
