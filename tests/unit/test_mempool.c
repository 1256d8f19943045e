/*
 * mempool: what is let in, what each may take up, how it grows old; and a long random run
 * against a model that only counts.
 */
#include "tests/support/unit.h"

#include "services/consensus/mempool_index.h"
#include "tests/support/mempool_rig.h"

/* ---- adding ---- */

START_TEST(keeps_what_it_is_given)
{
    struct mempool_item item = item_of(3), got;
    item.is_from_peer = true;
    ck_assert_int_eq(add_item(item, BODY_BYTES), MEMPOOL_ADDED);
    ck_assert(mempool_look(pool, &item.id, &got));
    ck_assert_uint_eq(got.nonce, 3);
    ck_assert_uint_eq(got.expiry_height, 100);
    ck_assert_uint_eq(got.received_ms, 1003);
    ck_assert(got.is_from_peer && key_eq(&got.origin, &item.origin));
    ck_assert(key_eq(&got.actor, &item.actor));
    ck_assert_uint_eq(mempool_body(pool, &item.id)->size, BODY_BYTES);
    ck_assert_uint_eq(mempool_body(pool, &item.id)->refs, 1);
    struct hash other = id_of(4);
    ck_assert_ptr_null(mempool_body(pool, &other));
    ck_assert(!mempool_look(pool, &other, &got));
}
END_TEST

START_TEST(knows_what_it_has_seen)
{
    struct hash id = id_of(1);
    ck_assert_int_eq(mempool_seen(pool, &id), MEMPOOL_ADDED);
    add_some("1");
    ck_assert_int_eq(add(1), MEMPOOL_DUPLICATE);
    ck_assert_int_eq(mempool_seen(pool, &id), MEMPOOL_DUPLICATE);
    commit('A', "1");
    ck_assert_int_eq(add(1), MEMPOOL_COMMITTED);
    ck_assert_ptr_null(mempool_body(pool, &id));
    /* The memory of committed ids is as long as the pool is large. */
    commit('B', "2345678");
    ck_assert_int_eq(add(1), MEMPOOL_COMMITTED);
    commit('C', "9");
    ck_assert_int_eq(add(1), MEMPOOL_ADDED);
    ck_assert_int_eq(add(2), MEMPOOL_COMMITTED);
}
END_TEST

static const struct limit_row {
    const char *label;
    uint32_t n;    /* so many fit */
    uint32_t size; /* of each */
    bool same_origin;
    bool same_actor;
    bool is_from_peer;
    enum mempool_verdict want; /* of the next */
} limit_rows[] = {
    {"bundles", 8, 10, false, false, false, MEMPOOL_BUSY_BUNDLES},
    {"bytes", 5, 400, false, false, false, MEMPOOL_BUSY_BYTES},
    {"a client's bundles", 4, 10, true, false, false, MEMPOOL_BUSY_ORIGIN},
    {"a client's bytes", 2, 400, true, false, false, MEMPOOL_BUSY_ORIGIN},
    {"a peer's bundles", 6, 10, true, false, true, MEMPOOL_BUSY_ORIGIN},
    {"a peer's bytes", 3, 500, true, false, true, MEMPOOL_BUSY_ORIGIN},
    {"an actor's bundles", 3, 10, false, true, false, MEMPOOL_BUSY_ACTOR},
};

START_TEST(says_which_limit)
{
    const struct limit_row *row = &limit_rows[_i];
    for (uint32_t round = 0; round < 2; round++) { /* committing gives the share back */
        struct hash ids[16];
        for (uint32_t i = 0; i <= row->n; i++) {
            struct mempool_item item = item_of(100 * round + i);
            ids[i] = item.id;
            item.is_from_peer = row->is_from_peer;
            if (row->same_origin)
                item.origin = key_of(1000);
            if (row->same_actor)
                item.actor = key_of(1000);
            enum mempool_verdict got = add_item(item, row->size);
            enum mempool_verdict want = i < row->n ? MEMPOOL_ADDED : row->want;
            ck_assert_msg(got == want, "%s, %u: %s", row->label, i, mempool_verdict_text(got));
        }
        struct hash block = block_of('A');
        mempool_commit(pool, &block, ids, row->n);
        ck_assert_uint_eq(mempool_size(pool).bundles, 0);
        ck_assert_uint_eq(mempool_size(pool).bytes, 0);
    }
}
END_TEST

