#include "services/consensus/authority/table.h"

#include "services/consensus/authority/expiry.h"
#include "tests/support/unit.h"

static uint64_t random_state = 7;

static uint32_t roll(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

#define SLOTS 64u

/* Few homes, so that runs are long and wrap around. */
static struct hash crowded_key(uint32_t n)
{
    struct hash key = {{0}};
    key.b[0] = (uint8_t)(120 + n % 9);
    key.b[30] = (uint8_t)(n >> 8);
    key.b[31] = (uint8_t)(n + 1);
    return key;
}

static struct table *table_new(void)
{
    static struct hash keys[SLOTS];
    static uint32_t next_free[SLOTS];
    static uint32_t cells[2 * SLOTS];
    static struct table table;

    table = (struct table){keys, next_free, cells, table_cells(SLOTS), SLOTS, 0, 0, SLOT_NONE};
    ck_assert_uint_eq(table.n_cells, 2 * SLOTS);
    return &table;
}

START_TEST(a_table_finds_what_is_in_it)
{
    struct table *table = table_new();
    uint32_t slots[200];
    memset(slots, 0xff, sizeof(slots));

    for (uint32_t n = 0; n < 20000; n++) {
        uint32_t i = roll(N_ELEMENTS(slots));
        struct hash key = crowded_key(i);
        ck_assert_uint_eq(table_find(table, &key), slots[i]);
        if (slots[i] != SLOT_NONE) {
            table_remove(table, slots[i]);
            slots[i] = SLOT_NONE;
        } else {
            bool is_full = table_is_full(table);
            slots[i] = table_add(table, &key);
            ck_assert_int_eq(slots[i] == SLOT_NONE, is_full);
        }
    }
    uint32_t n_seen = 0;
    for (uint32_t slot = table_next(table, 0); slot != SLOT_NONE;
         slot = table_next(table, slot + 1))
        n_seen++;
    ck_assert_uint_eq(n_seen, table->n);
}
END_TEST

START_TEST(the_heap_gives_the_earliest_then_the_lowest_key)
{
    struct hash keys[SLOTS];
    struct expiry_entry heap[SLOTS];
    uint32_t places[SLOTS] = {0};
    uint64_t when[SLOTS] = {0};
    struct expiry expiry = {heap, places, keys, 0};
    for (uint32_t i = 0; i < SLOTS; i++)
        keys[i] = crowded_key(i);

    for (uint32_t n = 0; n < 20000; n++) {
        uint32_t slot = roll(SLOTS);
        when[slot] = roll(3) == 0 ? 0 : 1 + roll(20);
        if (when[slot] == 0)
            expiry_remove(&expiry, slot);
        else
            expiry_set(&expiry, slot, when[slot]);

        uint32_t want = SLOT_NONE;
        for (uint32_t i = 0; i < SLOTS; i++) {
            bool is_first =
                when[i] != 0 && (want == SLOT_NONE || when[i] < when[want] ||
                                 (when[i] == when[want] && memcmp(&keys[i], &keys[want], 32) < 0));
            want = is_first ? i : want;
        }
        uint32_t got = SLOT_NONE;
        ck_assert_int_eq(expiry_due(&expiry, 100, &got), want != SLOT_NONE);
        ck_assert_uint_eq(got, want);
    }
}
END_TEST

UNIT_MAIN("table", NULL, NULL, {
    tcase_add_test(tc, a_table_finds_what_is_in_it);
    tcase_add_test(tc, the_heap_gives_the_earliest_then_the_lowest_key);
})
