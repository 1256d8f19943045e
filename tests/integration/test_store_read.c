/*
 * What the store reads back: at a start, for peers, for clients.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/support/store_rig.h"

#define DATABASE "store_read_test"
#define BLOCK_BYTES 5000u

static struct pg pg;
static struct rig rig;

static void loaded(void)
{
    rig_migrate(&pg, DATABASE);
    rig_open_loaded(&rig, &pg, DATABASE);
}

START_TEST(ranges_end_at_their_limits)
{
    for (uint64_t i = 1; i <= 20; i++)
        rig_persist(&rig, i, BLOCK_BYTES);
    rig_commit(&rig, 1, 20);

    rig_read_range(&rig, 5, 4, 1000000);
    ck_assert_uint_eq(rig.n_rows, 4);
    ck_assert_uint_eq(rig.first_height, 5);
    ck_assert_uint_eq(rig.row.block.height, 8);
    ck_assert_uint_eq(rig.n_bundles, 2);
    ck_assert_uint_eq(rig.row.time_ms, 1008);
    struct hash eight = rig_id(8);
    ck_assert(hash_eq(&rig.row.block.id, &eight) && hash_eq(&rig.row.state_root, &eight));

    rig_read_range(&rig, 1, 20, 3 * (BLOCK_BYTES + 100));
    ck_assert_uint_eq(rig.n_rows, 3);
    rig_read_range(&rig, 1, 20, 1); /* the first always comes */
    ck_assert_uint_eq(rig.n_rows, 1);
    rig_read_range(&rig, 19, 20, 1000000);
    ck_assert_uint_eq(rig.n_rows, 2);
    ck_assert_uint_eq(rig.row.proof.size, 5);
    rig_read_range(&rig, 21, 20, 1000000);
    ck_assert_int_eq(rig.read_err, APM_ERR_NOT_FOUND);
}
END_TEST

START_TEST(blocks_and_bundles_are_found)
{
    rig_persist(&rig, 1, BLOCK_BYTES);
    rig_persist(&rig, 2, BLOCK_BYTES);
    rig_commit(&rig, 1, 1);

    rig_read_block(&rig, 2); /* not committed */
    ck_assert_int_eq(rig.read_err, APM_OK);
    ck_assert_uint_eq(rig.row.outcomes.size, 0);
    ck_assert_uint_eq(rig.n_bundles, 2);
    rig_read_block(&rig, 3);
    ck_assert_int_eq(rig.read_err, APM_ERR_NOT_FOUND);

    rig_find(&rig, 1000003);
    ck_assert_int_eq(rig.read_err, APM_OK);
    ck_assert_uint_eq(rig.found_height, 1);
    ck_assert_uint_eq(rig.found_index, 1);
    rig_find(&rig, 77);
    ck_assert_int_eq(rig.read_err, APM_ERR_NOT_FOUND);
}
END_TEST

static const struct record_row {
    const char *space;
    uint64_t seq;
    enum apm_err err;
    uint64_t height;
    uint64_t index;
} records[] = {
    {"kernel", 0, APM_OK, 1, 0},
    {"kernel", 3, APM_OK, 1, 3},
    {"kernel", 4, APM_OK, 2, 0},
    {"kernel", 11, APM_OK, 3, 3},
    {"kernel", 12, APM_ERR_NOT_FOUND, 0, 0},
    {"kernel", INT64_MAX, APM_ERR_NOT_FOUND, 0, 0},
    {"payments", 0, APM_ERR_NOT_FOUND, 0, 0},
};

START_TEST(records_are_found_by_number)
{
    for (uint64_t i = 1; i <= 3; i++)
        rig_persist(&rig, i, BLOCK_BYTES);
    rig_commit(&rig, 1, 3);
    for (size_t i = 0; i < N_ELEMENTS(records); i++) {
        const struct record_row *row = &records[i];
        rig_find_record(&rig, row->space, row->seq);
        ck_assert_int_eq(rig.read_err, row->err);
        ck_assert_uint_eq(rig.found_height, row->height);
        ck_assert_uint_eq(rig.found_index, row->index);
    }
}
END_TEST

START_TEST(loading_survives_lost_connections)
{
    for (uint64_t i = 1; i <= 3; i++)
        rig_persist(&rig, i, BLOCK_BYTES);
    pg_exec(
        &pg, DATABASE,
        "INSERT INTO block SELECT int8send(n), 1, 1, n, n, ''::bytea, ''::bytea, 0, ''::bytea, 0"
        " FROM generate_series(4, 2000) n",
        NULL);
    pg_exec(&pg, DATABASE,
            "INSERT INTO committed SELECT b.height, b.id, NULL, ''::bytea, ''::bytea, ''::bytea,"
            " ''::bytea, 0 FROM block b",
            NULL);
    rig_close(&rig);
    rig_open(&rig, &pg, DATABASE, 'A');
    rig_load(&rig);
    ck_assert(rig_turn_until(&rig, rig_is_up));
    pg_end_sessions(&pg, "apm2-consensus/n1");
    ck_assert(rig_turn_until(&rig, rig_is_loaded));
    ck_assert_uint_eq(rig.n_committed, 2000);
}
END_TEST

START_TEST(a_gap_in_the_chain_is_corruption)
{
    for (uint64_t i = 1; i <= 3; i++)
        rig_persist(&rig, i, BLOCK_BYTES);
    rig_commit(&rig, 1, 3);
    const char *const damage[] = {"DELETE FROM committed WHERE height = 2",
                                  "DELETE FROM block WHERE height = 3",
                                  "UPDATE committed SET height = 1000 WHERE height = 3"};
    pg_exec(&pg, DATABASE, damage[_i], NULL);
    rig_close(&rig);
    rig_open(&rig, &pg, DATABASE, 'A');
    rig_load(&rig);
    ck_assert(rig_turn_until(&rig, rig_has_failed));
    ck_assert_int_eq(rig.failure, APM_ERR_CORRUPT);
}
END_TEST

START_TEST(another_chain_is_refused)
{
    rig_close(&rig);
    rig_open(&rig, &pg, DATABASE, 'B');
    rig_load(&rig);
    ck_assert(rig_turn_until(&rig, rig_has_failed));
    ck_assert_int_eq(rig.failure, APM_ERR_GENESIS);
}
END_TEST

static Suite *suite(void)
{
    Suite *store = suite_create("store_read");
    TCase *tc = tcase_create("store_read");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, loaded, NULL);
    tcase_add_test(tc, ranges_end_at_their_limits);
    tcase_add_test(tc, blocks_and_bundles_are_found);
    tcase_add_test(tc, records_are_found_by_number);
    tcase_add_test(tc, loading_survives_lost_connections);
    tcase_add_loop_test(tc, a_gap_in_the_chain_is_corruption, 0, 3);
    tcase_add_test(tc, another_chain_is_refused);
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
