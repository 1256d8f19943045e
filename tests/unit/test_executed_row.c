#include "services/consensus/commit_log.h"

#include "tests/support/authority_world.h"
#include "tests/support/unit.h"

static struct world *world;
static struct commit_entry entry;
static struct hash ids[2];
static uint8_t proof[] = "proof";

/* Two namespaces grow at height 1; nothing at height 2. */
static void two_namespaces(void)
{
    union event_payload payload = issue_of("r", "h", 100);

    world = world_new();
    ids[0] = world_bundle_in(world, 0, "payments")->id;
    world_event(world, EVENT_LeaseIssued, &payload);
    ids[1] = world_bundle_in(world, 0, "kernel")->id;
    world_event(world, EVENT_LeaseIssued, &payload);
    entry = (struct commit_entry){
        .id = ids[1],
        .header = {.time_ms = 77},
        .height = 1,
        .ids = span_of(ids, sizeof(ids)),
        .n_bundles = 2,
        .proof = proof,
        .proof_size = sizeof(proof),
    };
}

/* Sanitizers see to it that nothing is written behind the row's bytes. */
START_TEST(a_row_outlives_all_it_was_made_of)
{
    const struct executed *executed = world_apply(world);
    struct executed before = *executed;
    uint8_t outcomes[256];
    memcpy(outcomes, before.outcomes.data, before.outcomes.size);
    struct executed_row row;
    executed_row_init(&row, &entry, executed);
    (void)world_apply(world); /* takes back what `executed` pointed to */
    struct hash first = ids[0];
    memset(ids, 0, sizeof(ids));
    memset(proof, 0, sizeof(proof));

    ck_assert_uint_eq(row.row.height, 1);
    ck_assert_uint_eq(row.row.time_ms, 77);
    ck_assert(hash_eq(&row.row.state_root, &before.state_root));
    ck_assert(hash_eq(&row.row.authority_root, &before.authority_root));
    ck_assert(hash_eq(&row.row.ledger_root, &before.ledger_root));
    ck_assert_uint_eq(row.row.bundles.size, 2 * sizeof(struct hash));
    ck_assert_mem_eq(row.row.bundles.data, first.b, sizeof(first));
    ck_assert(span_eq(row.row.proof, span_of("proof", sizeof(proof))));
    ck_assert(span_eq(row.row.outcomes, span_of(outcomes, before.outcomes.size)));
    executed_row_release(&row);
}
END_TEST

START_TEST(segments_say_what_each_namespace_gained)
{
    struct executed_row row;
    executed_row_init(&row, &entry, world_apply(world));
    static const char *const names[] = {"kernel", "payments"};

    ck_assert_uint_eq(row.row.n_segments, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct store_segment *segment = &row.row.segments[i];
        const struct ledger_head *head =
            ledger_find(execution_ledger(world->execution), text(names[i]));
        ck_assert(span_eq(segment->space, text(names[i])));
        ck_assert_uint_eq(segment->first_seq, 0);
        ck_assert_uint_eq(segment->n_records, 1);
        ck_assert(hash_eq(&segment->chain, &head->chain));
        struct hash root = merkle_frontier_root(&head->tree);
        ck_assert(hash_eq(&segment->tree_root, &root));
    }
    executed_row_release(&row);
}
END_TEST

START_TEST(an_empty_block_has_a_row)
{
    (void)world_apply(world);
    struct commit_entry nothing = {.height = 2};
    struct executed_row row;
    executed_row_init(&row, &nothing, world_apply(world));
    ck_assert_uint_eq(row.row.n_segments, 0);
    ck_assert_uint_eq(row.row.bundles.size, 0);
    ck_assert_uint_eq(row.row.proof.size, 0);
    ck_assert_uint_gt(row.row.outcomes.size, 0);
    executed_row_release(&row);
}
END_TEST

UNIT_MAIN("executed_row", two_namespaces, worlds_end, {
    tcase_add_test(tc, a_row_outlives_all_it_was_made_of);
    tcase_add_test(tc, segments_say_what_each_namespace_gained);
    tcase_add_test(tc, an_empty_block_has_a_row);
})
