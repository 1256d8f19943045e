/* canonical_json: RFC 8785 on the subset we sign. */
#include "tests/support/unit.h"

#include <unistd.h>

#include "common/canonical_json.h"

static const struct row {
    const char *label;
    const char *in;
    const char *want; /* NULL: refused */
} rows[] = {
    {"white space goes", " { \"b\" : [ 1 , 2 ] , \"a\" : null } ", "{\"a\":null,\"b\":[1,2]}"},
    {"nested objects are sorted too", "{\"z\":{\"b\":1,\"a\":2}}", "{\"z\":{\"a\":2,\"b\":1}}"},
    {"a prefix sorts first", "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}"},
    {"empty ones", "{\"a\":[],\"b\":{}}", "{\"a\":[],\"b\":{}}"},
    {"booleans", "[true,false,null]", "[true,false,null]"},
    {"short escapes", "[\"\\u0008\\u0009\\u000a\\u000c\\u000d\\u0022\\u005c\"]",
     "[\"\\b\\t\\n\\f\\r\\\"\\\\\"]"},
    {"other control characters", "[\"\\u0001\\u001F\\u007f\"]", "[\"\\u0001\\u001f\x7f\"]"},
    {"the solidus stays", "[\"\\/\"]", "[\"/\"]"},
    {"escaped and raw are one", "[\"\\u20ac\",\"\xe2\x82\xac\"]",
     "[\"\xe2\x82\xac\",\"\xe2\x82\xac\"]"},
    /* The RFC's own example of section 3.2.3. */
    {"UTF-16 order",
     "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,"
     "\"\\u00f6\":7}",
     "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
     "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}"},
    {"largest integers", "[9007199254740991,-9007199254740991]",
     "[9007199254740991,-9007199254740991]"},
    {"zero", "[0,-0]", "[0,0]"},
    {"2^53", "[9007199254740992]", NULL},
    {"-2^53", "[-9007199254740992]", NULL},
    {"a real", "[1.5]", NULL},
    {"a whole real", "{\"a\":{\"b\":1.0}}", NULL},
};

START_TEST(forms)
{
    const struct row *row = &rows[_i];
    json_t *value = json_loads(row->in, 0, NULL);
    ck_assert_msg(value != NULL, "%s: input", row->label);
    char *text = NULL;
    size_t size = 0;
    enum apm_err err = canonical_json(value, &text, &size);
    if (row->want == NULL) {
        ck_assert_msg(err == APM_ERR_BAD_INPUT, "%s: was accepted", row->label);
    } else {
        ck_assert_msg(err == APM_OK, "%s: refused", row->label);
        ck_assert_msg(strcmp(text, row->want) == 0, "%s: got %s", row->label, text);
        ck_assert_uint_eq(size, strlen(row->want));
    }
    free(text);
    json_decref(value);
}
END_TEST

START_TEST(one_member_can_be_left_out_at_the_top_only)
{
    json_t *value = json_loads("{\"s\":1,\"a\":{\"s\":2}}", 0, NULL);
    char *text = NULL;
    size_t size = 0;
    ck_assert_int_eq(canonical_json_without(value, "s", &text, &size), APM_OK);
    ck_assert_str_eq(text, "{\"a\":{\"s\":2}}");
    free(text);
    json_decref(value);
}
END_TEST

static json_t *nested(unsigned depth)
{
    json_t *value = json_null();
    for (unsigned i = 1; i < depth; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, value);
        value = outer;
    }
    return value;
}

START_TEST(depth_is_bounded)
{
    char *text = NULL;
    size_t size = 0;
    json_t *value = nested(CANONICAL_JSON_DEPTH_MAX);
    ck_assert_int_eq(canonical_json(value, &text, &size), APM_OK);
    free(text);
    json_decref(value);
    value = nested(CANONICAL_JSON_DEPTH_MAX + 1);
    ck_assert_int_eq(canonical_json(value, &text, &size), APM_ERR_BAD_INPUT);
    json_decref(value);
}
END_TEST

START_TEST(files)
{
    char path[] = "/tmp/apm2-json-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    const char twice[] = "{\"a\":1,\"a\":2}";
    ck_assert_int_eq(write(fd, twice, strlen(twice)), (ssize_t)strlen(twice));
    close(fd);
    struct why why;
    json_t *value = NULL;
    ck_assert_int_eq(json_read_file(path, 100, &value, &why), APM_ERR_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "line 1"));
    ck_assert_int_eq(json_read_file(path, 5, &value, &why), APM_ERR_TOO_LARGE);

    json_t *kept = json_pack("{s:i}", "b", 7);
    ck_assert_int_eq(json_write_file(path, kept, 0644, &why), APM_ERR_BUSY);
    unlink(path);
    ck_assert_int_eq(json_read_file(path, 100, &value, &why), APM_ERR_NOT_FOUND);
    ck_assert_int_eq(json_write_file(path, kept, 0644, &why), APM_OK);
    ck_assert_int_eq(json_read_file(path, 100, &value, &why), APM_OK);
    ck_assert(json_equal(value, kept));
    json_decref(value);
    json_decref(kept);
    unlink(path);
}
END_TEST

UNIT_MAIN("canonical_json", NULL, NULL, {
    tcase_add_loop_test(tc, forms, 0, (int)N_ELEMENTS(rows));
    tcase_add_test(tc, one_member_can_be_left_out_at_the_top_only);
    tcase_add_test(tc, depth_is_bounded);
    tcase_add_test(tc, files);
})
