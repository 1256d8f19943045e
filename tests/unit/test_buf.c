#include "common/buf.h"
#include "tests/support/unit.h"

#include <signal.h>

static struct buf buf;

static void sixteen(void)
{
    buf_init(&buf, 16);
}

START_TEST(holds_exactly_its_maximum)
{
    ck_assert(buf_text(&buf, "0123456789abcdef"));
    ck_assert(!buf.overflow);
    ck_assert_str_eq(buf_str(&buf), "0123456789abcdef");

    ck_assert(!buf_char(&buf, 'x'));
    ck_assert(buf.overflow);
    ck_assert_uint_eq(buf.size, 16);
}
END_TEST

START_TEST(what_does_not_fit_is_left_out_whole)
{
    ck_assert(buf_text(&buf, "0123456789"));
    ck_assert(!buf_printf(&buf, "%s", "abcdefg"));
    ck_assert(!buf_char(&buf, 'x')); /* sticky, though one byte would fit */
    ck_assert_str_eq(buf_str(&buf), "0123456789");

    buf_clear(&buf);
    ck_assert(buf_printf(&buf, "%d-%s", 7, "ok"));
    ck_assert_str_eq(buf_str(&buf), "7-ok");
}
END_TEST

START_TEST(an_empty_one_is_an_empty_string)
{
    ck_assert_str_eq(buf_str(&buf), "");
    ck_assert_uint_eq(buf_span(&buf).size, 0);
    buf_release(&buf);
    ck_assert_str_eq(buf_str(&buf), "");
}
END_TEST

START_TEST(consumes_from_the_front)
{
    buf_text(&buf, "headtail");
    buf_consume(&buf, 4);
    ck_assert_str_eq(buf_str(&buf), "tail");
    buf_consume(&buf, 4);
    ck_assert_str_eq(buf_str(&buf), "");
}
END_TEST

START_TEST(reserved_room_is_used_as_far_as_said)
{
    uint8_t *room = buf_reserve(&buf, 16);
    ck_assert_ptr_nonnull(room);
    memset(room, 'a', 3);
    buf_grow(&buf, 3);
    ck_assert_str_eq(buf_str(&buf), "aaa");
    ck_assert_ptr_null(buf_reserve(&buf, 14));
}
END_TEST

START_TEST(growing_past_the_room_is_our_bug)
{
    buf_reserve(&buf, 4);
    buf_grow(&buf, 4096);
}
END_TEST

START_TEST(grows_far_beyond_its_first_size)
{
    buf_init(&buf, 1u << 20);
    for (int i = 0; i < 100000; i++) {
        ck_assert(buf_append(&buf, "0123456789", 10));
    }
    ck_assert_uint_eq(buf.size, 1000000);
    ck_assert_mem_eq(buf.data + 999990, "0123456789", 11);
    buf_release(&buf);
}
END_TEST

static const struct json_row {
    const char *text;
    const char *want;
} json_rows[] = {
    {"plain", "\"plain\""},
    {"", "\"\""},
    {"say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""},
    {"a\nb\tc\rd\x01", "\"a\\nb\\tc\\rd\\u0001\""},
    {"\x7f", "\"\\u007f\""},
    {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
    {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
    {"\xff!", "\"\xef\xbf\xbd!\""},
    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong '/' */
    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
    {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* cut off */
};

START_TEST(json_strings)
{
    const struct json_row *row = &json_rows[_i];
    buf_init(&buf, 256);
    buf_json_string(&buf, span_of(row->text, strlen(row->text)));
    ck_assert_str_eq(buf_str(&buf), row->want);
}
END_TEST

START_TEST(hexadecimal)
{
    ck_assert(buf_hex(&buf, span_of("\x00\xff\x0a", 3)));
    ck_assert_str_eq(buf_str(&buf), "00ff0a");
    ck_assert(!buf_hex(&buf, span_of("123456", 6)));
    ck_assert_str_eq(buf_str(&buf), "00ff0a");
}
END_TEST

UNIT_MAIN("buf", sixteen, NULL, {
    tcase_add_test(tc, holds_exactly_its_maximum);
    tcase_add_test(tc, what_does_not_fit_is_left_out_whole);
    tcase_add_test(tc, an_empty_one_is_an_empty_string);
    tcase_add_test(tc, consumes_from_the_front);
    tcase_add_test(tc, reserved_room_is_used_as_far_as_said);
    tcase_add_test_raise_signal(tc, growing_past_the_room_is_our_bug, SIGABRT);
    tcase_add_test(tc, grows_far_beyond_its_first_size);
    tcase_add_loop_test(tc, json_strings, 0, N_ELEMENTS(json_rows));
    tcase_add_test(tc, hexadecimal);
})
