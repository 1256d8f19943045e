/*
 * A leader after a start: what its record lets it do in the term that it shows.
 */
#include "tests/support/unit.h"

#include "tests/support/core_solo_blocks.h"

/* Validator 2 led term 2, which a timeout opened, and followed a rival in it. */
static struct safety_record record_of_term_two(void)
{
    struct safety_record record = solo_record();

    record.entry.kind = ENTRY_TC;
    record.entry.tc = (struct tc){.term = {1, 1}, .signers = SOLO_QUORUM};
    record.entry.tc.high_qc = record.high_qc;
    record.last_vote = (struct rank){1, 2, 1};
    record.last_vote_id = (struct hash){{0x74}};
    return record;
}

START_TEST(a_term_voted_in_is_not_begun_again)
{
    struct safety_record record = record_of_term_two();

    solo.config.self = 2;
    if (_i == 1)
        record.last_vote = (struct rank){1, 1, 9};
    solo_boot(&record);
    solo_admit();
    ck_assert(solo_look().is_leader);
    ck_assert_uint_eq(solo_look().term.term, 2);
    solo_pend(true, false);
    ck_assert((solo_seen(ACTION_BUILD) != NULL) == (_i == 1));
}
END_TEST

/* Above its own last block it voted for a rival's: the safety rules refuse what lies between. */
START_TEST(a_proposal_the_safety_rules_refuse_is_not_sent)
{
    struct safety_record record = record_of_term_two();
    struct qc root = qc_of_root(&solo.config.set);
    solo.config.self = 2;
    struct proposal own = solo_after_timeout(&root, 1, 2);
    struct input restored = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE, .proposal = &own};

    record.last_vote.seq = 7;
    record.last_proposal = own.header.rank;
    record.last_proposal_id = own.id;
    record.high_qc = solo_qc(&own);
    solo_boot(&record);
    solo_say(&restored);
    solo_admit();
    solo_pend(true, false);
    ck_assert_ptr_nonnull(solo_seen(ACTION_BUILD));
    ck_assert_ptr_null(solo_build(false));
    ck_assert_ptr_null(solo_sent(SEND_PROPOSAL));
    ck_assert_ptr_null(solo_seen(ACTION_PERSIST));
}
END_TEST

/* All that is in the window is needed: what was built finds no room, and waits for it. */
START_TEST(a_full_window_has_no_room_for_a_proposal)
{
    struct safety_record record = record_of_term_two();
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal block = solo_on(&root, (struct rank){1, 1, 1}, 1, SOLO_LEADER);
    struct input restored = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE, .proposal = &block};

    solo.config.self = 2;
    for (uint32_t i = 1; i < CHAIN_WINDOW; i++) /* what the record voted for last */
        block = solo_child(&block);
    record.last_vote = block.header.rank;
    record.last_vote_id = block.id;
    solo_boot(&record);
    block = solo_on(&root, (struct rank){1, 1, 1}, 1, SOLO_LEADER);
    for (uint32_t i = 0; i < CHAIN_WINDOW; i++) {
        struct proposal child = solo_child(&block);
        block.justify = root; /* none of them is certified here */
        solo_say(&restored);
        block = child;
    }
    solo_admit();
    solo_pend(true, false);
    ck_assert_ptr_nonnull(solo_seen(ACTION_BUILD));
    ck_assert_ptr_null(solo_build(false));
    ck_assert_ptr_null(solo_seen(ACTION_FORGET));
    ck_assert_ptr_null(solo_signed(INTENT_PROPOSAL));
}
END_TEST

/* Its own block lost the place to a rival's and left: it can neither send it again nor
 * propose another in its place. */
START_TEST(a_proposal_that_lost_ends_the_term)
{
    solo_start_as(2);
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal rival = solo_after_timeout(&root, 1, 2);
    struct input entry = {.kind = INPUT_ENTRY, .from = 3, .entry = &rival.entry};

    solo_say(&entry);
    solo_pend(true, false);
    ck_assert_ptr_nonnull(solo_build(false));
    solo_tick(SOLO_BEAT_MS);
    ck_assert_ptr_nonnull(solo_sent(SEND_PROPOSAL)); /* open: sent again */

    rival.header.author = 3;
    solo_seal(&rival);
    struct input restored = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE, .proposal = &rival};
    solo_say(&restored);
    solo_commit(&rival);
    const struct action *commit = solo_seen(ACTION_COMMIT);
    ck_assert_ptr_nonnull(commit);
    ck_assert(hash_eq(&commit->commit.block, &rival.id));
    ck_assert_int_eq(solo_noted(NOTE_TIMED_OUT), REASON_BODY_LOST);
    solo_tick(SOLO_BEAT_MS);
    ck_assert_ptr_null(solo_sent(SEND_PROPOSAL));
}
END_TEST

UNIT_MAIN("core_restart", solo_start, solo_end, {
    tcase_add_loop_test(tc, a_term_voted_in_is_not_begun_again, 0, 2);
    tcase_add_test(tc, a_proposal_the_safety_rules_refuse_is_not_sent);
    tcase_add_test(tc, a_full_window_has_no_room_for_a_proposal);
    tcase_add_test(tc, a_proposal_that_lost_ends_the_term);
})
