/*
 * The store on a real PostgreSQL that is killed, restarted and taken over.
 *
 * One instance per program, one fresh database per test.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/loop.h"
#include "tests/support/store_rig.h"

#define DATABASE "store_test"
#define BLOCK_BYTES 5000u

static struct pg pg;
static struct rig rig;

static void loaded(void)
{
    rig_migrate(&pg, DATABASE);
    rig_open_loaded(&rig, &pg, DATABASE);
}

static void reopen(void)
{
    rig_close(&rig);
    rig_open_loaded(&rig, &pg, DATABASE);
}

static long value(const char *sql)
{
    return pg_number(&pg, DATABASE, sql);
}

START_TEST(an_empty_store_says_so)
{
    ck_assert_uint_eq(rig.counter, 0);
    ck_assert_uint_eq(rig.record_size, 0);
    ck_assert_uint_eq(rig.n_committed + rig.n_uncommitted, 0);
}
END_TEST

START_TEST(what_was_persisted_is_there_after_a_start)
{
    for (uint64_t i = 1; i <= 5; i++)
        rig_persist(&rig, i, BLOCK_BYTES);
    rig_commit(&rig, 1, 3);
    reopen();
    ck_assert_uint_eq(rig.counter, 5);
    ck_assert(span_eq(span_of(rig.record, rig.record_size), span_of("record 5", 8)));
    ck_assert_uint_eq(rig.n_committed, 3);
    ck_assert_uint_eq(rig.n_uncommitted, 2);
    struct hash four = rig_id(4);
    ck_assert(hash_eq(&rig.uncommitted[0], &four));
}
END_TEST

START_TEST(a_second_process_does_not_disturb_the_first)
{
    struct rig second;
    rig_open(&second, &pg, DATABASE, 'A');
    ck_assert(rig_turn_until(&second, rig_has_failed));
    ck_assert_int_eq(second.failure, APM_ERR_FENCED);
    rig_persist(&rig, 1, BLOCK_BYTES);
    rig_close(&second);
}
END_TEST

/* The lock may be lost without notice (a pooler, a failover): the epoch is what counts. */
START_TEST(an_overtaken_writer_writes_nothing)
{
    rig_persist(&rig, 1, BLOCK_BYTES);
    pg_exec(&pg, DATABASE, "UPDATE fence SET epoch = epoch + 1", NULL);
    rig_persist_start(&rig, 2, BLOCK_BYTES);
    ck_assert(!rig_wait_persisted(&rig, 2));
    ck_assert_int_eq(rig.failure, APM_ERR_FENCED);
    ck_assert_int_eq(value("SELECT counter FROM safety"), 1);
    ck_assert_int_eq(value("SELECT count(*) FROM block"), 1);
}
END_TEST

START_TEST(an_overtaken_observer_writes_nothing)
{
    rig_persist_block(&rig, 1);
    ck_assert(rig_wait_persisted(&rig, 1));
    ck_assert_int_eq(value("SELECT counter FROM safety"), 0);
    pg_exec(&pg, DATABASE, "UPDATE fence SET epoch = epoch + 1", NULL);
    rig_persist_block(&rig, 2);
    ck_assert(!rig_wait_persisted(&rig, 2));
    ck_assert_int_eq(rig.failure, APM_ERR_FENCED);
    ck_assert_int_eq(value("SELECT count(*) FROM block"), 1);
}
END_TEST

START_TEST(an_overtaken_projector_writes_nothing)
{
    rig_persist(&rig, 1, BLOCK_BYTES);
    pg_exec(&pg, DATABASE, "UPDATE fence SET epoch = epoch + 1", NULL);
    rig_commit(&rig, 1, 1);
    ck_assert_int_eq(rig.failure, APM_ERR_FENCED);
    ck_assert_int_eq(
        value("SELECT (SELECT count(*) FROM committed) + (SELECT count(*) FROM segment)"
              " + (SELECT count(*) FROM bundle_index)"),
        0);
    ck_assert_int_eq(value("SELECT count(*) FROM block"), 1);
}
END_TEST

START_TEST(a_reconnecting_writer_learns_it_was_overtaken)
{
    pg_exec(&pg, DATABASE, "UPDATE fence SET epoch = epoch + 1", NULL);
    pg_end_sessions(&pg, "apm2-consensus/n1");
    ck_assert(rig_turn_until(&rig, rig_has_failed));
    ck_assert_int_eq(rig.failure, APM_ERR_FENCED);
}
END_TEST

