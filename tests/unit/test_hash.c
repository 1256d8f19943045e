#include "common/hash.h"

#include "common/err.h"
#include "tests/support/unit.h"

/* BLAKE2b-256 of the empty string and of "abc", from an implementation apart. */
#define EMPTY_HEX "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
#define ABC_HEX "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"

static const struct row {
    const char *text;
    const char *hex;
} rows[] = {{"", EMPTY_HEX}, {"abc", ABC_HEX}};

START_TEST(known_hashes)
{
    struct hash hash = hash_bytes(span_of(rows[_i].text, strlen(rows[_i].text)));
    ck_assert_str_eq(hash_to_text(&hash).text, rows[_i].hex);
}
END_TEST

START_TEST(a_tag_is_hashed_with_its_zero)
{
    const struct span parts[] = {span_of("ab", 2), {NULL, 0}, span_of("c", 1)};
    struct hash tagged = hash_tagged("t", parts, N_ELEMENTS(parts));
    struct hash whole = hash_bytes(span_of("t\0abc", 5));
    struct hash alone = hash_tagged("tabc", NULL, 0);
    struct hash alone_whole = hash_bytes(span_of("tabc\0", 5));

    ck_assert(hash_eq(&tagged, &whole));
    ck_assert(hash_eq(&alone, &alone_whole));
    ck_assert(!hash_eq(&tagged, &alone));
}
END_TEST

START_TEST(hex_both_ways)
{
    static const uint8_t bytes[] = {0x00, 0x9a, 0xff};
    uint8_t back[3] = {0};
    char text[7];

    hex_encode(bytes, sizeof(bytes), text);
    ck_assert_str_eq(text, "009aff");
    ck_assert(hex_decode("009AfF", 3, back));
    ck_assert_mem_eq(back, bytes, sizeof(bytes));
}
END_TEST

static const char *const bad_hex[] = {"",       "009af",  "009aff0", "009aff00",
                                      "009afg", "009a f", "0x9aff"};

START_TEST(bad_hex_is_refused)
{
    uint8_t out[3] = {1, 2, 3};

    ck_assert(!hex_decode(bad_hex[_i], 3, out));
    ck_assert_uint_eq(out[0], 1);
}
END_TEST

START_TEST(errors_have_names_texts_and_codes)
{
    ck_assert_str_eq(apm_err_name(APM_ERR_NO_SPACE), "NO_SPACE");
    ck_assert_str_eq(apm_err_text(APM_ERR_NO_SPACE), "no space left on device");
    ck_assert_int_eq(apm_err_exit(APM_ERR_USAGE), 64);
    ck_assert_int_eq(apm_err_exit(APM_OK), 0);
}
END_TEST

START_TEST(no_such_error_is_our_bug)
{
    (void)apm_err_name(APM_ERR_END);
}
END_TEST

UNIT_MAIN("hash", NULL, NULL, {
    tcase_add_loop_test(tc, known_hashes, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, a_tag_is_hashed_with_its_zero);
    tcase_add_test(tc, hex_both_ways);
    tcase_add_loop_test(tc, bad_hex_is_refused, 0, N_ELEMENTS(bad_hex));
    tcase_add_test(tc, errors_have_names_texts_and_codes);
    tcase_add_test_raise_signal(tc, no_such_error_is_our_bug, SIGABRT);
})
