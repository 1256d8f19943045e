/* What `event submit` makes of its input, and what it reports: on a real genesis. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "common/keygen.h"
#include "services/cli/genesis_plan.h"
#include "services/cli/submit_input.h"
#include "services/cli/submit_report.h"

#define LEASE(resource)                                                                            \
    "{\"type\":\"LeaseIssued\",\"payload\":{\"resource\":\"" resource                              \
    "\",\"holder\":\"h\",\"ttl_ms\":1000}}\n"

static char dir[64];
static struct apm2_cluster *chain;
static struct batches batches;
static struct complaint complaint;

/* Four validators, one T0 key, one actor. */
static void make_genesis(const char *output)
{
    static char paths[6][128], cards[4][128];
    struct genesis_files files = {
        .name = "test", .threshold = 1, .output = output, .n_cards = 4, .n_t0 = 1};
    struct hash id;
    struct why why = {""};
    for (int i = 0; i < 4; i++) {
        char name[8], address[16];
        (void)snprintf(name, sizeof(name), "n%d", i + 1);
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/%s.pem", dir, name);
        (void)snprintf(cards[i], sizeof(cards[i]), "%s/%s.card.json", dir, name);
        (void)snprintf(address, sizeof(address), "127.0.0.%d", i + 1);
        struct keygen_options options = {.id = name, .address = address};
        ck_assert_int_eq(keygen_write(paths[i], &options, NULL, &why), APM_OK);
        files.cards[i] = cards[i];
    }
    for (int i = 4; i < 6; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/key%d.pem", dir, i);
        ck_assert_int_eq(key_new(paths[i], NULL, &why), APM_OK);
    }
    files.t0_keys[0] = paths[4];
    files.actor_key = paths[5];
    ck_assert_msg(genesis_from_files(&files, &id, &complaint) == APM_OK, "%s", complaint.message);
    /* A second genesis in its place is refused. */
    ck_assert_int_ne(genesis_from_files(&files, &id, &complaint), APM_OK);
}

static void setup(void)
{
    char path[128];
    struct apm2_why why;
    (void)snprintf(dir, sizeof(dir), "/tmp/apm2-test-submit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/genesis.json", dir);
    make_genesis(path);
    ck_assert_msg(apm2_cluster_open(path, &chain, &why), "%s", why.text);
}

static void teardown(void)
{
    char command[128];
    batches_release(&batches);
    apm2_cluster_close(&chain);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static enum apm_err read_text(const char *text, uint32_t per_bundle)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/events", dir);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(text, file);
    (void)fclose(file);
    return submit_input_read(path, chain, per_bundle, &batches, &complaint);
}

START_TEST(events_are_grouped_in_order)
{
    ck_assert_int_eq(read_text(LEASE("a") "\n" LEASE("b") "  \n" LEASE("c"), 2), APM_OK);
    ck_assert_uint_eq(batches.n, 2);
    ck_assert_uint_eq(batches.list[0].n_events, 2);
    ck_assert_uint_eq(batches.list[0].events[0].line, 1);
    ck_assert_uint_eq(batches.list[0].events[1].line, 3);
    ck_assert_uint_eq(batches.list[1].n_events, 1);
    ck_assert_uint_eq(batches.list[1].events[0].line, 5);
}
END_TEST

START_TEST(a_bundle_has_one_namespace)
{
    ck_assert_int_eq(read_text(LEASE("a") "{\"type\":\"LeaseReleased\",\"namespace\":\"other\","
                                          "\"payload\":{\"resource\":\"x\"}}\n" LEASE("b"),
                               10),
                     APM_OK);
    ck_assert_uint_eq(batches.n, 3);
}
END_TEST

/* More than a bundle's megabyte: split, however many were asked for. */
START_TEST(a_bundle_stays_below_its_size)
{
    char resource[257], line[512];
    size_t total = 0;
    char *text = calloc(5000, sizeof(line));
    ck_assert_ptr_nonnull(text);
    memset(resource, 'r', sizeof(resource) - 1);
    resource[256] = 0;
    for (int i = 0; i < 5000; i++)
        total += (size_t)snprintf(
            text + total, sizeof(line),
            "{\"type\":\"LeaseReleased\",\"payload\":{\"resource\":\"%s\"}}\n", resource);
    ck_assert_int_eq(read_text(text, 5000), APM_OK);
    free(text);
    ck_assert_uint_gt(batches.n, 1);
    for (uint32_t i = 0; i < batches.n; i++) {
        size_t size = 0;
        for (uint32_t j = 0; j < batches.list[i].n_events; j++)
            size += apm2_event_size(batches.list[i].events[j].event);
        ck_assert_uint_le(size, BUNDLE_BYTES_MAX);
    }
}
END_TEST

static const struct bad {
    const char *text;
    const char *line; /* what the complaint names */
} bad_rows[] = {
    {LEASE("a") "{oops\n", "line 2"},
    {LEASE("a") LEASE("b") "{\"type\":\"Nonsense\",\"payload\":{}}\n", "line 3"},
    {"{\"type\":\"LeaseIssued\",\"payload\":{\"resource\":\"a\"}}\n", "line 1"},
    {"{\"type\":\"LeaseExpired\",\"payload\":{\"resource\":\"a\"}}\n", "line 1"},
    {"[]\n", "line 1"},
    {"\n\n", "no events"},
    {"", "no events"},
};

START_TEST(one_bad_line_stops_all)
{
    const struct bad *row = &bad_rows[_i];
    ck_assert_int_eq(read_text(row->text, 1), APM_ERR_BAD_INPUT);
    ck_assert_ptr_null(batches.list);
    ck_assert_msg(strstr(complaint.message, row->line) != NULL, "%s", complaint.message);
}
END_TEST

START_TEST(latencies_are_nearest_rank)
{
    static struct batch some[100];
    for (uint32_t i = 0; i < 100; i++)
        some[i] = (struct batch){.state = BATCH_FINAL, .latency_us = 100 - i};
    struct latencies late = latencies_of(some, 100);
    ck_assert_uint_eq(late.p50_us, 50);
    ck_assert_uint_eq(late.p99_us, 99);
    ck_assert_uint_eq(late.max_us, 100);
    late = latencies_of(some, 1);
    ck_assert_uint_eq(late.p50_us, 100);
    ck_assert_uint_eq(late.p99_us, 100);
    some[0].state = BATCH_EXPIRED;
    ck_assert_uint_eq(latencies_of(some, 1).n, 0);
}
END_TEST

START_TEST(anything_not_applied_is_a_failure)
{
    static const struct submit_totals rows[] = {
        {.applied = 1}, {.rejected = 1}, {.refused = 1}, {.expired = 1}, {.undecided = 1}};
    struct invocation invocation = {.option[OPTION_json] = ""};
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        ck_assert_int_eq(submit_report(&invocation, NULL, 0, &rows[i]), i == 0 ? 0 : 1);
}
END_TEST

UNIT_MAIN("submit", setup, teardown, {
    tcase_add_test(tc, events_are_grouped_in_order);
    tcase_add_test(tc, a_bundle_has_one_namespace);
    tcase_add_test(tc, a_bundle_stays_below_its_size);
    tcase_add_loop_test(tc, one_bad_line_stops_all, 0, N_ELEMENTS(bad_rows));
    tcase_add_test(tc, latencies_are_nearest_rank);
    tcase_add_test(tc, anything_not_applied_is_a_failure);
})
