#include "tests/support/unit.h"

#include "common/hash.h"
#include "common/merkle/merkle.h"

#define KEYS 48u
#define CAPACITY (2u * KEYS)

/* The definition itself: a sorted list and recursion over 256 levels. */
struct model {
    bool has[KEYS];
    struct hash value[KEYS];
};

static struct hash keys[KEYS];
static struct smap_node nodes[CAPACITY];
static struct smap map;
static struct model model;
static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

static unsigned int bit_of(const struct hash *key, unsigned int depth)
{
    return (unsigned int)(key->b[depth / 8] >> (7 - depth % 8)) & 1u;
}

/* Every second key is a neighbour of the one before: alike but for one bit, the
 * last one at times, so that the tree gets as deep as it can. */
static void empty_map(void)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        keys[i] = hash_bytes(span_of(&i, sizeof(i)));
        if (i % 2 == 1) {
            unsigned int bit = i % 8 == 1 ? 255 : (i * 37) % 256;
            keys[i] = keys[i - 1];
            keys[i].b[bit / 8] ^= (uint8_t)(1u << (7 - bit % 8));
        }
    }
    smap_init(&map, nodes, CAPACITY);
    model = (struct model){0};
    seed = 1;
}

static struct hash value_of(uint32_t number)
{
    return hash_tagged("value", &(struct span){(const uint8_t *)&number, sizeof(number)}, 1);
}

static struct hash pair_of(struct hash left, struct hash right)
{
    struct span parts[] = {span_of(left.b, 32), span_of(right.b, 32)};
    return hash_tagged("node", parts, 2);
}

/* Of the listed entries, which agree on the first `depth` bits. */
static struct hash model_subtree(const uint32_t *list, uint32_t n, unsigned int depth)
{
    if (n == 0)
        return (struct hash){{0}};
    if (n == 1) {
        struct span parts[] = {span_of(keys[list[0]].b, 32), span_of(model.value[list[0]].b, 32)};
        return hash_tagged("leaf", parts, 2);
    }
    uint32_t side[2][KEYS] = {{0}};
    uint32_t n_side[2] = {0, 0};
    for (uint32_t i = 0; i < n; i++) {
        unsigned int bit = bit_of(&keys[list[i]], depth);
        side[bit][n_side[bit]++] = list[i];
    }
    return pair_of(model_subtree(side[0], n_side[0], depth + 1),
                   model_subtree(side[1], n_side[1], depth + 1));
}

static struct hash model_root(void)
{
    uint32_t list[KEYS];
    uint32_t n = 0;

    for (uint32_t i = 0; i < KEYS; i++) {
        if (model.has[i])
            list[n++] = i;
    }
    return model_subtree(list, n, 0);
}

static void put(uint32_t i, uint32_t number)
{
    model.has[i] = true;
    model.value[i] = value_of(number);
    ck_assert(smap_put(&map, &keys[i], &model.value[i]));
}

static void take(uint32_t i)
{
    model.has[i] = false;
    smap_remove(&map, &keys[i]);
}

static void check_against_model(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < KEYS; i++) {
        struct hash value;
        n += model.has[i];
        ck_assert(smap_get(&map, &keys[i], &value) == model.has[i]);
        if (model.has[i])
            ck_assert(hash_eq(&value, &model.value[i]));
    }
    ck_assert_uint_eq(map.n_entries, n);
    struct hash want = model_root();
    struct hash got = smap_root(&map);
    ck_assert(hash_eq(&got, &want));
}

START_TEST(random_changes_follow_the_model)
{
    seed = (uint64_t)_i;
    for (uint32_t step = 0; step < 300; step++) {
        uint32_t i = below(KEYS);
        /* Phases of growth and of shrinking, so that full and empty are reached. */
        bool grows = step / 60 % 2 == 0;
        if (below(10) < (grows ? 8u : 2u))
            put(i, step);
        else
            take(i);
        if (below(4) == 0)
            check_against_model();
    }
    check_against_model();
}
END_TEST

START_TEST(the_order_of_changes_leaves_no_trace)
{
    static struct smap_node other_nodes[CAPACITY];
    struct smap other;

    for (uint32_t i = 0; i < KEYS; i++)
        put(i, i);
    for (uint32_t i = 0; i < KEYS; i += 3)
        take(i);
    smap_init(&other, other_nodes, CAPACITY);
    for (uint32_t i = KEYS; i-- > 0;) {
        if (model.has[i])
            ck_assert(smap_put(&other, &keys[i], &model.value[i]));
    }
    struct hash one = smap_root(&map);
    struct hash two = smap_root(&other);
    ck_assert(hash_eq(&one, &two));
}
END_TEST

START_TEST(empty_is_zero_and_one_entry_is_its_leaf)
{
    struct hash root = smap_root(&map);
    ck_assert(hash_is_zero(&root));

    put(0, 7);
    struct span parts[] = {span_of(keys[0].b, 32), span_of(model.value[0].b, 32)};
    struct hash leaf = hash_tagged("leaf", parts, 2);
    root = smap_root(&map);
    ck_assert(hash_eq(&root, &leaf));

    take(0);
    root = smap_root(&map);
    ck_assert(hash_is_zero(&root));
}
END_TEST

START_TEST(a_full_map_refuses_and_stays_whole)
{
    struct smap_node few[6]; /* the empty tree, and 5 nodes: three entries */
    struct hash value = value_of(1);

    smap_init(&map, few, N_ELEMENTS(few));
    for (uint32_t i = 0; i < 6; i += 2) {
        ck_assert(smap_put(&map, &keys[i], &value));
    }
    struct hash before = smap_root(&map);
    ck_assert(!smap_put(&map, &keys[1], &value));
    ck_assert(!smap_get(&map, &keys[1], &value));
    struct hash after = smap_root(&map);
    ck_assert(hash_eq(&before, &after));

    /* A value may still change, and room comes back. */
    ck_assert(smap_put(&map, &keys[0], &value));
    smap_remove(&map, &keys[2]);
    ck_assert(smap_put(&map, &keys[1], &value));
}
END_TEST

START_TEST(removing_what_is_not_there_changes_nothing)
{
    put(0, 1);
    put(2, 2);
    struct hash before = smap_root(&map);
    take(1);
    take(5);
    struct hash after = smap_root(&map);
    ck_assert(hash_eq(&before, &after));
    check_against_model();
}
END_TEST

UNIT_MAIN("smap", empty_map, NULL, {
    tcase_add_loop_test(tc, random_changes_follow_the_model, 1, 60);
    tcase_add_test(tc, the_order_of_changes_leaves_no_trace);
    tcase_add_test(tc, empty_is_zero_and_one_entry_is_its_leaf);
    tcase_add_test(tc, a_full_map_refuses_and_stays_whole);
    tcase_add_test(tc, removing_what_is_not_there_changes_nothing);
})
