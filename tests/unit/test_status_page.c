/* What is made of a snapshot: the page and its JSON; and a snapshot of what services say. */
#include "services/metrics-exporter/html.h"
#include "services/metrics-exporter/page.h"
#include "services/metrics-exporter/status_json.h"
#include "tests/support/exporter.h"
#include "tests/support/unit.h"

static struct snapshot snapshot;
static struct history history;
static struct verdict verdict;
static struct buf text;

static void well(void)
{
    struct history_sample sample = {.commits = 1};

    snapshot_well(&snapshot, 4, 60);
    memset(&history, 0, sizeof(history));
    history_add(&history, &sample, 0);
    buf_init(&text, 1u << 20);
}

static const char *page(void)
{
    verdict_reach(&snapshot, &history, &verdict);
    buf_clear(&text);
    page_print(&snapshot, &verdict, &history, &text);
    ck_assert(!text.overflow);
    return buf_str(&text);
}

static json_t *status(void)
{
    verdict_reach(&snapshot, &history, &verdict);
    buf_clear(&text);
    status_json(&snapshot, &verdict, &history, &text);
    json_error_t error;
    json_t *json = json_loads(buf_str(&text), JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, buf_str(&text));
    return json;
}

#define HAS(part) ck_assert_msg(strstr(html, part) != NULL, "no %s", part)
#define LACKS(part) ck_assert_msg(strstr(html, part) == NULL, "%s", part)

START_TEST(a_healthy_node_says_so_in_words)
{
    const char *html = page();
    HAS("<title>healthy \xc2\xb7 n1 \xc2\xb7 APM2</title>");
    HAS("<span>healthy</span></h1>");
    HAS("All 4 validators take part");
    HAS("Block 812 is final and nothing waits.");
    HAS("aria-label=\"n2 voted for 60 of 60 blocks\"");
    HAS("Votes for blocks 753 to 812");
    HAS("<meta http-equiv=refresh content=5>");
    LACKS("class=why>");
    LACKS("class=alarm");
    LACKS("<script");
    LACKS("http://");
    LACKS("https://");
}
END_TEST

START_TEST(reasons_come_with_what_to_type)
{
    snapshot.consensus.n_active = 3;
    snapshot.consensus.n_reasons = 1;
    (void)snprintf(snapshot.consensus.health, 16, "degraded");
    (void)snprintf(snapshot.consensus.reasons[0], REASON_BYTES, "validator n3 is not heard from");
    snapshot.consensus.validators[2].is_active = false;
    snapshot.consensus.validators[2].last_seen_ms = snapshot.taken_ms - 250000;
    const char *html = page();
    HAS("<body class=degraded>");
    HAS("<li class=degraded>validator n3 is not heard from<code>apm2 consensus validators</code>");
    HAS("silent, 4 min ago");
}
END_TEST

START_TEST(a_short_wait_is_no_worry)
{
    struct consensus_view *view = &snapshot.consensus;
    (void)snprintf(view->waiting_for, sizeof(view->waiting_for), "votes");
    (void)snprintf(view->why, sizeof(view->why), "block 813 of n1 waits for votes");
    view->waits_since_ms = snapshot.taken_ms - 20;
    const char *html = page();
    HAS("Block 812 is final and the next is being decided.");
    LACKS("waits for votes");
    view->waits_since_ms = snapshot.taken_ms - 4000;
    html = page();
    HAS("block 813 of n1 waits for votes");
}
END_TEST

START_TEST(evidence_comes_with_its_acknowledgement)
{
    struct evidence_view *view = &snapshot.evidence;
    view->n_unacknowledged = 1;
    view->n_equivocation = 1;
    view->n_items = 1;
    (void)snprintf(view->items[0].id, sizeof(view->items[0].id), "abcd");
    (void)snprintf(view->items[0].fault_type, sizeof(view->items[0].fault_type), "equivocation");
    (void)snprintf(view->items[0].validator, sizeof(view->items[0].validator), "n3");
    const char *html = page();
    HAS("role=alert");
    HAS("apm2 consensus byzantine-evidence ack abcd --reason");
    HAS("<body class=critical>");
    view->n_items = 0; /* the list did not come: the count still does */
    html = page();
    HAS("apm2 consensus byzantine-evidence list");
}
END_TEST

