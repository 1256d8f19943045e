/*
 * The monitor's tables: kept once, counted as they stand, never written by who was overtaken.
 */
#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/evidence/evidence.h"
#include "common/log.h"
#include "common/migrate.h"
#include "common/must.h"
#include "services/byzantine-monitor/store.h"
#include "tests/support/pg.h"

#define DATABASE "evidence_test"
#define PATIENCE_MS 20000u

static struct pg pg;
static char conninfo[512];

struct rig {
    struct loop *loop;
    struct store *store;
    bool is_loaded;
    uint64_t source, number, cursor;
    struct store_counts counts;
    bool is_done;
    enum apm_err err;
    enum apm_err failure;
    uint32_t n_rows;
    struct hash id;
    uint64_t n, ack_ms;
    char record[64];
};

static void on_up(void *context, uint64_t source, uint64_t number, uint64_t cursor)
{
    struct rig *rig = context;
    rig->is_loaded = true;
    rig->source = source;
    rig->number = number;
    rig->cursor = cursor;
}

static void on_counted(void *context, const struct store_counts *counts)
{
    struct rig *rig = context;
    rig->counts = *counts;
}

static void on_failed(void *context, enum apm_err err, const char *detail)
{
    struct rig *rig = context;
    (void)detail;
    rig->failure = err;
}

static void on_done(void *context, enum apm_err err)
{
    struct rig *rig = context;
    rig->is_done = true;
    rig->err = err;
}

static void on_row(void *context, const struct store_row *row)
{
    struct rig *rig = context;
    rig->n_rows++;
    rig->id = row->id;
    rig->n = row->n;
    rig->ack_ms = row->ack_ms;
    ck_assert_uint_lt(row->record.size, sizeof(rig->record));
    memcpy(rig->record, row->record.data, row->record.size);
    rig->record[row->record.size] = '\0';
}

static void turn_until(struct rig *rig, const bool *is_done)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!*is_done && clock_mono_ms() < end)
        loop_turn(rig->loop, 100);
    ck_assert(*is_done);
}

static void open_store(struct rig *rig)
{
    const struct store_config config = {conninfo, "n1", 7};
    const struct store_events events = {rig, on_up, on_counted, on_failed};

    *rig = (struct rig){.loop = loop_new()};
    rig->store = store_new(&config, &events, rig->loop);
    turn_until(rig, &rig->is_loaded);
}

static void close_store(struct rig *rig)
{
    store_destroy(&rig->store);
    loop_destroy(&rig->loop);
}

static struct store_row row_of(uint8_t id, uint64_t kind, const char *record)
{
    return (struct store_row){
        .id = {{id}},
        .kind = kind,
        .what = 2,
        .is_attributable = evidence_is_attributable(kind),
        .validator = 3,
        .validator_id = log_text("n4"),
        .rank = {1, 2, 3},
        .n = 5,
        .first_ms = 1000,
        .last_ms = 2000,
        .record = log_text(record),
    };
}

static enum apm_err keep(struct rig *rig, uint64_t number, const struct store_row *row)
{
    const struct store_batch batch = {STORE_FROM_REPORT, 77, number, row, 1};

    rig->is_done = false;
    ck_assert_int_eq(store_keep(rig->store, &batch, on_done, rig), APM_OK);
    turn_until(rig, &rig->is_done);
    return rig->err;
}

static void find(struct rig *rig, uint8_t id)
{
    const struct hash whole = {{id}};
    const struct store_reader reader = {rig, on_row, on_done};

    rig->is_done = false;
    rig->n_rows = 0;
    ck_assert_int_eq(store_find(rig->store, span_of(whole.b, sizeof(whole.b)), &reader), APM_OK);
    turn_until(rig, &rig->is_done);
}

static void migrated(void)
{
    struct migrate_report report;

    pg_fresh_database(&pg, DATABASE);
    pg_conninfo(&pg, DATABASE, conninfo, sizeof(conninfo));
    enum apm_err err = db_migrate(conninfo, NULL, NULL, &report);
    ck_assert_msg(err == APM_OK, "%s", report.detail);
    loop_block_signals();
}

START_TEST(what_is_kept_is_counted_and_found_after_a_restart)
{
    struct rig rig;
    struct store_row proof = row_of(1, EVIDENCE_EQUIVOCATION, "proof");

    open_store(&rig);
    ck_assert_int_eq(keep(&rig, 1, &proof), APM_OK);
    ck_assert_uint_eq(rig.counts.kept[EVIDENCE_EQUIVOCATION], 1);
    close_store(&rig);

    open_store(&rig);
    ck_assert_uint_eq(rig.source, 77);
    ck_assert_uint_eq(rig.number, 1);
    ck_assert_uint_eq(rig.counts.kept[EVIDENCE_EQUIVOCATION], 1);
    ck_assert_uint_eq(rig.counts.unacknowledged, 1);
    find(&rig, 1);
    ck_assert_uint_eq(rig.n_rows, 1);
    ck_assert_str_eq(rig.record, "proof");
    close_store(&rig);
}
END_TEST

