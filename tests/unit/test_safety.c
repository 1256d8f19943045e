/*
 * What may be signed after what: every rule of the safety record as a row.
 */
#include "tests/support/unit.h"

#include <signal.h>

#include "tests/support/safety_sample.h"

static const struct block_row {
    const char *label;
    enum intent_kind kind;
    struct rank rank;
    char block;
    bool carries_entry;
    enum safety_verdict want;
} block_rows[] = {
    {"vote: above", INTENT_VOTE, {2, 5, 4}, 'B', false, SAFETY_OK},
    {"vote: the same again", INTENT_VOTE, {2, 5, 3}, 'A', false, SAFETY_OK},
    {"vote: another block of that rank", INTENT_VOTE, {2, 5, 3}, 'B', false, SAFETY_RANK_TOO_LOW},
    {"vote: the same block, other rank", INTENT_VOTE, {2, 5, 2}, 'A', false, SAFETY_RANK_TOO_LOW},
    {"vote: below", INTENT_VOTE, {2, 5, 2}, 'B', false, SAFETY_RANK_TOO_LOW},
    {"vote: a later term starts low", INTENT_VOTE, {2, 6, 1}, 'B', true, SAFETY_OK},
    {"vote: term timed out", INTENT_VOTE, {2, 4, 9}, 'B', false, SAFETY_TIMED_OUT},
    {"vote: next epoch", INTENT_VOTE, {3, 1, 1}, 'B', true, SAFETY_WRONG_EPOCH},
    {"vote: last epoch", INTENT_VOTE, {1, 9, 9}, 'B', false, SAFETY_WRONG_EPOCH},
    {"vote: entry, term voted in", INTENT_VOTE, {2, 5, 4}, 'B', true, SAFETY_TERM_ENTERED},
    {"vote: entry, that same block", INTENT_VOTE, {2, 5, 3}, 'A', true, SAFETY_OK},
    {"vote: no block", INTENT_VOTE, {2, 5, 4}, 0, false, SAFETY_MALFORMED},
    {"vote: seq 0", INTENT_VOTE, {2, 6, 0}, 'B', false, SAFETY_MALFORMED},
    {"vote: term 0", INTENT_VOTE, {2, 0, 1}, 'B', false, SAFETY_MALFORMED},
    {"commit vote: below the vote", INTENT_COMMIT_VOTE, {2, 5, 1}, 'Z', false, SAFETY_OK},
    {"commit vote: above the vote", INTENT_COMMIT_VOTE, {2, 5, 9}, 'Z', false, SAFETY_OK},
    {"commit vote: timed out", INTENT_COMMIT_VOTE, {2, 4, 1}, 'Z', false, SAFETY_TIMED_OUT},
    {"commit vote: before that", INTENT_COMMIT_VOTE, {2, 3, 1}, 'Z', false, SAFETY_TIMED_OUT},
    {"commit vote: next epoch", INTENT_COMMIT_VOTE, {3, 1, 1}, 'Z', false, SAFETY_WRONG_EPOCH},
    {"proposal: above", INTENT_PROPOSAL, {2, 5, 4}, 'B', false, SAFETY_OK},
    {"proposal: the same again", INTENT_PROPOSAL, {2, 5, 3}, 'A', false, SAFETY_OK},
    {"proposal: other block", INTENT_PROPOSAL, {2, 5, 3}, 'B', false, SAFETY_RANK_TOO_LOW},
    {"proposal: below", INTENT_PROPOSAL, {2, 5, 2}, 'B', false, SAFETY_RANK_TOO_LOW},
    {"proposal: timed out", INTENT_PROPOSAL, {2, 4, 4}, 'B', false, SAFETY_TIMED_OUT},
    {"proposal: next epoch", INTENT_PROPOSAL, {3, 1, 1}, 'B', false, SAFETY_WRONG_EPOCH},
};

