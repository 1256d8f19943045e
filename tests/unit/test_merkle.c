#include "tests/support/unit.h"

#include "common/hash.h"
#include "common/merkle/merkle.h"

#define LEAVES_MAX 64

static struct hash leaves[LEAVES_MAX];

static void some_leaves(void)
{
    for (uint8_t i = 0; i < LEAVES_MAX; i++)
        leaves[i] = merkle_leaf(span_of(&i, 1));
}

/* RFC 9162 2.1.1 as it is written, as a second opinion. */
static struct hash root_by_definition(const struct hash *list, size_t n)
{
    if (n == 0)
        return hash_bytes(span_of(NULL, 0));
    if (n == 1)
        return list[0];
    size_t split = 1;
    while (split * 2 < n)
        split *= 2;
    struct hash left = root_by_definition(list, split);
    struct hash right = root_by_definition(list + split, n - split);
    return merkle_node(&left, &right);
}

static struct hash root_by_frontier(const struct hash *list, size_t n)
{
    struct merkle_frontier frontier;

    merkle_frontier_init(&frontier);
    for (size_t i = 0; i < n; i++)
        merkle_frontier_append(&frontier, &list[i]);
    return merkle_frontier_root(&frontier);
}

START_TEST(prefixes_are_those_of_the_rfc)
{
    const uint8_t leaf[] = {0x00, 'x'};
    uint8_t node[65] = {0x01};
    memcpy(node + 1, leaves[0].b, 32);
    memcpy(node + 33, leaves[1].b, 32);

    struct hash want_leaf = hash_bytes(span_of(leaf, sizeof(leaf)));
    struct hash want_node = hash_bytes(span_of(node, sizeof(node)));
    struct hash got_leaf = merkle_leaf(span_of("x", 1));
    struct hash got_node = merkle_node(&leaves[0], &leaves[1]);
    ck_assert(hash_eq(&got_leaf, &want_leaf));
    ck_assert(hash_eq(&got_node, &want_node));
}
END_TEST

START_TEST(the_frontier_gives_the_root_of_the_definition)
{
    size_t n = (size_t)_i;
    struct hash want = root_by_definition(leaves, n);
    struct hash got = root_by_frontier(leaves, n);

    ck_assert(hash_eq(&got, &want));
}
END_TEST

START_TEST(a_root_of_hashes_hashes_each_as_a_leaf)
{
    size_t n = (size_t)_i;
    struct hash as_leaves[LEAVES_MAX];
    for (size_t i = 0; i < n; i++)
        as_leaves[i] = merkle_leaf(span_of(leaves[i].b, sizeof(leaves[i].b)));

    struct hash want = root_by_definition(as_leaves, n);
    struct hash got = merkle_root_of_hashes(leaves, n);
    ck_assert(hash_eq(&got, &want));
}
END_TEST

START_TEST(every_path_verifies_at_its_own_place_only)
{
    size_t n = (size_t)_i;
    struct hash root = root_by_definition(leaves, n);
    struct merkle_path path;

    for (size_t index = 0; index < n; index++) {
        merkle_path(leaves, n, index, &path);
        for (size_t claimed = 0; claimed < n; claimed++) {
            path.index = claimed;
            bool verifies = merkle_path_verify(&leaves[index], &path, &root);
            ck_assert_msg(verifies == (claimed == index), "n %zu, leaf %zu as %zu", n, index,
                          claimed);
        }
    }
}
END_TEST

START_TEST(a_flipped_bit_or_a_step_more_or_less_fails)
{
    size_t n = (size_t)_i;
    struct hash root = root_by_definition(leaves, n);
    struct merkle_path path;

    for (size_t index = 0; index < n; index++) {
        merkle_path(leaves, n, index, &path);
        for (size_t bit = 0; bit < path.n_hashes * 256; bit++) {
            uint8_t *byte = &path.hashes[bit / 256].b[bit % 256 / 8];
            uint8_t mask = (uint8_t)(1u << bit % 8);
            *byte ^= mask;
            ck_assert(!merkle_path_verify(&leaves[index], &path, &root));
            *byte ^= mask;
        }
        struct hash other = leaves[index];
        other.b[31] ^= 1;
        ck_assert(!merkle_path_verify(&other, &path, &root));
        path.hashes[path.n_hashes++] = leaves[0];
        ck_assert(!merkle_path_verify(&leaves[index], &path, &root));
        path.n_hashes = path.n_hashes > 1 ? path.n_hashes - 2 : 65;
        ck_assert(!merkle_path_verify(&leaves[index], &path, &root));
    }
}
END_TEST

static const struct {
    uint64_t index, n;
    uint32_t n_hashes;
    bool want;
} places[] = {{0, 1, 0, true},
              {1, 1, 0, false},
              {0, 0, 0, false},
              {UINT64_MAX, UINT64_MAX, 64, false},
              {0, 1, UINT32_MAX, false}};

START_TEST(an_index_past_the_tree_fails)
{
    struct merkle_path path = {
        .index = places[_i].index, .n = places[_i].n, .n_hashes = places[_i].n_hashes};

    ck_assert(merkle_path_verify(&leaves[0], &path, &leaves[0]) == places[_i].want);
}
END_TEST

START_TEST(a_path_to_nowhere_is_our_bug)
{
    struct merkle_path path;
    merkle_path(leaves, 3, 3, &path);
}
END_TEST

UNIT_MAIN("merkle", some_leaves, NULL, {
    tcase_add_test(tc, prefixes_are_those_of_the_rfc);
    tcase_add_loop_test(tc, the_frontier_gives_the_root_of_the_definition, 0, LEAVES_MAX + 1);
    tcase_add_loop_test(tc, a_root_of_hashes_hashes_each_as_a_leaf, 0, LEAVES_MAX + 1);
    tcase_add_loop_test(tc, every_path_verifies_at_its_own_place_only, 1, LEAVES_MAX + 1);
    tcase_add_loop_test(tc, a_flipped_bit_or_a_step_more_or_less_fails, 1, 24);
    tcase_add_loop_test(tc, an_index_past_the_tree_fails, 0, N_ELEMENTS(places));
    tcase_add_test_raise_signal(tc, a_path_to_nowhere_is_our_bug, SIGABRT);
})