/* ---- time ---- */

START_TEST(overtaken_by_a_later_one)
{
    add_some("12");
    commit('A', "1");
    ck_assert(!pending_on("").is_overtaken);
    add_some("34");
    commit('B', "4");
    ck_assert(pending_on("").is_overtaken);
    ck_assert_uint_eq(pending_on("").oldest_ms, 1002);
    commit('C', "2 3");
    ck_assert(!pending_on("").any);
}
END_TEST

START_TEST(resends_each_once_a_round)
{
    struct hash ids[8], want[8];
    add_some("123");
    ck_assert_uint_eq(mempool_resend(pool, 1000, 2000, ids, 8), 0);
    ck_assert_uint_eq(mempool_resend(pool, 1002, 2000, ids, 1), 1);
    commit('A', "2");
    add_some("4");
    ck_assert_uint_eq(pending_on("").resent_ms, 2000);
    ck_assert_uint_eq(mempool_resend(pool, 1009, 2100, ids, 8), 2);
    (void)ids_of("34", want);
    ck_assert(hash_eq(&ids[0], &want[0]) && hash_eq(&ids[1], &want[1]));
    ck_assert_uint_eq(mempool_resend(pool, 1009, 2200, ids, 8), 0);
    add_some("5");
    ck_assert_uint_eq(mempool_resend(pool, 1009, 2300, ids, 8), 1);

    /* A resend may be lost: what still waits is sent again a round later. */
    ck_assert_uint_eq(mempool_resend(pool, 1999, 3000, ids, 8), 0);
    ck_assert_uint_eq(mempool_resend(pool, 2000, 3000, ids, 8), 1);
    ck_assert_uint_eq(mempool_resend(pool, 2300, 3300, ids, 8), 3);
    ck_assert_uint_eq(mempool_resend(pool, 2300, 3300, ids, 8), 0);
}
END_TEST

static enum mempool_verdict add_expiring(uint32_t number, uint64_t expiry_height)
{
    struct mempool_item item = item_of(number);
    item.expiry_height = expiry_height;
    return add_item(item, BODY_BYTES);
}

START_TEST(expires_by_height)
{
    struct mempool_item gone[8];
    ck_assert_uint_eq(mempool_expire(pool, 50, gone, 8), 0);
    ck_assert_int_eq(add_expiring(1, 50), MEMPOOL_EXPIRED);
    ck_assert_int_eq(add_expiring(1, 51), MEMPOOL_ADDED);
    ck_assert_int_eq(add_expiring(2, 52), MEMPOOL_ADDED);
    ck_assert_int_eq(add_expiring(3, 52), MEMPOOL_ADDED);
    ck_assert_int_eq(add_expiring(4, 50 + BUNDLE_EXPIRY_HEIGHTS_MAX), MEMPOOL_ADDED);
    ck_assert_int_eq(add_expiring(5, 51 + BUNDLE_EXPIRY_HEIGHTS_MAX), MEMPOOL_EXPIRY_TOO_FAR);

    ck_assert_uint_eq(mempool_expire(pool, 51, gone, 8), 1);
    struct hash first = id_of(1);
    ck_assert(hash_eq(&gone[0].id, &first));
    ck_assert_ptr_null(gone[0].body);
    ck_assert_uint_eq(gone[0].nonce, 1);
    ck_assert(mark('A', "2"));
    ck_assert_uint_eq(mempool_expire(pool, 60, gone, 1), 1);
    ck_assert_uint_eq(mempool_expire(pool, 60, gone, 1), 1);
    ck_assert_uint_eq(mempool_expire(pool, 60, gone, 1), 0);
    struct hash block = block_of('A');
    ck_assert_uint_eq(mempool_n_missing(pool, &block), 1);
    ck_assert_uint_eq(mempool_expire(pool, 1000000, gone, 8), 1);
    ck_assert_uint_eq(mempool_size(pool).bundles, 0);
}
END_TEST

