#include "services/cli/top_text.h"
#include "tests/support/unit.h"

static struct buf text;
static json_t *overview;

static const char answer[] =
    "{\"node_id\":\"n1\",\"taken_ms\":100000,\"health\":\"degraded\","
    "\"reasons\":[{\"level\":\"degraded\",\"text\":\"validator n2 is not heard from\","
    "\"command\":\"apm2 consensus validators\"}],"
    "\"services\":[{\"service\":\"consensus\",\"up\":true,\"ready\":true,\"uptime_ms\":5000},"
    "{\"service\":\"anti-entropy\",\"up\":false}],"
    "\"consensus\":{\"height\":12,\"term\":3,\"leader_id\":\"n1\",\"active_validators\":1,"
    "\"validator_count\":2,\"quorum_threshold\":2,\"why\":\"waits for n2\","
    "\"validators\":[{\"id\":\"n1\",\"index\":0,\"role\":\"leader\",\"self\":true,"
    "\"active\":true,\"height\":12,\"votes\":\"xx x\"},"
    "{\"id\":\"n2\",\"index\":1,\"role\":\"follower\",\"active\":false,\"height\":2,"
    "\"last_seen_ms\":40000,\"missed_votes\":2,\"votes\":\"x...\"}],"
    "\"votes\":{\"first_height\":9,\"authors\":[1,0,0,0]}},"
    "\"evidence\":{\"newest\":[{\"id\":\"ab\",\"fault_type\":\"replay\","
    "\"validator_id\":\"n2\"}]},"
    "\"history\":{\"latency_p50_ms\":[null,4.5],\"commits\":[0,1,8]}}";

static void answered(void)
{
    buf_init(&text, 1u << 16);
    overview = json_loads(answer, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(overview);
}

static void released(void)
{
    json_decref(overview);
    buf_release(&text);
}

static const char *shown(bool has_colour, bool is_utf8, uint32_t columns)
{
    const struct top_style style = {has_colour, is_utf8, columns};
    buf_clear(&text);
    top_text(overview, &style, &text);
    ck_assert(!text.overflow);
    return buf_str(&text);
}

static bool shows(const char *part)
{
    return strstr(buf_str(&text), part) != NULL;
}

START_TEST(says_what_the_page_says)
{
    (void)shown(false, false, 58);
    ck_assert(shows("n1  degraded\n"));
    ck_assert(shows("validator n2 is not heard from  -> apm2 consensus validators\n"));
    ck_assert(shows("replay by n2  -> apm2 consensus byzantine-evidence ack ab --reason"));
    ck_assert(shows("height 12  term 3  leader n1  active 1 of 2, quorum 2"));
    ck_assert(shows("waits for n2\n"));
    ck_assert(shows("n1           leader        |# # this node"));
    ck_assert(shows("n2           follower      #... 60s ago        10      2\n"));
    ck_assert(shows("anti-entropy       does not answer\n"));
    ck_assert(shows("finalization p50      4.5 ms"));
}
END_TEST

START_TEST(a_pipe_gets_neither_colours_nor_curves)
{
    for (const char *at = shown(false, false, 100); *at != 0; at++)
        ck_assert_msg((unsigned char)*at >= 0x20 ? (unsigned char)*at < 0x7f : *at == '\n',
                      "byte %d", *at);
    (void)shown(true, true, 100);
    ck_assert(shows("\033[33mdegraded\033[0m"));
    ck_assert(shows("\u2588")); /* the highest point */
}
END_TEST

/* What a service says must not move the cursor. */
START_TEST(escape_codes_do_not_pass)
{
    json_object_set_new(overview, "node_id", json_string("n1\033[2J\x7f\n"));
    (void)shown(false, false, 100);
    ck_assert(!shows("\033"));
    ck_assert(shows("n1 [2J    degraded\n"));
}
END_TEST

START_TEST(a_narrow_terminal_cuts_the_strip)
{
    json_t *validators = json_object_get(json_object_get(overview, "consensus"), "validators");
    char votes[61];
    memset(votes, '.', 60);
    votes[60] = 0;
    votes[59] = 'x';
    json_object_set_new(json_array_get(validators, 1), "votes", json_string(votes));
    (void)shown(false, false, 0);
    ck_assert(shows("follower  .......| 60s")); /* the newest eight */
    (void)shown(false, false, 500);
    ck_assert(strlen(strstr(buf_str(&text), "...")) > 60);
}
END_TEST

static const char *const odd_answers[] = {"{}", "[]", "{\"consensus\":{\"validators\":[7,{}]}}",
                                          "{\"reasons\":[7],\"services\":{},\"history\":[]}"};

START_TEST(odd_answers_do_no_harm)
{
    json_decref(overview);
    overview = json_loads(odd_answers[_i], 0, NULL);
    (void)shown(true, true, 80);
}
END_TEST

UNIT_MAIN("top_text", answered, released, {
    tcase_add_test(tc, says_what_the_page_says);
    tcase_add_test(tc, a_pipe_gets_neither_colours_nor_curves);
    tcase_add_test(tc, escape_codes_do_not_pass);
    tcase_add_test(tc, a_narrow_terminal_cuts_the_strip);
    tcase_add_loop_test(tc, odd_answers_do_no_harm, 0, N_ELEMENTS(odd_answers));
})