START_TEST(an_offence_counts_once_and_the_smallest_record_stands)
{
    struct rig rig;
    struct store_row middle = row_of(1, EVIDENCE_EQUIVOCATION, "bbb");
    struct store_row small = row_of(1, EVIDENCE_EQUIVOCATION, "aaa");
    struct store_row large = row_of(1, EVIDENCE_EQUIVOCATION, "ccc");

    open_store(&rig);
    ck_assert_int_eq(keep(&rig, 1, &middle), APM_OK);
    ck_assert_int_eq(keep(&rig, 2, &small), APM_OK);
    ck_assert_int_eq(keep(&rig, 3, &large), APM_OK);
    find(&rig, 1);
    ck_assert_str_eq(rig.record, "aaa");
    ck_assert_uint_eq(rig.n, 5);
    ck_assert_uint_eq(rig.counts.kept[EVIDENCE_EQUIVOCATION], 1);
    close_store(&rig);
}
END_TEST

START_TEST(what_a_session_brings_adds_up)
{
    struct rig rig;
    struct store_row first = row_of(2, EVIDENCE_REPLAY, "first");
    struct store_row second = row_of(2, EVIDENCE_REPLAY, "again");

    open_store(&rig);
    ck_assert_int_eq(keep(&rig, 1, &first), APM_OK);
    ck_assert_int_eq(keep(&rig, 2, &second), APM_OK);
    find(&rig, 2);
    ck_assert_uint_eq(rig.n, 10);
    ck_assert_str_eq(rig.record, "first");
    close_store(&rig);
}
END_TEST

START_TEST(the_first_acknowledgement_stands)
{
    struct rig rig;
    struct store_row proof = row_of(1, EVIDENCE_QUORUM_FORGERY, "proof");

    open_store(&rig);
    ck_assert_int_eq(keep(&rig, 1, &proof), APM_OK);
    for (uint64_t at_ms = 500; at_ms < 502; at_ms++) {
        const struct store_ack ack = {proof.id, at_ms, log_text("why")};
        rig.is_done = false;
        ck_assert_int_eq(store_acknowledge(rig.store, &ack, on_done, &rig), APM_OK);
        turn_until(&rig, &rig.is_done);
        ck_assert_int_eq(rig.err, APM_OK);
    }
    find(&rig, 1);
    ck_assert_uint_eq(rig.ack_ms, 500);
    ck_assert_uint_eq(rig.counts.unacknowledged, 0);
    ck_assert_uint_eq(rig.counts.kept[EVIDENCE_QUORUM_FORGERY], 1);
    const struct store_ack unknown = {{{9}}, 1, log_text("why")};
    rig.is_done = false;
    ck_assert_int_eq(store_acknowledge(rig.store, &unknown, on_done, &rig), APM_OK);
    turn_until(&rig, &rig.is_done);
    ck_assert_int_eq(rig.err, APM_ERR_NOT_FOUND);
    close_store(&rig);
}
END_TEST

/* Acknowledging to consensus what was not written would lose it. */
START_TEST(who_was_overtaken_writes_nothing_and_says_so)
{
    struct rig old;
    struct store_row proof = row_of(1, EVIDENCE_EQUIVOCATION, "proof");

    open_store(&old);
    pg_exec(&pg, DATABASE,
            "UPDATE fence SET epoch = epoch + 1"
            " WHERE service = 'apm2-byzantine-monitor'",
            NULL);
    ck_assert_int_eq(keep(&old, 1, &proof), APM_ERR_FENCED);
    ck_assert_int_eq(pg_number(&pg, DATABASE, "SELECT count(*) FROM evidence"), 0);
    ck_assert_int_eq(pg_number(&pg, DATABASE, "SELECT number FROM evidence_source"), 0);
    close_store(&old);
}
END_TEST

int main(void)
{
    if (!pg_create(&pg))
        return 77;
    Suite *suite = suite_create("evidence_store");
    TCase *tc = tcase_create("evidence_store");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, migrated, NULL);
    tcase_add_test(tc, what_is_kept_is_counted_and_found_after_a_restart);
    tcase_add_test(tc, an_offence_counts_once_and_the_smallest_record_stands);
    tcase_add_test(tc, what_a_session_brings_adds_up);
    tcase_add_test(tc, the_first_acknowledgement_stands);
    tcase_add_test(tc, who_was_overtaken_writes_nothing_and_says_so);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_destroy(&pg);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