/* ---- in the long run ---- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

enum model_state { ABSENT, WAITING, DONE };

/* Everything at random; the model knows only which bundle is in which state. */
START_TEST(a_long_run_matches_a_model)
{
    enum { N = 4000, ROUNDS = 200000 };
    static enum model_state model[N];
    struct mempool_limits limits = mempool_limits_default();
    limits.client_bundles_max = limits.actor_bundles_max = limits.bundles_max;
    limits.client_bytes_max = limits.bytes_max;
    mempool_destroy(&pool);
    pool = mempool_new(&limits, (uint64_t)_i);

    uint32_t state = (uint32_t)_i, n_waiting = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t number = next_random(&state) % N;
        struct hash id = id_of(number);
        struct hash block = block_of((char)('A' + next_random(&state) % 20));
        struct mempool_item item = item_of(number);
        item.origin = item.actor = key_of(number % 10);
        switch (next_random(&state) % 8) {
        case 0:
            mempool_commit(pool, &block, &id, 1);
            n_waiting -= model[number] == WAITING;
            model[number] = DONE;
            break;
        case 1:
            ck_assert(mempool_mark(pool, &block, &id, 1));
            break;
        case 2:
            mempool_unmark(pool, &block);
            break;
        default: {
            static const enum mempool_verdict want[] = {MEMPOOL_ADDED, MEMPOOL_DUPLICATE,
                                                        MEMPOOL_COMMITTED};
            ck_assert_int_eq(add_item(item, BODY_BYTES), want[model[number]]);
            n_waiting += model[number] == ABSENT;
            model[number] = model[number] == DONE ? DONE : WAITING;
        }
        }
        ck_assert_uint_eq(mempool_size(pool).bundles, n_waiting);
    }
    ck_assert_uint_eq(mempool_size(pool).bytes, (uint64_t)n_waiting * BODY_BYTES);
    for (uint32_t number = 0; number < N; number++) {
        struct hash id = id_of(number);
        ck_assert((mempool_body(pool, &id) != NULL) == (model[number] == WAITING));
    }
}
END_TEST

/* Colliding keys put into and taken out of a tiny index, in every order of removal. */
START_TEST(the_index_closes_its_gaps)
{
    enum { N = 8 };
    struct key keys[N];
    struct mempool_index index;
    mempool_index_init(&index,
                       &(struct mempool_index_config){N, (uint64_t)_i, keys, sizeof(*keys)});
    for (uint32_t i = 0; i < N; i++) {
        keys[i] = key_of(i + (uint32_t)_i * 100);
        mempool_index_insert(&index, i);
    }
    for (uint32_t step = 0; step < N; step++) {
        uint32_t gone = (step * 3 + (uint32_t)_i) % N;
        mempool_index_remove(&index, gone);
        for (uint32_t i = 0; i < N; i++) {
            bool was_removed = false;
            for (uint32_t before = 0; before <= step; before++)
                was_removed |= (before * 3 + (uint32_t)_i) % N == i;
            ck_assert_uint_eq(mempool_index_find(&index, keys[i].b), was_removed ? SLOT_NONE : i);
        }
    }
    mempool_index_release(&index);
}
END_TEST

UNIT_MAIN("mempool", mempool_fixture, mempool_cleanup, {
    tcase_add_test(tc, keeps_what_it_is_given);
    tcase_add_test(tc, knows_what_it_has_seen);
    tcase_add_loop_test(tc, says_which_limit, 0, N_ELEMENTS(limit_rows));
    tcase_add_test(tc, overtaken_by_a_later_one);
    tcase_add_test(tc, resends_each_once_a_round);
    tcase_add_test(tc, expires_by_height);
    tcase_add_loop_test(tc, a_long_run_matches_a_model, 1, 4);
    tcase_add_loop_test(tc, the_index_closes_its_gaps, 0, 200);
})
