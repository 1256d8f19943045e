/*
 * golden - what must not change by accident: compared with tests/golden/<name>.
 *
 * Under UPDATE_GOLDEN (scripts/golden) the file is written instead.
 */
#ifndef APM2_TESTS_GOLDEN_H
#define APM2_TESTS_GOLDEN_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN_LINE_MAX 16384u

static inline void golden_compare(const char *name, FILE *want, FILE *got)
{
    static char want_line[GOLDEN_LINE_MAX], got_line[GOLDEN_LINE_MAX];

    for (unsigned int n = 1;; n++) {
        const char *is = fgets(got_line, sizeof(got_line), got);
        const char *was = fgets(want_line, sizeof(want_line), want);
        if (is == NULL && was == NULL)
            return;
        ck_assert_msg(is != NULL && was != NULL && strcmp(is, was) == 0,
                      "tests/golden/%s:%u\n was %s\n is  %s", name, n, was ? was : "(the end)\n",
                      is ? is : "(the end)\n");
    }
}

static inline void golden_check(const char *name, void (*print)(FILE *out))
{
    char path[4096];
    const char *dir = getenv("GOLDEN_DIR");
    bool is_update = getenv("UPDATE_GOLDEN") != NULL;

    ck_assert_msg(dir != NULL, "GOLDEN_DIR is not set");
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *golden = fopen(path, is_update ? "w" : "r");
    ck_assert_msg(golden != NULL, "%s: %s", path, strerror(errno));
    if (is_update) {
        print(golden);
    } else {
        FILE *got = tmpfile();
        ck_assert_ptr_nonnull(got);
        print(got);
        rewind(got);
        golden_compare(name, golden, got);
        (void)fclose(got);
    }
    ck_assert_int_eq(fclose(golden), 0);
}

#endif
