/*
 * mempool and blocks: what a block holds, what it wants, and what is left to propose on
 * each branch.
 */
#include "tests/support/unit.h"

#include "tests/support/mempool_rig.h"

START_TEST(picks_by_arrival_within_the_budget)
{
    add_some("3142");
    struct mempool_item large = item_of(5);
    ck_assert_int_eq(add_item(large, 500), MEMPOOL_ADDED);
    struct mempool_item old = item_of(6);
    old.expiry_height = 6;
    ck_assert_int_eq(add_item(old, BODY_BYTES), MEMPOOL_ADDED);

    expect_pick("", &plenty, "314256");
    expect_pick("", &(struct mempool_budget){2, 10000, 1}, "31");
    expect_pick("", &(struct mempool_budget){9, 299, 1}, "31");
    expect_pick("", &(struct mempool_budget){9, 300, 1}, "314");
    expect_pick("", &(struct mempool_budget){9, 450, 1}, "3142"); /* 5 fits no such block */
    expect_pick("", &(struct mempool_budget){9, 10000, 6}, "314256");
    expect_pick("", &(struct mempool_budget){9, 10000, 7}, "31425");
    expect_pick("", &(struct mempool_budget){0, 10000, 1}, "");
}
END_TEST

START_TEST(what_is_pending_depends_on_the_branch)
{
    add_some("1234");
    ck_assert(mark('A', "1 2"));
    ck_assert(mark('B', "3"));
    ck_assert(mark('X', "1 4"));
    expect_pick("", &plenty, "1234");
    expect_pick("BA", &plenty, "4");
    expect_pick("X", &plenty, "23");
    expect_pick("Q", &plenty, "1234");
    ck_assert_uint_eq(pending_on("BA").oldest_ms, 1004);
    ck_assert_uint_eq(pending_on("X").oldest_ms, 1002);
    ck_assert(mark('C', "4"));
    ck_assert(!pending_on("CBA").any);
    ck_assert(pending_on("CB").any);

    unmark('C');
    ck_assert(pending_on("CBA").any);
    commit('A', "1 2");
    expect_pick("B", &plenty, "4");
    expect_pick("X", &plenty, "3");
    unmark('X');
    unmark('B');
    expect_pick("B", &plenty, "34");
    ck_assert_uint_eq(mempool_size(pool).blocks, 0);
}
END_TEST

START_TEST(a_block_wants_what_is_not_here)
{
    struct hash block = block_of('A'), missing[4], id = id_of(2);
    add_some("1");
    ck_assert(mark('A', "2 1 3"));
    ck_assert(mark('A', "9")); /* marked already: no change */
    ck_assert_uint_eq(mempool_size(pool).wanted, 2);
    ck_assert_uint_eq(mempool_n_missing(pool, &block), 2);
    ck_assert_int_eq(mempool_seen(pool, &id), MEMPOOL_ADDED);
    ck_assert_uint_eq(mempool_missing(pool, &block, missing, 1), 1);
    ck_assert_uint_eq(mempool_missing(pool, &block, missing, 4), 2);
    struct hash third = id_of(3);
    ck_assert(hash_eq(&missing[0], &id) && hash_eq(&missing[1], &third));

    add_some("2");
    ck_assert_uint_eq(mempool_n_missing(pool, &block), 1);
    expect_pick("A", &plenty, "");
    expect_pick("", &plenty, "12");
    unmark('A'); /* nobody wants 3 any more */
    ck_assert_uint_eq(mempool_size(pool).wanted, 0);
    ck_assert_uint_eq(mempool_n_missing(pool, &block), 0);
}
END_TEST

START_TEST(wanted_bundles_pass_the_limits_until_let_go)
{
    add_some("12345678");
    ck_assert_int_eq(add(9), MEMPOOL_BUSY_BUNDLES);
    ck_assert(mark('A', "9"));
    ck_assert_int_eq(add(9), MEMPOOL_ADDED);
    ck_assert_uint_eq(mempool_size(pool).bundles, 9);
    unmark('A');
    ck_assert_uint_eq(mempool_size(pool).bundles, 8);
    struct hash nine = id_of(9);
    ck_assert_ptr_null(mempool_body(pool, &nine));
    expect_pick("", &plenty, "12345678");
}
END_TEST

START_TEST(only_so_many_blocks)
{
    for (uint32_t i = 0; i < MEMPOOL_BLOCKS_MAX; i++)
        ck_assert(mark((char)(1 + i), "1"));
    ck_assert(!mark('~', "1"));
    unmark(1);
    ck_assert(mark('~', "1"));
}
END_TEST

UNIT_MAIN("mempool_block", mempool_fixture, mempool_cleanup, {
    tcase_add_test(tc, picks_by_arrival_within_the_budget);
    tcase_add_test(tc, what_is_pending_depends_on_the_branch);
    tcase_add_test(tc, a_block_wants_what_is_not_here);
    tcase_add_test(tc, wanted_bundles_pass_the_limits_until_let_go);
    tcase_add_test(tc, only_so_many_blocks);
})