START_TEST(without_consensus_nothing_old_is_shown)
{
    snapshot.consensus.is_known = false;
    snapshot.services[SIBLING_CONSENSUS].is_up = false;
    const char *html = page();
    HAS("<body class=unknown>");
    HAS("consensus does not answer");
    LACKS("voted for");
    LACKS("<dt>Height");
}
END_TEST

/* Missing votes and a new term are seen without colours, too: another shape. */
START_TEST(the_strip_draws_runs)
{
    snapshot.consensus.validators[1].votes[0] = '.';
    snapshot.consensus.validators[1].votes[59] = '.';
    snapshot.consensus.validators[1].votes[30] = ' ';
    for (uint32_t i = 20; i < 60; i++)
        snapshot.consensus.terms[i] = 8;
    const char *html = page();
    HAS("aria-label=\"n2 voted for 57 of 59 blocks\">"
        "<path class=e d=\"M240 8H246\"/>"
        "<path class=v d=\"M8 8H238M248 8H470\"/>"
        "<path class=m d=\"M0 13H6M472 13H478\"/>"
        "<path class=t d=\"M159 0V16\"/></svg>");
    HAS("aria-label=\"n1 voted for 60 of 60 blocks\"><path class=a d=\"M0 8H478\"/>");
}
END_TEST

START_TEST(a_young_chain_stands_at_the_right_edge)
{
    snapshot_well(&snapshot, 4, 2);
    const char *html = page();
    HAS("aria-label=\"n2 voted for 2 of 2 blocks\"><path class=e d=\"M0 8H462\"/>"
        "<path class=v d=\"M464 8H478\"/>");
    snapshot_well(&snapshot, 4, 0);
    html = page();
    HAS("Votes: no block yet");
}
END_TEST

#define EVIL "<b onload=x>\"'&\n"
#define TAME "&lt;b onload=x&gt;&quot;&#39;&amp; "

/* Everywhere a service's text can get to. */
START_TEST(whatever_a_service_says_stays_text)
{
    struct consensus_view *view = &snapshot.consensus;
    struct evidence_item *item = &snapshot.evidence.items[0];
    struct {
        char *text;
        size_t size;
    } places[] = {
        {snapshot.node, sizeof(snapshot.node)},
        {snapshot.version, sizeof(snapshot.version)},
        {snapshot.services[0].version, sizeof(snapshot.services[0].version)},
        {snapshot.services[1].detail, sizeof(snapshot.services[1].detail)},
        {view->leader, sizeof(view->leader)},
        {view->why, sizeof(view->why)},
        {view->reasons[0], sizeof(view->reasons[0])},
        {view->validators[0].id, sizeof(view->validators[0].id)},
        {item->id, sizeof(item->id)},
        {item->fault_type, sizeof(item->fault_type)},
        {item->validator, sizeof(item->validator)},
    };
    for (size_t i = 0; i < N_ELEMENTS(places); i++)
        (void)snprintf(places[i].text, places[i].size, "%s", EVIL);
    view->waiting_for[0] = 0;
    view->n_reasons = 1;
    snapshot.evidence.n_items = 1;
    snapshot.evidence.n_unacknowledged = 1;
    snapshot.services[1].is_ready = false;

    const char *html = page();
    LACKS("<b onload");
    size_t n = 0;
    for (const char *at = strstr(html, TAME); at != NULL; at = strstr(at + 1, TAME))
        n++;
    ck_assert_uint_ge(n, N_ELEMENTS(places)); /* some stand twice */
    json_decref(status());
}
END_TEST