START_TEST(a_record_never_goes_back)
{
    rig_persist(&rig, 9, 0);
    rig_persist_start(&rig, 8, 0);
    ck_assert(rig_turn_until(&rig, rig_has_failed));
    ck_assert_int_eq(rig.failure, APM_ERR_FENCED);
    ck_assert_int_eq(value("SELECT counter FROM safety"), 9);
}
END_TEST

START_TEST(killed_sessions_lose_no_write)
{
    for (uint64_t i = 1; i <= 60; i++) {
        rig_persist_start(&rig, i, BLOCK_BYTES);
        if (i % 10 == 0)
            pg_end_sessions(&pg, "apm2-consensus/n1");
        ck_assert_msg(rig_wait_persisted(&rig, i), "%s %s", rig.detail, store_detail(rig.store));
    }
    ck_assert_uint_eq(rig.n_persisted, 60);
    ck_assert_int_eq(value("SELECT counter FROM safety"), 60);
    ck_assert_int_eq(value("SELECT count(*) FROM block"), 60);
}
END_TEST

START_TEST(a_crashed_server_loses_no_acknowledged_write)
{
    for (uint64_t i = 1; i <= 40; i++)
        rig_persist(&rig, i, BLOCK_BYTES);
    rig_commit(&rig, 1, 30);
    rig_persist_start(&rig, 41, BLOCK_BYTES);
    pg_crash(&pg);
    rig_turn_ms(&rig, 300);
    ck_assert(!store_is_up(rig.store));
    ck_assert_str_ne(store_detail(rig.store), "");
    pg_start(&pg);
    ck_assert(rig_wait_persisted(&rig, 41));
    ck_assert(rig_turn_until(&rig, rig_is_up));
    ck_assert_int_eq(value("SELECT counter FROM safety"), 41);
    ck_assert_int_eq(value("SELECT count(*) FROM block"), 41);
    ck_assert_int_eq(value("SELECT max(height) FROM committed"), 30);
    rig_commit(&rig, 31, 41);
    ck_assert_uint_eq(rig.committed, 41);
}
END_TEST

/* The server committed, its answer was lost: the row equals the write. */
START_TEST(a_write_that_went_through_unseen_is_completed)
{
    pg_end_sessions(&pg, "apm2-consensus/n1");
    rig_turn_ms(&rig, 20);
    ck_assert(!store_is_up(rig.store));
    rig_persist_start(&rig, 1, 0);
    pg_exec(&pg, DATABASE,
            "UPDATE safety SET counter = 1, record = 'record 1'::bytea,"
            " instance = decode(repeat('00', 32), 'hex')",
            NULL);
    ck_assert_msg(rig_wait_persisted(&rig, 1), "%s", rig.detail);
}
END_TEST

/* The same while connected: a session of ours that was believed dead came through. */
START_TEST(a_refused_record_that_is_ours_is_completed)
{
    pg_exec(&pg, DATABASE,
            "UPDATE safety SET counter = 1, record = 'record 1'::bytea,"
            " instance = decode(repeat('00', 32), 'hex')",
            NULL);
    rig_persist_start(&rig, 1, 0);
    ck_assert_msg(rig_wait_persisted(&rig, 1), "%s", rig.detail);
}
END_TEST

START_TEST(another_row_than_ours_is_not_taken_for_it)
{
    pg_end_sessions(&pg, "apm2-consensus/n1");
    rig_turn_ms(&rig, 20);
    rig_persist_start(&rig, 1, 0);
    pg_exec(&pg, DATABASE,
            "UPDATE safety SET counter = 1, record = 'another'::bytea,"
            " instance = decode(repeat('00', 32), 'hex')",
            NULL);
    ck_assert(rig_turn_until(&rig, rig_has_failed));
    ck_assert_int_eq(rig.failure, APM_ERR_FENCED);
}
END_TEST

START_TEST(losers_go_and_repeats_are_harmless)
{
    rig_persist(&rig, 1, BLOCK_BYTES);
    rig_persist(&rig, 2, BLOCK_BYTES);
    pg_exec(&pg, DATABASE, "UPDATE block SET height = 1", NULL); /* 2 rivals 1 */
    rig_commit(&rig, 1, 1);
    ck_assert_int_eq(value("SELECT count(*) FROM block"), 1);
    rig_commit(&rig, 1, 1);
    ck_assert_uint_eq(rig.committed, 1);
    ck_assert_int_eq(value("SELECT count(*) FROM bundle_index"), 2);
}
END_TEST

