#include "common/ledger/records.h"

#include "common/ledger/replay.h"
#include "common/outcome.h"
#include "tests/support/authority_blocks.h"
#include "tests/support/unit.h"

static struct ledger ledger;
static struct world *world;
static struct bundle_view *bundles;
static struct ledger_block block;
static struct span outcomes;

static struct bundle_view *add_issue(unsigned int actor, const char *space, const char *resource)
{
    union event_payload payload = issue_of(resource, "h", 100);
    struct bundle_view *bundle = world_bundle_in(world, actor, space);
    world_event(world, EVENT_LeaseIssued, &payload);
    return bundle;
}

/* Height 2: the lease of height 1 runs out, a second issue conflicts with the first,
 * and the last two bundles are of an unknown namespace and of another one. */
static void a_block_of_everything(void)
{
    const struct span spaces[] = {text("payments")};
    ck_assert(ledger_start(&ledger, spaces, N_ELEMENTS(spaces)));
    world = world_new();
    ck_assert_int_eq(do_issue(world, 0, "old", 5), OUTCOME_APPLIED);
    world->time_ms += 10;

    bundles = add_issue(0, "kernel", "same");
    union event_payload payload = issue_of("same", "h", 100);
    world_event(world, EVENT_LeaseIssued, &payload);
    (void)add_issue(0, "nowhere", "x");
    (void)add_issue(0, "payments", "y");
    uint32_t n_bundles = world->n_bundles;
    outcomes = world_apply(world)->outcomes;
    block = (struct ledger_block){world->height, bundles, n_bundles};
}

static const struct row {
    const char *space;
    uint64_t k;
    uint64_t index;
    int bundle; /* -1: derived */
    uint64_t position;
    const char *type;
    enum outcome code;
} rows[] = {
    {"kernel", 0, 0, -1, 0, "LeaseExpired", OUTCOME_APPLIED},
    {"kernel", 1, 1, 0, 0, "LeaseIssued", OUTCOME_APPLIED},
    {"kernel", 2, 2, 0, 1, "LeaseIssued", OUTCOME_LEASE_CONFLICT},
    {"kernel", 3, 3, -1, 0, "LeaseConflict", OUTCOME_APPLIED},
    {"kernel", 4, 4, 1, 0, "LeaseIssued", OUTCOME_UNKNOWN_NAMESPACE},
    {"payments", 0, 5, 2, 0, "LeaseIssued", OUTCOME_APPLIED},
};

START_TEST(the_kth_record_of_a_namespace)
{
    const struct row *row = &rows[_i];
    struct records records;
    struct record record;
    struct wire_event event;

    ck_assert_int_eq(records_begin(&records, &ledger, &block, outcomes), RECORDS_OK);
    ck_assert(records_find(&records, text(row->space), row->k, &record));
    ck_assert_uint_eq(record.index, row->index);
    ck_assert_uint_eq(record.code, row->code);
    ck_assert_ptr_eq(record.bundle, row->bundle < 0 ? NULL : &bundles[row->bundle]);
    ck_assert_uint_eq(record.position, row->position);
    ck_assert_int_eq(wire_decode_as(WIRE_event, record.event, &event), WIRE_OK);
    ck_assert(span_eq(event.type, text(row->type)));
}
END_TEST

START_TEST(past_the_last_there_is_none)
{
    static const struct {
        const char *space;
        uint64_t k;
    } none[] = {{"kernel", 5}, {"payments", 1}, {"nowhere", 0}, {"", 0}, {"kernel", UINT64_MAX}};

    for (size_t i = 0; i < N_ELEMENTS(none); i++) {
        struct records records;
        struct record record;
        ck_assert_int_eq(records_begin(&records, &ledger, &block, outcomes), RECORDS_OK);
        ck_assert(!records_find(&records, text(none[i].space), none[i].k, &record));
    }
}
END_TEST

/* Chains the segment's records as they are found one by one. */
static void append_found(struct ledger *by_number, const struct ledger_block *from,
                         const struct executed *executed, const struct ledger_segment *segment)
{
    struct ledger_head *head = ledger_head_of(by_number, text(segment->head->space));
    struct records records;
    struct record found;

    for (uint32_t k = 0; k <= segment->n_records; k++) {
        ck_assert_int_eq(records_begin(&records, &ledger, from, executed->outcomes), RECORDS_OK);
        bool is_there = records_find(&records, text(head->space), k, &found);
        ck_assert_int_eq(is_there, k < segment->n_records);
        if (!is_there)
            return;
        struct hash subject = found.bundle == NULL
                                  ? ledger_derived_subject(found.event)
                                  : ledger_subject(&found.bundle->id, found.position, found.event);
        ledger_append(head,
                      &(struct ledger_record){from->height, found.index, found.code, subject});
    }
}

START_TEST(records_found_by_number_are_those_chained)
{
    static struct ledger by_number;
    by_number = *execution_ledger(world->execution);

    for (uint64_t seed = 0; seed < 200; seed++) {
        add_random_block(world, seed);
        const struct ledger_block from = {world->height + 1, world->bundles, world->n_bundles};
        const struct executed *executed = world_apply(world);
        for (uint32_t i = 0; i < executed->segments.n; i++)
            append_found(&by_number, &from, executed, &executed->segments.list[i]);
        struct hash root = ledger_root(&by_number);
        ck_assert(hash_eq(&root, &executed->ledger_root));
    }
}
END_TEST

START_TEST(outcomes_of_another_block_are_refused)
{
    struct records records;
    struct ledger_block shorter = block;

    shorter.n_bundles--;
    ck_assert_int_eq(records_begin(&records, &ledger, &shorter, outcomes), RECORDS_CODES);
    ck_assert_int_eq(records_begin(&records, &ledger, &block, text("?")), RECORDS_MALFORMED);

    static struct ledger nameless;
    ledger_init(&nameless);
    ck_assert_int_eq(records_begin(&records, &nameless, &block, outcomes), RECORDS_DERIVED);
}
END_TEST

UNIT_MAIN("records", a_block_of_everything, worlds_end, {
    tcase_add_loop_test(tc, the_kth_record_of_a_namespace, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, past_the_last_there_is_none);
    tcase_add_test(tc, records_found_by_number_are_those_chained);
    tcase_add_test(tc, outcomes_of_another_block_are_refused);
})