/* Alternating votes and full curves: nothing is larger. */
START_TEST(the_largest_cluster_stays_small)
{
    struct history_sample sample = {.commits = 1};

    snapshot_well(&snapshot, VALIDATORS_MAX, STRIP_HEIGHTS_MAX);
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        struct validator_view *view = &snapshot.consensus.validators[i];
        (void)snprintf(view->id, sizeof(view->id), "validator-number-%u", i);
        view->is_measured = true;
        view->rtt_ms = 100;
        for (uint32_t j = 0; j < STRIP_HEIGHTS_MAX; j += 3)
            view->votes[j] = '.';
    }
    for (uint64_t i = 0; i < HISTORY_BINS; i++) {
        sample.commits += 100 + i % 7;
        sample.elections += i % 3;
        sample.conflicts += i % 2;
        sample.latency[i % 10] += 100;
        history_add(&history, &sample, i * HISTORY_BIN_MS);
    }
    (void)page();
    ck_assert_msg(text.size < PAGE_BYTES_MAX, "%zu bytes", text.size);
}
END_TEST

START_TEST(json_has_every_part)
{
    json_t *json = status();
    const char *health = NULL;
    size_t n_services = json_array_size(json_object_get(json, "services"));
    json_t *consensus = json_object_get(json, "consensus");
    json_t *validators = json_object_get(consensus, "validators");

    ck_assert_int_eq(json_unpack(json, "{s:s}", "health", &health), 0);
    ck_assert_str_eq(health, "healthy");
    ck_assert_uint_eq(n_services, SIBLINGS_N);
    ck_assert_int_eq(json_integer_value(json_object_get(consensus, "height")), 812);
    ck_assert_uint_eq(json_array_size(validators), 4);
    const char *votes = json_string_value(json_object_get(json_array_get(validators, 3), "votes"));
    ck_assert_uint_eq(strlen(votes), 60);
    json_decref(json);

    snapshot.consensus.is_known = false;
    json = status();
    ck_assert(json_is_null(json_object_get(json, "consensus")));
    json_decref(json);
}
END_TEST

/* ---- what services say ---- */

