/*
 * Which record a start may trust: PROTOCOL, Durability 2, row by row.
 */
#include "tests/support/unit.h"

#include "services/consensus/core/safety_start.h"
#include "tests/support/safety_sample.h"

enum store_kind { NONE, SAME, OTHER };

static const struct start_row {
    const char *label;
    enum safety_file_state file_state;
    bool is_torn;
    uint64_t file; /* counter */
    enum store_kind store_kind;
    uint64_t store; /* counter */
    enum safety_start want;
    enum safety_start_reason reason;
} start_rows[] = {
    {"both the same", SAFETY_FILE_GOOD, false, 7, SAME, 7, SAFETY_START_FILE, SAFETY_REASON_INTACT},
    {"file ahead by one", SAFETY_FILE_GOOD, false, 8, SAME, 7, SAFETY_START_FILE,
     SAFETY_REASON_INTACT},
    {"file ahead by more", SAFETY_FILE_GOOD, false, 90, SAME, 7, SAFETY_START_FILE,
     SAFETY_REASON_INTACT},
    {"nothing stored yet", SAFETY_FILE_GOOD, false, 1, NONE, 0, SAFETY_START_FILE,
     SAFETY_REASON_INTACT},
    {"store ahead by one", SAFETY_FILE_GOOD, false, 7, SAME, 8, SAFETY_START_REPAIR,
     SAFETY_REASON_FILE_BEHIND},
    {"torn, store at its counter", SAFETY_FILE_GOOD, true, 7, SAME, 8, SAFETY_START_REPAIR,
     SAFETY_REASON_FILE_TORN},
    {"torn, store before it", SAFETY_FILE_GOOD, true, 7, SAME, 7, SAFETY_START_FILE,
     SAFETY_REASON_INTACT},
    {"store ahead by two", SAFETY_FILE_GOOD, false, 7, SAME, 9, SAFETY_START_OBSERVE,
     SAFETY_REASON_ROLLED_BACK},
    {"torn, store ahead by two", SAFETY_FILE_GOOD, true, 7, SAME, 9, SAFETY_START_OBSERVE,
     SAFETY_REASON_ROLLED_BACK},
    {"file missing", SAFETY_FILE_MISSING, false, 0, SAME, 7, SAFETY_START_OBSERVE,
     SAFETY_REASON_FILE_MISSING},
    {"file and store missing", SAFETY_FILE_MISSING, false, 0, NONE, 0, SAFETY_START_OBSERVE,
     SAFETY_REASON_FILE_MISSING},
    {"file corrupt", SAFETY_FILE_CORRUPT, false, 0, SAME, 7, SAFETY_START_OBSERVE,
     SAFETY_REASON_FILE_CORRUPT},
    {"store of another instance, lower", SAFETY_FILE_GOOD, false, 7, OTHER, 3, SAFETY_START_OBSERVE,
     SAFETY_REASON_OTHER_INSTANCE},
    {"store of another instance, one ahead", SAFETY_FILE_GOOD, false, 7, OTHER, 8,
     SAFETY_START_OBSERVE, SAFETY_REASON_OTHER_INSTANCE},
};

static enum safety_start reconcile(const struct start_row *row, bool is_pinned, bool is_marked,
                                   struct safety_record *ret_record,
                                   enum safety_start_reason *ret_reason)
{
    struct safety_record file = record, store = record;
    file.counter = row->file;
    store.counter = row->store;
    store.observing = is_marked;
    store.last_vote = (struct rank){2, 5, 8}; /* one field higher, one lower than the file's */
    store.last_proposal = (struct rank){2, 5, 1};
    if (row->store_kind == OTHER)
        store.instance = filled(0x22);
    struct safety_found found = {
        .file_state = row->file_state,
        .is_newest_torn = row->is_torn,
        .file = row->file_state == SAFETY_FILE_GOOD ? &file : NULL,
        .store = row->store_kind == NONE ? NULL : &store,
        .instance = is_pinned ? record.instance : filled(0x33),
    };
    return safety_reconcile(&found, ret_record, ret_reason);
}

