#include "services/consensus/block_pool.h"

#include "common/hash.h"
#include "tests/support/unit.h"

static struct block_pool pool;

static struct hash id_of(uint64_t number)
{
    return hash_bytes(span_of(&number, sizeof(number)));
}

static void empty(void)
{
    pool = (struct block_pool){0};
}

/* A block of `number` on `parent` with that many bundles; its bytes do not outlive the call. */
static struct pooled_block *add(uint64_t number, uint64_t parent, uint32_t n_bundles)
{
    struct hash id = id_of(number);
    struct hash ids[4];
    for (uint32_t i = 0; i < n_bundles; i++)
        ids[i] = id_of(1000 * number + i);
    struct wire_header header = {.height = number, .parent = id_of(parent)};
    struct wire_proposal proposal = {.bundles = span_of(ids, n_bundles * sizeof(ids[0]))};
    uint8_t bytes[1024];
    size_t size = wire_encode(WIRE_proposal, &proposal, bytes, sizeof(bytes));
    ck_assert_uint_gt(size, 0);
    struct pooled_block *block = block_pool_add(&pool, &id, &header, span_of(bytes, size), 2);
    memset(bytes, 0xee, sizeof(bytes));
    return block;
}

START_TEST(a_block_keeps_its_bytes_and_names_its_bundles)
{
    struct hash id = id_of(7);
    ck_assert_ptr_null(block_pool_find(&pool, &id));
    ck_assert_ptr_nonnull(add(7, 6, 3));

    struct pooled_block *block = block_pool_find(&pool, &id);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq(block->from, 2);
    ck_assert_uint_eq(block->header.height, 7);
    ck_assert_uint_eq(block->n_bundles, 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct hash want = id_of(7000 + i);
        ck_assert_mem_eq(block->ids.data + i * sizeof(want), want.b, sizeof(want));
    }
    pooled_block_release(block);
    ck_assert_ptr_null(block_pool_find(&pool, &id));
}
END_TEST

START_TEST(places_end_and_come_back)
{
    for (uint64_t i = 1; i <= POOLED_BLOCKS_MAX; i++)
        ck_assert_ptr_nonnull(add(i, i - 1, 0));
    ck_assert_ptr_null(add(500, 499, 0));
    struct hash id = id_of(3);
    pooled_block_release(block_pool_find(&pool, &id));
    ck_assert_ptr_nonnull(add(500, 499, 0));
    block_pool_release(&pool);
    id = id_of(500);
    ck_assert_ptr_null(block_pool_find(&pool, &id));
}
END_TEST

/* 1 to 5 in a line; 14 on 3; 6 is missing under 7. */
static const struct row {
    uint64_t from;
    uint32_t max;
    uint32_t n;
    uint64_t want[5];
} rows[] = {
    {5, 10, 5, {5, 4, 3, 2, 1}},
    {14, 10, 4, {14, 3, 2, 1}},
    {7, 10, 1, {7}},
    {6, 10, 0, {0}},
    {5, 2, 2, {5, 4}},
    {5, 0, 0, {0}},
};

START_TEST(a_chain_goes_back_to_the_first_gap)
{
    const struct row *row = &rows[_i];
    struct hash blocks[10];
    struct hash from = id_of(row->from);

    for (uint64_t i = 5; i >= 1; i--)
        (void)add(i, i - 1, 1);
    (void)add(14, 3, 1);
    (void)add(7, 6, 1);
    ck_assert_uint_eq(block_pool_chain(&pool, &from, blocks, row->max), row->n);
    for (uint32_t i = 0; i < row->n; i++) {
        struct hash want = id_of(row->want[i]);
        ck_assert_msg(hash_eq(&blocks[i], &want), "place %u", i);
    }
}
END_TEST

UNIT_MAIN("block_pool", empty, NULL, {
    tcase_add_test(tc, a_block_keeps_its_bytes_and_names_its_bundles);
    tcase_add_test(tc, places_end_and_come_back);
    tcase_add_loop_test(tc, a_chain_goes_back_to_the_first_gap, 0, N_ELEMENTS(rows));
})
