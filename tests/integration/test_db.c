/*
 * One connection and the migrations, on a real PostgreSQL.
 */
#include <check.h>
#include <poll.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/db.h"
#include "common/migrate.h"
#include "tests/support/pg.h"

#define DATABASE "db_test"
#define PATIENCE_MS 20000u

static struct pg pg;
static char conninfo[160];

enum { ONE, DIVIDE_BY_ZERO, ROLLBACK, SLEEP, SAME, PUT, N_STATEMENTS };

static const struct db_statement statements[] = {
    [ONE] = {"one", "SELECT 1::bigint"},
    [DIVIDE_BY_ZERO] = {"divide_by_zero", "SELECT 1 / (count(*) - count(*)) FROM fence"},
    [ROLLBACK] = {"rollback", "ROLLBACK"},
    [SLEEP] = {"sleep", "SELECT pg_sleep(5)"},
    [SAME] = {"same", "SELECT $1::bigint, $2::bytea, $3::text, ($4::bytea IS NULL)::int::bigint,"
                      " ($5::bigint[])[2], (($6::bytea[])[2] IS NULL)::int::bigint,"
                      " array_length($6::bytea[], 1)::bigint"},
    [PUT] = {"put", "INSERT INTO fence VALUES ('test', 1)"},
};

static void fresh(void)
{
    pg_fresh_database(&pg, DATABASE);
    pg_conninfo(&pg, DATABASE, conninfo, sizeof(conninfo));
}

static void migrated(void)
{
    fresh();
    struct migrate_report report;
    ck_assert_msg(db_migrate(conninfo, NULL, NULL, &report) == APM_OK, "%s", report.detail);
}

static struct db_setup setup_of(void)
{
    return (struct db_setup){
        .conninfo = conninfo,
        .application_name = "apm2-test/n1",
        .statements = statements,
        .n_statements = N_STATEMENTS,
        .schema_min = 1,
        .schema_max = n_migrations,
        .timeout_ms = 1000,
        .seed = 5,
    };
}

static void turn(struct db *db)
{
    struct pollfd fd = {.fd = db_fd(db), .events = db_events(db)};
    uint64_t now = clock_mono_ms();
    uint64_t deadline = db_deadline_ms(db);
    uint64_t wait = deadline <= now ? 0 : deadline - now;
    (void)poll(&fd, 1, (int)(wait < 50 ? wait : 50));
    db_ready(db, clock_mono_ms());
}

static struct db *connected(void)
{
    struct db_setup setup = setup_of();
    struct db *db = db_new(&setup);
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!db_is_up(db) && clock_mono_ms() < end)
        turn(db);
    ck_assert_msg(db_is_up(db), "%s", db_detail(db));
    return db;
}

/* Turns until the connection has come to a final error. */
static enum apm_err refused(const struct db_setup *setup, char detail[DB_DETAIL_MAX])
{
    struct db *db = db_new(setup);
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!db_is_final(db_last_error(db)) && !db_is_up(db) && clock_mono_ms() < end)
        turn(db);
    enum apm_err err = db_last_error(db);
    (void)snprintf(detail, DB_DETAIL_MAX, "%s", db_detail(db));
    db_destroy(&db);
    return err;
}

struct answer {
    bool is_there;
    enum apm_err err;
    uint32_t n_rows;
    bool is_same;
};

static void on_answer(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct answer *answer = context;
    ck_assert(!answer->is_there);
    ck_assert((rows != NULL) == (err == APM_OK));
    *answer = (struct answer){true, err, rows == NULL ? 0 : db_rows_n(rows), false};
}

static void await(struct db *db, const struct answer *answer)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!answer->is_there && clock_mono_ms() < end)
        turn(db);
    ck_assert(answer->is_there);
}

static void run(struct db *db, uint32_t statement, struct answer *answer)
{
    db_run(db, &(struct db_call){statement, 0, NULL, answer == NULL ? NULL : on_answer, answer});
}

/* ---- migrations ---- */

static void count(void *context, const struct migration *migration)
{
    uint32_t *n = context;
    ck_assert_uint_eq(migration->version, ++*n);
}

START_TEST(migrating_twice_is_migrating_once)
{
    struct migrate_report report;
    uint32_t n = 0;
    ck_assert_int_eq(db_migrate(conninfo, count, &n, &report), APM_OK);
    ck_assert_uint_eq(n, n_migrations);
    ck_assert_uint_eq(report.n_applied, n_migrations);
    ck_assert_int_eq(db_migrate(conninfo, count, &n, &report), APM_OK);
    ck_assert_uint_eq(report.n_applied, 0);
    ck_assert_uint_eq(report.version, n_migrations);
    ck_assert_uint_eq(n, n_migrations);
}
END_TEST