START_TEST(blocks)
{
    const struct block_row *row = &block_rows[_i];
    struct intent intent = block_intent(row->kind, row->rank, row->block);
    intent.carries_entry = row->carries_entry;
    struct safety_record before = record;

    enum safety_verdict got = safety_approve(&record, &intent);
    ck_assert_msg(got == row->want, "%s: got %s", row->label, safety_verdict_text(got));
    if (got != SAFETY_OK || row->kind == INTENT_COMMIT_VOTE)
        ck_assert_mem_eq(&record, &before, sizeof(record));
    if (got == SAFETY_OK && row->kind == INTENT_VOTE)
        ck_assert(rank_eq(record.last_vote, row->rank) &&
                  hash_eq(&record.last_vote_id, &intent.vote.block));
    if (got == SAFETY_OK && row->kind == INTENT_PROPOSAL)
        ck_assert(rank_eq(record.last_proposal, row->rank) &&
                  rank_eq(record.last_vote, before.last_vote));
}
END_TEST

START_TEST(a_proposal_is_above_the_last_vote_too)
{
    record.last_vote = (struct rank){2, 5, 7};
    record.last_vote_id = filled('V');
    struct intent below = block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 6}, 'B');
    struct intent other = block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 7}, 'B');
    struct intent voted = block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 7}, 'V');

    ck_assert_int_eq(safety_approve(&record, &below), SAFETY_RANK_TOO_LOW);
    ck_assert_int_eq(safety_approve(&record, &other), SAFETY_RANK_TOO_LOW);
    ck_assert_int_eq(safety_approve(&record, &voted), SAFETY_OK);
}
END_TEST

static const struct timeout_row {
    const char *label;
    struct term term;
    struct rank high;
    enum safety_verdict want;
} timeout_rows[] = {
    {"first, citing the high QC", {2, 5}, {2, 5, 2}, SAFETY_OK},
    {"first, citing a higher one", {2, 5}, {2, 5, 3}, SAFETY_OK},
    {"first, citing less", {2, 5}, {2, 5, 1}, SAFETY_QC_TOO_LOW},
    {"terms may be skipped", {2, 9}, {2, 5, 2}, SAFETY_OK},
    {"a resend cites what it did", {2, 4}, {2, 3, 1}, SAFETY_OK},
    {"a resend cites more", {2, 4}, {2, 3, 2}, SAFETY_OLDER_TIMEOUT},
    {"a resend cites less", {2, 4}, {2, 2, 1}, SAFETY_OLDER_TIMEOUT},
    {"an older term", {2, 3}, {2, 3, 1}, SAFETY_OLDER_TIMEOUT},
    {"next epoch", {3, 1}, {3, 0, 0}, SAFETY_WRONG_EPOCH},
    {"last epoch", {1, 9}, {1, 9, 1}, SAFETY_WRONG_EPOCH},
    {"a QC of a later term", {2, 5}, {2, 6, 1}, SAFETY_MALFORMED},
    {"a QC of another epoch", {2, 5}, {1, 5, 9}, SAFETY_MALFORMED},
    {"term 0", {2, 0}, {2, 0, 0}, SAFETY_MALFORMED},
};

START_TEST(timeouts)
{
    const struct timeout_row *row = &timeout_rows[_i];
    struct intent intent = {.kind = INTENT_TIMEOUT};
    intent.timeout = (struct wire_timeout){.epoch = row->term.epoch, .term = row->term.term};
    intent.timeout.high = row->high;
    struct safety_record before = record;

    enum safety_verdict got = safety_approve(&record, &intent);
    ck_assert_msg(got == row->want, "%s: got %s", row->label, safety_verdict_text(got));
    if (got != SAFETY_OK)
        ck_assert_mem_eq(&record, &before, sizeof(record));
    else
        ck_assert(term_cmp(record.timed_out, row->term) == 0 &&
                  rank_eq(record.timeout_high, row->high));
}
END_TEST

START_TEST(nothing_in_a_term_after_its_timeout)
{
    struct intent timeout = {.kind = INTENT_TIMEOUT};
    timeout.timeout = (struct wire_timeout){.epoch = 2, .term = 5, .high = {2, 5, 2}};
    struct intent again = block_intent(INTENT_VOTE, (struct rank){2, 5, 3}, 'A');
    struct intent commit = block_intent(INTENT_COMMIT_VOTE, (struct rank){2, 5, 3}, 'A');

    ck_assert_int_eq(safety_approve(&record, &timeout), SAFETY_OK);
    ck_assert_int_eq(safety_approve(&record, &again), SAFETY_TIMED_OUT);
    ck_assert_int_eq(safety_approve(&record, &commit), SAFETY_TIMED_OUT);
    ck_assert_int_eq(safety_approve(&record, &timeout), SAFETY_OK);
}
END_TEST

