#include "common/buf.h"
#include "common/log.h"
#include "tests/support/unit.h"

#include <jansson.h>
#include <unistd.h>

static int ends[2];
static struct buf seen;

/* The log writes into a pipe; `lines` reads what has arrived. */
static void piped(void)
{
    ck_assert_int_eq(pipe(ends), 0);
    buf_init(&seen, 1u << 20);
    log_init("apm2-test", "n1");
    log_set_fd(ends[1]);
}

static const char *lines(void)
{
    close(ends[1]);
    uint8_t chunk[4096];
    ssize_t size = 0;
    while ((size = read(ends[0], chunk, sizeof(chunk))) > 0) {
        buf_append(&seen, chunk, (size_t)size);
    }
    return buf_str(&seen);
}

/* What follows "event=": the part that does not depend on the time. */
static const char *after_event(void)
{
    const char *at = strstr(lines(), "event=");
    ck_assert_ptr_nonnull(at);
    return at;
}

START_TEST(a_line_has_its_head)
{
    LOG_INFO("term_entered", F_U64("term", 7), F_STR("leader", "n2"));
    const char *line = lines();
    ck_assert_int_eq(strncmp(line, "ts=20", 5), 0);
    ck_assert_ptr_nonnull(strstr(line, "Z level=info service=apm2-test node=n1 "
                                       "event=term_entered term=7 leader=n2\n"));
}
END_TEST

START_TEST(every_kind_of_field)
{
    struct hash hash = {{0xab, 0xcd}};
    LOG_WARN("e", F_I64("i", -3), F_F64("f", 0.25), F_BOOL("b", true), F_STR("none", NULL),
             F_SPAN("s", span_of("ab", 2)), F_HEX("x", span_of("\x01\xfe", 2)), F_HASH("h", &hash),
             F_ERR(APM_ERR_NO_SPACE));
    ck_assert_str_eq(
        after_event(),
        "event=e i=-3 f=0.25 b=true none=\"\" s=ab x=01fe h=abcd000000000000000000000000"
        "000000000000000000000000000000000000 error=\"no space left on device\"\n");
}
END_TEST

START_TEST(values_cannot_forge_fields_or_lines)
{
    LOG_INFO("e", F_STR("v", "x level=error\nts=0"), F_STR("w", "a=b"), F_STR("q", "\""),
             F_SPAN("z", span_of("\0\xff", 2)));
    ck_assert_str_eq(after_event(), "event=e v=\"x level=error\\nts=0\" w=\"a=b\" q=\"\\\"\" "
                                    "z=\"\\u0000\xef\xbf\xbd\"\n");
}
END_TEST

START_TEST(long_values_are_cut_and_lines_stay_whole)
{
    char text[4000];
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    LOG_INFO("e", F_STR("a", text), F_STR("b", text), F_STR("c", text), F_STR("d", text),
             F_STR("e", text), F_STR("f", text), F_STR("g", text), F_STR("h", text),
             F_STR("i", text), F_U64("last", 1));
    const char *line = lines();
    ck_assert_uint_le(seen.size, 8192);
    ck_assert_ptr_nonnull(strstr(line, "yyy... b="));
    ck_assert_ptr_nonnull(strstr(line, " last=1\n"));
    ck_assert_ptr_eq(strchr(line, '\n'), line + seen.size - 1);
}
END_TEST

START_TEST(levels_below_are_silent)
{
    LOG_DEBUG("no");
    log_set_level(LOG_LEVEL_WARN);
    LOG_INFO("no");
    LOG_WARN("yes");
    log_set_level(LOG_LEVEL_DEBUG);
    LOG_DEBUG("yes");
    ck_assert_ptr_null(strstr(lines(), "event=no"));
    ck_assert_ptr_nonnull(strstr(buf_str(&seen), "level=warn service=apm2-test node=n1 event=yes"));
    ck_assert_ptr_nonnull(
        strstr(buf_str(&seen), "level=debug service=apm2-test node=n1 event=yes"));
}
END_TEST

START_TEST(json_lines_parse)
{
    log_set_format(LOG_FORMAT_JSON);
    LOG_ERROR("odd", F_STR("v", "a\"b\n\xff"), F_U64("n", UINT64_C(1) << 53), F_BOOL("b", false),
              F_HEX("x", span_of("\x01", 1)), F_F64("nan", 0.0 / 0.0));
    json_error_t error;
    json_t *line = json_loads(lines(), 0, &error);
    ck_assert_msg(line != NULL, "%s: %s", error.text, buf_str(&seen));
    ck_assert_str_eq(json_string_value(json_object_get(line, "event")), "odd");
    ck_assert_str_eq(json_string_value(json_object_get(line, "v")), "a\"b\n\xef\xbf\xbd");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "n")), 1ll << 53);
    ck_assert_str_eq(json_string_value(json_object_get(line, "x")), "01");
    ck_assert(json_is_null(json_object_get(line, "nan")));
    json_decref(line);
}
END_TEST

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word)) {
        n++;
    }
    return n;
}

START_TEST(one_event_cannot_flood)
{
    for (int i = 0; i < 150; i++) {
        LOG_INFO("flood");
    }
    LOG_INFO("other");
    ck_assert_uint_eq(count(lines(), "event=flood"), 100);
    ck_assert_uint_eq(count(buf_str(&seen), "event=other"), 1);
}
END_TEST

START_TEST(debug_lines_are_never_left_out)
{
    log_set_level(LOG_LEVEL_DEBUG);
    for (int i = 0; i < 250; i++) {
        LOG_DEBUG("signed");
    }
    ck_assert_uint_eq(count(lines(), "event=signed"), 250);
}
END_TEST

START_TEST(what_was_suppressed_is_said)
{
    for (int i = 0; i < 107; i++) {
        LOG_WARN("flood");
    }
    log_flush(); /* too early: says nothing */
    sleep(10);
    log_flush();
    ck_assert_uint_eq(count(lines(), "event=flood"), 101);
    ck_assert_ptr_nonnull(strstr(buf_str(&seen), "event=flood suppressed=7\n"));
}
END_TEST

UNIT_MAIN("log", piped, NULL, {
    tcase_add_test(tc, a_line_has_its_head);
    tcase_add_test(tc, every_kind_of_field);
    tcase_add_test(tc, values_cannot_forge_fields_or_lines);
    tcase_add_test(tc, long_values_are_cut_and_lines_stay_whole);
    tcase_add_test(tc, levels_below_are_silent);
    tcase_add_test(tc, json_lines_parse);
    tcase_add_test(tc, one_event_cannot_flood);
    tcase_add_test(tc, debug_lines_are_never_left_out);
    tcase_add_test(tc, what_was_suppressed_is_said);
})