START_TEST(a_changed_migration_is_refused)
{
    struct migrate_report report;
    ck_assert_int_eq(db_migrate(conninfo, NULL, NULL, &report), APM_OK);
    pg_exec(&pg, DATABASE, "UPDATE schema_migration SET digest = 'x'::bytea", NULL);
    ck_assert_int_eq(db_migrate(conninfo, NULL, NULL, &report), APM_ERR_SCHEMA_VERSION);
    ck_assert_ptr_nonnull(strstr(report.detail, migrations[0].name));
}
END_TEST

START_TEST(a_failed_migration_leaves_nothing)
{
    struct migrate_report report;
    pg_exec(&pg, DATABASE, "CREATE TABLE bundle_index (n int)", NULL);
    ck_assert_int_eq(db_migrate(conninfo, NULL, NULL, &report), APM_ERR_DB_FAILED);
    ck_assert_ptr_nonnull(strstr(report.detail, "bundle_index"));
    char n[256];
    pg_exec(&pg, DATABASE, "SELECT count(*) FROM pg_tables WHERE tablename = 'fence'", n);
    ck_assert_str_eq(n, "0");
}
END_TEST

START_TEST(readers_see_views_alone)
{
    struct migrate_report report;
    ck_assert_int_eq(db_migrate(conninfo, NULL, NULL, &report), APM_OK);
    char may[256];
    pg_exec(&pg, DATABASE, "SELECT has_table_privilege('apm2_read', 'block_v1', 'SELECT')", may);
    ck_assert_str_eq(may, "t");
    pg_exec(&pg, DATABASE, "SELECT has_table_privilege('apm2_read', 'safety', 'SELECT')", may);
    ck_assert_str_eq(may, "f");
    pg_exec(&pg, DATABASE, "SELECT has_table_privilege('apm2_consensus', 'committed', 'DELETE')",
            may);
    ck_assert_str_eq(may, "f");
}
END_TEST

START_TEST(an_absent_server_is_named)
{
    struct migrate_report report;
    ck_assert_int_eq(db_migrate("host=/nonexistent", NULL, NULL, &report), APM_ERR_DB_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(report.detail, "/nonexistent"));
}
END_TEST

/* ---- what a session insists on ---- */

START_TEST(an_unmigrated_database_is_refused)
{
    char detail[DB_DETAIL_MAX];
    struct db_setup setup = setup_of();
    ck_assert_int_eq(refused(&setup, detail), APM_ERR_SCHEMA_VERSION);
    ck_assert_ptr_nonnull(strstr(detail, "apm2 db migrate"));
}
END_TEST

START_TEST(a_newer_database_is_refused)
{
    migrated();
    pg_exec(&pg, DATABASE, "UPDATE schema_migration SET version = 99 WHERE version = 1", NULL);
    char detail[DB_DETAIL_MAX];
    struct db_setup setup = setup_of();
    ck_assert_int_eq(refused(&setup, detail), APM_ERR_SCHEMA_VERSION);
    ck_assert_ptr_nonnull(strstr(detail, "99"));
}
END_TEST

START_TEST(a_server_that_forgets_is_refused)
{
    static const char *const settings[] = {"fsync", "full_page_writes"};
    char sql[128];
    char detail[DB_DETAIL_MAX];
    migrated();
    (void)snprintf(sql, sizeof(sql), "ALTER SYSTEM SET %s = off", settings[_i]);
    pg_exec(&pg, "postgres", sql, NULL);
    pg_exec(&pg, "postgres", "SELECT pg_reload_conf(), pg_sleep(0.3)", NULL);
    struct db_setup setup = setup_of();
    enum apm_err err = refused(&setup, detail);
    pg_exec(&pg, "postgres", "ALTER SYSTEM RESET ALL", NULL);
    pg_exec(&pg, "postgres", "SELECT pg_reload_conf(), pg_sleep(0.3)", NULL);
    ck_assert_int_eq(err, APM_ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(detail, settings[_i]));
}
END_TEST

START_TEST(a_role_cannot_weaken_the_session)
{
    migrated();
    pg_exec(&pg, DATABASE, "ALTER DATABASE " DATABASE " SET synchronous_commit = off", NULL);
    struct db *db = connected();
    db_destroy(&db);
}
END_TEST

/* ---- statements ---- */

static void on_same(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct answer *answer = context;
    ck_assert_int_eq(err, APM_OK);
    ck_assert_uint_eq(db_rows_columns(rows), 7);
    ck_assert_uint_eq(db_get_u64(rows, 0, 0), UINT64_MAX - 1);
    ck_assert(span_eq(db_get_bytes(rows, 0, 1), span_of("a\0b", 3)));
    ck_assert(span_eq(db_get_bytes(rows, 0, 2), span_of("text", 4)));
    ck_assert_uint_eq(db_get_u64(rows, 0, 3), 1);
    ck_assert_uint_eq(db_get_u64(rows, 0, 4), 8);
    ck_assert_uint_eq(db_get_u64(rows, 0, 5), 1);
    ck_assert_uint_eq(db_get_u64(rows, 0, 6), 3);
    answer->is_there = true;
}