START_TEST(an_observer_signs_nothing)
{
    struct intent intent = block_intent(INTENT_VOTE, (struct rank){2, 6, 1}, 'B');
    intent.kind = (enum intent_kind)_i;
    if (_i == INTENT_CHECKPOINT)
        intent.checkpoint = (struct wire_checkpoint){.height = 9, .block = filled('B')};
    record.observing = true;
    ck_assert_int_eq(safety_approve(&record, &intent), SAFETY_OBSERVING);
}
END_TEST

/* ---- raise and merge ---- */

START_TEST(raising_never_lowers)
{
    struct safety_record low = {.epoch = 2}, high = record;
    safety_raise(&record, &low);
    ck_assert_mem_eq(&record, &high, sizeof(record));

    high.high_qc.rank = (struct rank){2, 6, 1};
    high.timeout_qc.rank = (struct rank){2, 4, 1};
    high.entry = good.entry_tc; /* opens term 6 */
    safety_raise(&record, &high);
    ck_assert(rank_eq(record.high_qc.rank, high.high_qc.rank));
    ck_assert(rank_eq(record.timeout_qc.rank, high.timeout_qc.rank));
    ck_assert_int_eq(record.entry.kind, ENTRY_TC);

    high.entry = (struct entry){.kind = ENTRY_ROOT}; /* opens term 1 */
    safety_raise(&record, &high);
    ck_assert_int_eq(record.entry.kind, ENTRY_TC);
}
END_TEST

/* Each field of one record higher, the rest lower: all the higher ones survive, either way. */
START_TEST(merging_takes_the_higher_of_each)
{
    struct safety_record other = record;
    other.counter = 41;
    other.last_vote = (struct rank){2, 5, 4};
    other.last_vote_id = filled('B');
    other.last_proposal = (struct rank){2, 5, 1};
    other.last_proposal_id = filled('C');
    other.timed_out = (struct term){2, 3};
    other.timeout_high = (struct rank){2, 2, 9};
    other.observing = true;
    struct safety_record a = record, b = other;
    safety_merge(&a, &other);
    safety_merge(&b, &record);

    const struct safety_record *merged = _i == 0 ? &a : &b;
    struct hash vote = filled('B'), proposal = filled('A');
    ck_assert_uint_eq(merged->counter, 41);
    ck_assert(merged->observing);
    ck_assert(rank_eq(merged->last_vote, other.last_vote));
    ck_assert(hash_eq(&merged->last_vote_id, &vote));
    ck_assert(rank_eq(merged->last_proposal, record.last_proposal));
    ck_assert(hash_eq(&merged->last_proposal_id, &proposal));
    ck_assert(term_cmp(merged->timed_out, record.timed_out) == 0);
    ck_assert(rank_eq(merged->timeout_high, record.timeout_high));
    ck_assert(rank_eq(merged->timeout_qc.rank, record.timeout_high));
}
END_TEST

START_TEST(merging_another_instance_is_our_bug)
{
    struct safety_record other = record;
    other.instance = filled(0x12);
    safety_merge(&record, &other);
}
END_TEST

UNIT_MAIN("safety", safety_fixture, NULL, {
    tcase_add_loop_test(tc, blocks, 0, N_ELEMENTS(block_rows));
    tcase_add_test(tc, a_proposal_is_above_the_last_vote_too);
    tcase_add_loop_test(tc, timeouts, 0, N_ELEMENTS(timeout_rows));
    tcase_add_test(tc, nothing_in_a_term_after_its_timeout);
    tcase_add_loop_test(tc, an_observer_signs_nothing, INTENT_PROPOSAL, INTENT_CHECKPOINT + 1);
    tcase_add_test(tc, raising_never_lowers);
    tcase_add_loop_test(tc, merging_takes_the_higher_of_each, 0, 2);
    tcase_add_test_raise_signal(tc, merging_another_instance_is_our_bug, SIGABRT);
})
