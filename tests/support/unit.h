/*
 * unit - the frame every Check binary shares: one suite, one case, one main.
 *
 * libsodium picks its fast paths once, before the first fork; otherwise it hashes at a
 * fraction of its speed. Forking mode stays on, so that a broken MUST can be asserted as SIGABRT.
 */
#ifndef APM2_TESTS_UNIT_H
#define APM2_TESTS_UNIT_H

#include <check.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>

/* body adds tests to `tc`; setup runs before each, teardown after; NULL for none. */
#define UNIT_MAIN(suite_name, setup, teardown, body)                                               \
    int main(void)                                                                                 \
    {                                                                                              \
        if (sodium_init() < 0)                                                                     \
            return EXIT_FAILURE;                                                                   \
        Suite *suite = suite_create(suite_name);                                                   \
        TCase *tc = tcase_create(suite_name);                                                      \
        tcase_set_timeout(tc, 60);                                                                 \
        tcase_add_checked_fixture(tc, setup, teardown);                                            \
        body suite_add_tcase(suite, tc);                                                           \
        SRunner *runner = srunner_create(suite);                                                   \
        srunner_run_all(runner, CK_NORMAL);                                                        \
        int failed = srunner_ntests_failed(runner);                                                \
        srunner_free(runner);                                                                      \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                          \
    }

#endif