START_TEST(values_come_back_as_sent)
{
    migrated();
    struct db *db = connected();
    struct db_array numbers, strings;
    db_array_init(&numbers, DB_OF_U64);
    db_array_init(&strings, DB_OF_BYTES);
    db_array_add_u64(&numbers, 7);
    db_array_add_u64(&numbers, 8);
    db_array_add(&strings, span_of("x", 1));
    db_array_add(&strings, span_of(NULL, 0));
    db_array_add(&strings, span_of("z", 1));
    const struct db_param params[] = {
        db_u64(UINT64_MAX - 1),      db_bytes(span_of("a\0b", 3)),
        db_text(span_of("text", 4)), db_bytes_or_null(span_of(NULL, 0)),
        db_array_param(&numbers),    db_array_param(&strings),
    };
    struct answer answer = {.is_there = false};
    db_run(db, &(struct db_call){SAME, N_ELEMENTS(params), params, on_same, &answer});
    db_flush(db);
    await(db, &answer);
    db_array_release(&numbers);
    db_array_release(&strings);
    db_destroy(&db);
}
END_TEST

START_TEST(a_commit_is_what_the_server_says)
{
    static const struct row {
        uint32_t statement;
        enum apm_err want;
    } rows[] = {
        {ONE, APM_OK},
        {ROLLBACK, APM_ERR_DB_FAILED}, /* COMMIT succeeds, with a warning: nothing to commit */
        {DIVIDE_BY_ZERO, APM_ERR_DB_UNREACHABLE}, /* dropped before it was answered */
    };
    migrated();
    struct db *db = connected();
    struct answer answer = {.is_there = false};
    db_begin(db);
    run(db, PUT, NULL);
    run(db, rows[_i].statement, NULL);
    db_commit(db, on_answer, &answer);
    await(db, &answer);
    ck_assert_int_eq(answer.err, rows[_i].want);
    char n[256];
    pg_exec(&pg, DATABASE, "SELECT count(*) FROM fence WHERE service = 'test'", n);
    ck_assert_str_eq(n, rows[_i].want == APM_OK ? "1" : "0");
    db_destroy(&db);
}
END_TEST

START_TEST(a_silent_server_is_dropped_and_tried_again)
{
    migrated();
    struct db *db = connected();
    struct answer answer = {.is_there = false}, after = {.is_there = false};
    uint64_t before = clock_mono_ms();
    run(db, SLEEP, &answer);
    db_flush(db);
    await(db, &answer);
    ck_assert_int_eq(answer.err, APM_ERR_DB_UNREACHABLE);
    ck_assert_uint_lt(clock_mono_ms() - before, 2000);

    while (!db_is_up(db) && clock_mono_ms() - before < PATIENCE_MS)
        turn(db);
    run(db, ONE, &after);
    db_flush(db);
    await(db, &after);
    ck_assert_int_eq(after.err, APM_OK);
    db_destroy(&db);
}
END_TEST

START_TEST(idle_time_is_not_silence)
{
    migrated();
    struct db *db = connected();
    turn(db);
    poll(NULL, 0, 1200);
    struct answer answer = {.is_there = false};
    run(db, ONE, &answer);
    db_flush(db);
    await(db, &answer);
    ck_assert_int_eq(answer.err, APM_OK);
    db_destroy(&db);
}
END_TEST

static Suite *suite(void)
{
    Suite *db = suite_create("db");
    TCase *tc = tcase_create("db");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, fresh, NULL);
    tcase_add_test(tc, migrating_twice_is_migrating_once);
    tcase_add_test(tc, a_changed_migration_is_refused);
    tcase_add_test(tc, a_failed_migration_leaves_nothing);
    tcase_add_test(tc, readers_see_views_alone);
    tcase_add_test(tc, an_absent_server_is_named);
    tcase_add_test(tc, an_unmigrated_database_is_refused);
    tcase_add_test(tc, a_newer_database_is_refused);
    tcase_add_loop_test(tc, a_server_that_forgets_is_refused, 0, 2);
    tcase_add_test(tc, a_role_cannot_weaken_the_session);
    tcase_add_test(tc, values_come_back_as_sent);
    tcase_add_loop_test(tc, a_commit_is_what_the_server_says, 0, 3);
    tcase_add_test(tc, a_silent_server_is_dropped_and_tried_again);
    tcase_add_test(tc, idle_time_is_not_silence);
    suite_add_tcase(db, tc);
    return db;
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