START_TEST(a_committed_block_is_never_replaced)
{
    rig_persist(&rig, 1, BLOCK_BYTES);
    rig_commit(&rig, 1, 1);
    pg_exec(&pg, DATABASE, "UPDATE committed SET block = 'x'::bytea", NULL);
    rig_commit(&rig, 1, 1);
    ck_assert_int_eq(rig.failure, APM_ERR_CORRUPT);
}
END_TEST

/* The grants suffice, and are those of a user who owns nothing. */
START_TEST(a_service_user_can_do_its_work)
{
    rig_close(&rig);
    pg_exec(&pg, "postgres", "CREATE ROLE service LOGIN IN ROLE apm2_consensus", NULL);
    rig_open(&rig, &pg, DATABASE, 'A');
    size_t size = strlen(rig.conninfo);
    (void)snprintf(rig.conninfo + size, sizeof(rig.conninfo) - size, " user=service");
    rig_load(&rig);
    ck_assert_msg(rig_turn_until(&rig, rig_is_loaded), "%s", rig.detail);
    rig_persist_start(&rig, 1, BLOCK_BYTES);
    ck_assert_msg(rig_wait_persisted(&rig, 1), "%s", rig.detail);
    rig_commit(&rig, 1, 1);
    ck_assert_msg(rig.committed == 1, "%s", rig.detail);
    rig_read_range(&rig, 1, 1, 1);
    rig_find(&rig, 1000003);
    ck_assert_int_eq(rig.read_err, APM_OK);
}
END_TEST

/* As a service runs it, across a crash of the server. */
START_TEST(it_turns_in_a_loop)
{
    loop_block_signals();
    struct loop *loop = loop_new();
    store_attach(rig.store, loop);
    rig_persist_start(&rig, 1, BLOCK_BYTES);
    for (int i = 0; i < 100 && rig.persisted < 1; i++)
        loop_turn(loop, 100);
    ck_assert_uint_eq(rig.persisted, 1);

    pg_crash(&pg);
    rig_persist_start(&rig, 2, BLOCK_BYTES);
    for (int i = 0; i < 3; i++)
        loop_turn(loop, 100);
    ck_assert(!store_is_up(rig.store));
    pg_start(&pg);
    for (int i = 0; i < 100 && rig.persisted < 2; i++)
        loop_turn(loop, 100);
    ck_assert_uint_eq(rig.persisted, 2);
    rig_close(&rig);
    loop_turn(loop, 0);
    loop_destroy(&loop);
}
END_TEST

static Suite *suite(void)
{
    Suite *store = suite_create("store");
    TCase *tc = tcase_create("store");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, loaded, NULL);
    tcase_add_test(tc, an_empty_store_says_so);
    tcase_add_test(tc, what_was_persisted_is_there_after_a_start);
    tcase_add_test(tc, a_second_process_does_not_disturb_the_first);
    tcase_add_test(tc, an_overtaken_writer_writes_nothing);
    tcase_add_test(tc, an_overtaken_observer_writes_nothing);
    tcase_add_test(tc, an_overtaken_projector_writes_nothing);
    tcase_add_test(tc, a_reconnecting_writer_learns_it_was_overtaken);
    tcase_add_test(tc, a_record_never_goes_back);
    tcase_add_test(tc, killed_sessions_lose_no_write);
    tcase_add_test(tc, a_crashed_server_loses_no_acknowledged_write);
    tcase_add_test(tc, a_write_that_went_through_unseen_is_completed);
    tcase_add_test(tc, a_refused_record_that_is_ours_is_completed);
    tcase_add_test(tc, another_row_than_ours_is_not_taken_for_it);
    tcase_add_test(tc, losers_go_and_repeats_are_harmless);
    tcase_add_test(tc, a_committed_block_is_never_replaced);
    tcase_add_test(tc, a_service_user_can_do_its_work);
    tcase_add_test(tc, it_turns_in_a_loop);
    suite_add_tcase(store, tc);
    return store;
}

int main(void)
{
    if (!pg_create(&pg))
        return 77; /* meson: skipped */
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_destroy(&pg);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