static void read_with(void (*read)(struct consensus_view *, const json_t *), const char *json_text)
{
    json_t *json = json_loads(json_text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    read(&snapshot.consensus, json);
    json_decref(json);
}

START_TEST(answers_are_taken_over)
{
    memset(&snapshot, 0, sizeof(snapshot));
    read_with(snapshot_read_validators,
              "{\"validators\":[{\"id\":\"n1\",\"role\":\"leader\",\"self\":true,\"active\":true},"
              "{\"id\":\"n2\",\"role\":\"follower\",\"missed_votes\":3,\"height\":8}]}");
    read_with(snapshot_read_status,
              "{\"health\":\"degraded\",\"height\":9,\"active_validators\":1,"
              "\"reasons\":[\"because\"],\"peers\":[{\"id\":\"n2\",\"rtt_ms\":2,"
              "\"clock_offset_ms\":-4},{\"id\":\"n9\",\"rtt_ms\":2}]}");
    read_with(snapshot_read_votes, "{\"first_height\":8,\"terms\":[1,2],\"authors\":[0,1],"
                                   "\"validators\":[{\"id\":\"n2\",\"votes\":\"x?\"}]}");
    const struct consensus_view *view = &snapshot.consensus;
    ck_assert_uint_eq(view->n_validators, 2);
    ck_assert(view->validators[0].is_leader && view->validators[0].is_self);
    ck_assert_uint_eq(view->validators[1].n_missed, 3);
    ck_assert(view->validators[1].is_measured);
    ck_assert_int_eq(view->validators[1].clock_offset_ms, -4);
    ck_assert_str_eq(view->validators[1].votes, "x ");
    ck_assert_str_eq(view->validators[0].votes, "  ");
    ck_assert_str_eq(view->reasons[0], "because");
    ck_assert_uint_eq(view->terms[1], 2);
    /* The next answer without them: what others said stays, what this one said goes. */
    read_with(snapshot_read_validators, "{\"validators\":[{\"id\":\"n1\"},{\"id\":\"n2\"}]}");
    ck_assert(view->validators[1].is_measured);
    ck_assert(!view->validators[0].is_leader);
}
END_TEST

static const char *const odd_answers[] = {
    "{}",
    "[]",
    "\"text\"",
    "{\"validators\":7,\"terms\":7,\"authors\":\"x\",\"reasons\":{},\"peers\":[7],\"id\":[]}",
    ("{\"validators\":[null,7,{\"id\":7,\"votes\":[]}],\"terms\":[-1,\"x\"],\"authors\":[-1,999],"
     "\"reasons\":[null,7],\"peers\":[{\"id\":null}],\"checks\":[7,{}],\"evidence\":[7,{}]}"),
};

START_TEST(odd_answers_do_no_harm)
{
    void (*const readers[])(struct consensus_view *, const json_t *) = {
        snapshot_read_validators, snapshot_read_status, snapshot_read_votes, snapshot_read_why};
    json_t *json = json_loads(odd_answers[_i], JSON_DECODE_ANY, NULL);

    for (size_t i = 0; i < N_ELEMENTS(readers); i++)
        read_with(readers[i], "{}");
    for (size_t i = 0; i < N_ELEMENTS(readers); i++)
        readers[i](&snapshot.consensus, json);
    snapshot_read_service(&snapshot.services[1], json);
    snapshot_read_evidence(&snapshot.evidence, json);
    json_decref(json);
    (void)page();
    json_decref(status());
}
END_TEST

START_TEST(long_and_many_are_cut)
{
    char longest[REASON_BYTES + 10];
    json_t *validators = json_array(), *terms = json_array();

    /* Two bytes a letter, from an odd place on: the cut must not halve one. */
    longest[0] = 'a';
    for (size_t i = 1; i + 2 < sizeof(longest); i += 2)
        memcpy(longest + i, "\xc3\xa9", 3);
    for (int i = 0; i < 100; i++) {
        json_array_append_new(validators, json_pack("{s:s}", "id", longest));
        json_array_append_new(terms, json_integer(i));
    }
    json_t *json =
        json_pack("{s:o,s:o,s:s}", "validators", validators, "terms", terms, "summary", longest);
    snapshot_read_validators(&snapshot.consensus, json);
    snapshot_read_votes(&snapshot.consensus, json);
    json_decref(json);
    ck_assert_uint_eq(snapshot.consensus.n_validators, VALIDATORS_MAX);
    ck_assert_uint_eq(snapshot.consensus.n_heights, STRIP_HEIGHTS_MAX);
    ck_assert_uint_eq(strlen(snapshot.consensus.validators[0].id), ID_BYTES_MAX - 1);
    json_decref(status());
}
END_TEST

UNIT_MAIN("status_page", well, NULL, {
    tcase_add_test(tc, a_healthy_node_says_so_in_words);
    tcase_add_test(tc, reasons_come_with_what_to_type);
    tcase_add_test(tc, a_short_wait_is_no_worry);
    tcase_add_test(tc, evidence_comes_with_its_acknowledgement);
    tcase_add_test(tc, without_consensus_nothing_old_is_shown);
    tcase_add_test(tc, the_strip_draws_runs);
    tcase_add_test(tc, a_young_chain_stands_at_the_right_edge);
    tcase_add_test(tc, whatever_a_service_says_stays_text);
    tcase_add_test(tc, the_largest_cluster_stays_small);
    tcase_add_test(tc, json_has_every_part);
    tcase_add_test(tc, answers_are_taken_over);
    tcase_add_loop_test(tc, odd_answers_do_no_harm, 0, N_ELEMENTS(odd_answers));
    tcase_add_test(tc, long_and_many_are_cut);
})