START_TEST(starts)
{
    const struct start_row *row = &start_rows[_i];
    struct safety_record got;
    enum safety_start_reason reason;
    enum safety_start start = reconcile(row, true, false, &got, &reason);

    ck_assert_msg(start == row->want, "%s: got %d", row->label, start);
    ck_assert_msg(reason == row->reason, "%s: %s", row->label, safety_start_reason_text(reason));
    ck_assert(got.observing == (start == SAFETY_START_OBSERVE));
    if (start == SAFETY_START_FILE) {
        ck_assert_uint_eq(got.counter, row->file);
        ck_assert(rank_eq(got.last_vote, record.last_vote));
    }
    if (start == SAFETY_START_REPAIR) {
        ck_assert_uint_eq(got.counter, row->store);
        ck_assert(rank_eq(got.last_vote, (struct rank){2, 5, 8}));
        ck_assert(rank_eq(got.last_proposal, record.last_proposal));
    }
}
END_TEST

START_TEST(a_repair_is_one_step_of_the_signer)
{
    struct safety_record merged;
    enum safety_start_reason reason;
    ck_assert_int_eq(reconcile(&start_rows[4], true, false, &merged, &reason), SAFETY_START_REPAIR);
    record.counter = start_rows[4].file;
    uint32_t refused;
    ck_assert_int_eq(take_step(NULL, 0, &merged, &refused), SAFETY_OK);
    ck_assert_mem_eq(&record, &merged, sizeof(record));
}
END_TEST

START_TEST(another_key_s_file_observes)
{
    struct safety_record got;
    enum safety_start_reason reason;
    ck_assert_int_eq(reconcile(&start_rows[0], false, false, &got, &reason), SAFETY_START_OBSERVE);
    ck_assert_int_eq(reason, SAFETY_REASON_OTHER_INSTANCE);

    const struct start_row *nothing_stored = &start_rows[3];
    ck_assert_int_eq(reconcile(nothing_stored, false, false, &got, &reason), SAFETY_START_OBSERVE);
    ck_assert_int_eq(reason, SAFETY_REASON_OTHER_INSTANCE);
    ck_assert(rank_eq(got.last_vote, record.last_vote)); /* the file's */
}
END_TEST

START_TEST(a_mark_of_the_store_holds)
{
    struct safety_record got;
    enum safety_start_reason reason;
    ck_assert_int_eq(reconcile(&start_rows[4], true, true, &got, &reason), SAFETY_START_OBSERVE);
    ck_assert_int_eq(reason, SAFETY_REASON_MARKED);
    record.observing = true;
    ck_assert_int_eq(reconcile(&start_rows[0], true, false, &got, &reason), SAFETY_START_OBSERVE);
    ck_assert_int_eq(reason, SAFETY_REASON_MARKED);
}
END_TEST

START_TEST(every_reason_has_words_of_its_own)
{
    for (int reason = 0; reason <= SAFETY_REASON_MARKED; reason++) {
        const char *text = safety_start_reason_text((enum safety_start_reason)reason);
        ck_assert_str_ne(text, "unknown");
        for (int other = 0; other < reason; other++)
            ck_assert_str_ne(text, safety_start_reason_text((enum safety_start_reason)other));
    }
    ck_assert_str_eq(safety_start_reason_text((enum safety_start_reason)99), "unknown");
}
END_TEST

UNIT_MAIN("safety_start", safety_fixture, NULL, {
    tcase_add_loop_test(tc, starts, 0, N_ELEMENTS(start_rows));
    tcase_add_test(tc, a_repair_is_one_step_of_the_signer);
    tcase_add_test(tc, another_key_s_file_observes);
    tcase_add_test(tc, a_mark_of_the_store_holds);
    tcase_add_test(tc, every_reason_has_words_of_its_own);
})
