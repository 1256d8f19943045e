#include "common/ledger/replay.h"

#include "tests/support/authority_blocks.h"
#include "tests/support/unit.h"

/* A verifier has blocks and stored outcomes only. */
static void start(struct ledger *ledger)
{
    const struct span spaces[] = {text("payments"), text("kernel")};
    ck_assert(ledger_start(ledger, spaces, N_ELEMENTS(spaces)));
}

START_TEST(replay_reaches_the_same_ledger)
{
    static struct ledger ledger;
    struct world *world = world_new();
    start(&ledger);

    for (uint64_t seed = 0; seed < 300; seed++) {
        add_random_block(world, seed);
        uint32_t n_bundles = world->n_bundles;
        const struct executed *executed = world_apply(world);
        const struct ledger_block block = {world->height, world->bundles, n_bundles};
        struct ledger_segments segments;
        ck_assert_int_eq(ledger_replay(&ledger, &block, executed->outcomes, &segments), RECORDS_OK);
        struct hash root = ledger_root(&ledger);
        ck_assert(hash_eq(&root, &executed->ledger_root));
        ck_assert_uint_eq(segments.n, executed->segments.n);
    }
}
END_TEST

START_TEST(any_flipped_bit_is_seen)
{
    struct world *world = world_new();
    static struct ledger before;
    static struct ledger ledger;
    start(&before);
    (void)world_bundle(world, 0);
    for (uint32_t i = 0; i < 3; i++) {
        union event_payload payload = issue_of("same", "h", 100);
        world_event(world, EVENT_LeaseIssued, &payload);
    }
    const struct executed *executed = world_apply(world);
    const struct ledger_block block = {1, world->bundles, 1};
    const struct hash root_before = ledger_root(&before);
    uint8_t bytes[2048];
    ck_assert_uint_le(executed->outcomes.size, sizeof(bytes));
    ck_assert_uint_eq(executed->n_derived, 2);

    for (size_t bit = 0; bit < 8 * executed->outcomes.size; bit++) {
        memcpy(bytes, executed->outcomes.data, executed->outcomes.size);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct ledger_segments segments;
        ledger = before;
        enum records_verdict verdict =
            ledger_replay(&ledger, &block, span_of(bytes, executed->outcomes.size), &segments);
        struct hash root = ledger_root(&ledger);
        if (verdict == RECORDS_OK)
            ck_assert(!hash_eq(&root, &executed->ledger_root));
        else
            ck_assert(hash_eq(&root, &root_before));
    }
}
END_TEST

static uint8_t hostile[] = "\x93\x01\xc4\x00\xdd\xff\xff\xff\xff";

START_TEST(hostile_outcomes_are_malformed)
{
    struct outcomes_view view;

    for (size_t size = 0; size < sizeof(hostile); size++)
        ck_assert(!outcomes_parse(span_of(hostile, size), &view));
    ck_assert(outcomes_parse(span_of("\x93\x01\xc4\x00\x90", 5), &view));
    ck_assert(!outcomes_parse(span_of("\x93\x02\xc4\x00\x90", 5), &view));
}
END_TEST

UNIT_MAIN("replay", NULL, worlds_end, {
    tcase_add_test(tc, replay_reaches_the_same_ledger);
    tcase_add_test(tc, any_flipped_bit_is_seen);
    tcase_add_test(tc, hostile_outcomes_are_malformed);
})
