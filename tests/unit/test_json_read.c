#include "common/json_read.h"

#include "common/limits.h"
#include "tests/support/unit.h"

#define TEXT_BYTES (256u * KIB)

/* n times `unit` between the brackets, the last comma left out. */
static char *repeated(const char *unit, size_t n)
{
    size_t size = strlen(unit);
    char *text = malloc(n * size + 2);

    ck_assert_ptr_nonnull(text);
    text[0] = '[';
    for (size_t i = 0; i < n; i++)
        memcpy(text + 1 + i * size, unit, size);
    text[n * size] = ']';
    text[n * size + 1] = 0;
    return text;
}

static const struct row {
    const char *unit;
    enum apm_err want;
} rows[] = {
    {"[],", APM_ERR_TOO_LARGE},
    {"{},", APM_ERR_TOO_LARGE},
    {"1,", APM_ERR_TOO_LARGE},
    {"\"\",", APM_ERR_TOO_LARGE},
    {"{\"a\":1},", APM_ERR_TOO_LARGE},
    {"\"brackets in strings weigh nothing: [[[[[[{{{{{{,,,,,,::::::\",", APM_OK},
    {"\"an escaped quote \\\" does not end it [[[[[[{{{{{{,,,,,,::::::\",", APM_OK},
    {"\"64 hex digits and more, as keys and digests have: 0123456789abcdef\",", APM_OK},
};

START_TEST(a_text_is_weighed_before_it_is_parsed)
{
    char *text = repeated(rows[_i].unit, TEXT_BYTES / strlen(rows[_i].unit));
    struct why why = {""};
    json_t *json = NULL;

    ck_assert_int_eq(json_read(span_of(text, strlen(text)), &json, &why), rows[_i].want);
    ck_assert((json != NULL) == (rows[_i].want == APM_OK));
    ck_assert((why.text[0] != 0) == (rows[_i].want != APM_OK));
    json_decref(json);
    free(text);
}
END_TEST

START_TEST(small_texts_may_be_anything)
{
    char *text = repeated("[],", 200);
    struct why why = {""};
    json_t *json = NULL;

    ck_assert_int_eq(json_read(span_of(text, strlen(text)), &json, &why), APM_OK);
    ck_assert_uint_eq(json_array_size(json), 200);
    json_decref(json);
    free(text);
}
END_TEST

static const char *const bad[] = {"", "{", "{\"a\": 1, \"a\": 2}", "[1] 2", "nul"};

START_TEST(what_is_no_json_is_refused_with_a_place)
{
    struct why why = {""};
    json_t *json = NULL;

    ck_assert_int_eq(json_read(span_of(bad[_i], strlen(bad[_i])), &json, &why), APM_ERR_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "line 1"));
}
END_TEST

UNIT_MAIN("json_read", NULL, NULL, {
    tcase_add_loop_test(tc, a_text_is_weighed_before_it_is_parsed, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, small_texts_may_be_anything);
    tcase_add_loop_test(tc, what_is_no_json_is_refused_with_a_place, 0, N_ELEMENTS(bad));
})
