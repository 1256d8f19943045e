/*
 * What peers say at the wrong time: too early, too late, twice, of another epoch; and what
 * they learn from a start.
 */
#include "tests/support/unit.h"

#include "tests/support/core_solo_blocks.h"

static void say_vote(uint32_t voter, struct rank rank, uint8_t block)
{
    struct input input = {.kind = INPUT_VOTE, .from = voter};

    input.vote = (struct wire_vote){.rank = rank, .block = {{block}}, .voter = voter};
    input.vote.parent_rank = (struct rank){1, 0, 0};
    solo_say(&input);
}

static void say_commit_vote(uint32_t voter, struct rank rank, uint8_t block)
{
    struct input input = {.kind = INPUT_COMMIT_VOTE, .from = voter};

    input.commit_vote = (struct wire_commit_vote){.rank = rank, .block = {{block}}, .voter = voter};
    solo_say(&input);
}

static void say_timeout(uint32_t voter, struct term term, const struct qc *high)
{
    struct input input = {.kind = INPUT_TIMEOUT, .from = voter};

    input.timeout.timeout = (struct wire_timeout){
        .epoch = term.epoch, .term = term.term, .high = high->rank, .voter = voter};
    input.timeout.high_qc = high;
    solo_say(&input);
}

static void enter_term(uint64_t term)
{
    struct entry entry = {.kind = ENTRY_TC, .tc.term = {1, term - 1}, .tc.signers = SOLO_QUORUM};
    struct input input = {.kind = INPUT_ENTRY, .from = 2, .entry = &entry};

    entry.tc.high_qc = qc_of_root(&solo.config.set);
    solo_say(&input);
    ck_assert_uint_eq(solo_look().term.term, term);
}

/* ---- votes ---- */

static const struct vote_row {
    const char *label;
    uint64_t cur; /* term */
    struct rank rank;
    bool counts;
} vote_rows[] = {
    {"of our term", 4, {1, 4, 1}, true},
    {"of the last one", 4, {1, 3, 1}, true},
    {"of the next one", 4, {1, 5, 1}, true},
    {"of one long ago", 4, {1, 2, 1}, false},
    {"of one far ahead", 4, {1, 6, 1}, false},
    {"of another epoch", 4, {2, 4, 1}, false},
    {"seq 0", 4, {1, 4, 0}, false},
    {"a seq far ahead", 4, {1, 4, 5}, false},
};

START_TEST(votes_near_our_rank_count)
{
    const struct vote_row *row = &vote_rows[_i];

    enter_term(row->cur);
    for (uint32_t voter = 1; voter < SOLO_N; voter++)
        say_vote(voter, row->rank, 0x21);
    bool counted = rank_eq(core_high_qc(solo.core)->rank, row->rank);
    ck_assert_msg(counted == row->counts, "%s", row->label);
}
END_TEST

START_TEST(commit_votes_of_another_epoch_do_not_count)
{
    for (uint32_t voter = 1; voter < SOLO_N; voter++) {
        say_commit_vote(voter, (struct rank){2, 1, 1}, 0x21);
        ck_assert_uint_eq(solo.n_log, 0);
    }
    for (uint32_t voter = 1; voter < SOLO_N; voter++)
        say_commit_vote(voter, (struct rank){1, 1, 1}, 0x21);
    ck_assert_ptr_nonnull(solo_seen(ACTION_NEED_BLOCK)); /* committed, and not here */
}
END_TEST

START_TEST(two_votes_of_one_rank_accuse)
{
    const struct rank rank = {1, 1, 1};

    say_vote(2, rank, 0x21);
    say_vote(2, rank, 0x22);
    ck_assert_int_eq(solo_seen(ACTION_ACCUSE)->accuse.what, INTENT_VOTE);
    say_commit_vote(3, rank, 0x21);
    say_commit_vote(3, rank, 0x22);
    ck_assert_int_eq(solo_seen(ACTION_ACCUSE)->accuse.what, INTENT_COMMIT_VOTE);
    ck_assert_uint_eq(solo_seen(ACTION_ACCUSE)->accuse.validator, 3);
}
END_TEST

/* In a large set votes reach the leader, and it alone passes on what they make. */
START_TEST(in_a_large_set_the_leader_alone_spreads_certificates)
{
    const uint32_t n = VOTE_FANOUT_ALL_MAX + 2;
    struct safety_record record;

    solo_configure(n);
    solo.config.self = _i == 0 ? 0 : 1; /* the leader of term 1 */
    record = solo_record();
    solo_boot(&record);
    solo_tick(2 * SOLO_PATIENCE_MS); /* nobody answers: admitted */
    ck_assert(solo_look().is_admitted);
    bool sent_qc = false, sent_cc = false;
    for (uint32_t voter = 2; voter < n; voter++) {
        say_vote(voter, (struct rank){1, 1, 1}, 0x21);
        sent_qc |= solo_sent(SEND_QC) != NULL;
        sent_cc |= solo_sent(SEND_CC) != NULL; /* with the leader's own */
        say_commit_vote(voter, (struct rank){1, 1, 1}, 0x21);
        sent_cc |= solo_sent(SEND_CC) != NULL;
    }
    ck_assert(rank_eq(core_high_qc(solo.core)->rank, (struct rank){1, 1, 1}));
    ck_assert(sent_qc == (_i == 1));
    ck_assert(sent_cc == (_i == 1));
}
END_TEST

/* A certificate of no block: there is no such vote, and none is given. */
START_TEST(a_commit_vote_needs_a_block)
{
    struct proposal none = solo_first();

    none.header.rank.seq = 0;
    solo_seal(&none);
    solo_certify(&none);
    ck_assert_ptr_null(solo_signed(INTENT_COMMIT_VOTE));
    none.header.rank.seq = 1;
    solo_seal(&none);
    solo_certify(&none);
    ck_assert_ptr_nonnull(solo_signed(INTENT_COMMIT_VOTE));
}
END_TEST

/* ---- timeouts ---- */

START_TEST(a_timeout_of_another_epoch_does_not_count)
{
    const struct qc root = qc_of_root(&solo.config.set);

    for (uint32_t voter = 1; voter < SOLO_N; voter++)
        say_timeout(voter, (struct term){2, 1}, &root);
    ck_assert_uint_eq(solo_look().term.term, 1);
    ck_assert_ptr_null(solo_signed(INTENT_TIMEOUT));
    for (uint32_t voter = 1; voter < SOLO_N; voter++)
        say_timeout(voter, (struct term){1, 1}, &root);
    ck_assert_uint_eq(solo_look().term.term, 2);
}
END_TEST

START_TEST(two_timeouts_of_one_term_accuse)
{
    struct proposal first = solo_first();
    struct qc root = qc_of_root(&solo.config.set), qc = solo_qc(&first);

    say_timeout(2, (struct term){1, 1}, &root);
    say_timeout(2, (struct term){1, 1}, &root);
    ck_assert_ptr_null(solo_seen(ACTION_ACCUSE)); /* said again */
    say_timeout(2, (struct term){1, 2}, &qc);
    ck_assert_ptr_null(solo_seen(ACTION_ACCUSE)); /* of another term */
    say_timeout(2, (struct term){1, 2}, &root);
    ck_assert_int_eq(solo_seen(ACTION_ACCUSE)->accuse.what, INTENT_TIMEOUT);
}
END_TEST

/* Towards somebody who leads no term: the search for it ends. */
START_TEST(a_transfer_to_nobody_ends_the_term)
{
    struct input transfer = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};

    solo_tick(SOLO_PATIENCE_MS - 1);
    solo.now_ms += 1; /* the leader is not heard any more, and not yet called silent */
    transfer.transfer_to = SOLO_N + 3;
    solo_say(&transfer);
    ck_assert_int_eq(solo_noted(NOTE_TIMED_OUT), REASON_OPERATOR);
    ck_assert_uint_eq(solo_signed(INTENT_TIMEOUT)->timeout.term, 1 + SOLO_N);
}
END_TEST

/* ---- what waits ---- */

START_TEST(what_waits_is_counted_for_its_rank_and_block_alone)
{
    struct proposal first = solo_first();
    struct core_waiting waiting;
    struct input vote = {.kind = INPUT_VOTE, .from = 2};

    solo_give(&first);
    say_vote(3, first.header.rank, 0x29); /* another block of that rank */
    say_vote(3, (struct rank){1, 1, 2}, 0x29);
    vote.vote = (struct wire_vote){.rank = first.header.rank, .block = first.id, .voter = 2};
    vote.vote.parent = first.header.parent;
    vote.vote.parent_rank = (struct rank){1, 0, 0};
    solo_say(&vote);
    core_look_waiting(solo.core, &waiting);
    ck_assert(hash_eq(&waiting.block, &first.id));
    ck_assert_uint_eq(waiting.voted, 1u << 0 | 1u << 2);
}
END_TEST

START_TEST(the_highest_block_is_what_waits)
{
    struct proposal first = solo_first();
    struct proposal second = solo_child(&first);
    struct core_waiting waiting;

    solo_give(_i == 0 ? &first : &second);
    solo_give(_i == 0 ? &second : &first);
    core_look_waiting(solo.core, &waiting);
    ck_assert(hash_eq(&waiting.block, &second.id));
    ck_assert_uint_eq(waiting.height, 2);
}
END_TEST

/* A term that was left: its timeouts call for nothing any more. */
START_TEST(timeouts_of_terms_left_are_not_waited_for)
{
    struct core_waiting waiting;
    const struct qc root = qc_of_root(&solo.config.set);

    say_timeout(2, (struct term){1, 1}, &root);
    solo_tick(SOLO_PATIENCE_MS);
    ck_assert_ptr_nonnull(solo_signed(INTENT_TIMEOUT));
    core_look_waiting(solo.core, &waiting);
    ck_assert_uint_eq(waiting.timed_out, 1u << 0 | 1u << 2);
    enter_term(3);
    core_look_waiting(solo.core, &waiting);
    ck_assert_uint_eq(waiting.timed_out, 0);
}
END_TEST

/* ---- helping ---- */

START_TEST(a_number_that_is_nobody_s_is_not_helped)
{
    struct input other = {.kind = INPUT_OTHER_EPOCH, .epoch = 9};

    other.from = SOLO_N + 2;
    solo_say(&other);
    ck_assert_uint_eq(solo.n_log, 0);
    other.from = OUTSIDER(OUTSIDERS_MAX);
    solo_say(&other);
    ck_assert_uint_eq(solo.n_log, 0);
    other.from = OUTSIDER(3);
    other.epoch = 1; /* ours: nothing to say */
    solo_say(&other);
    ck_assert_uint_eq(solo.n_log, 0);
    other.epoch = 9;
    solo_say(&other);
    ck_assert_uint_eq(solo_sent(SEND_HEARTBEAT)->send.to, OUTSIDER(3));
}
END_TEST

START_TEST(an_outsider_s_answer_is_not_answered)
{
    struct input beat = {.kind = INPUT_HEARTBEAT, .from = OUTSIDER(1)};

    beat.heartbeat = (struct wire_heartbeat){.reply = BEAT_ANSWER, .epoch = 1, .term = 1};
    beat.heartbeat.high = beat.heartbeat.committed = (struct rank){1, 0, 0};
    solo_say(&beat);
    ck_assert_ptr_null(solo_sent(SEND_HEARTBEAT));
    beat.heartbeat.reply = BEAT_PRESENCE;
    solo_say(&beat);
    ck_assert_uint_eq(solo_sent(SEND_HEARTBEAT)->send.to, OUTSIDER(1));
}
END_TEST

/* ---- a start ---- */

static const struct answer_row {
    const char *label;
    bool has_vote, has_commit_vote, has_timeout;
    struct rank rank; /* of the timeout the term */
    uint8_t block;
    bool observes;
} answer_rows[] = {
    {"nothing", false, false, false, {1, 9, 9}, 1, false},
    {"a vote above", true, false, false, {1, 2, 4}, 1, true},
    {"that very vote", true, false, false, {1, 2, 3}, 1, false},
    {"another of its rank", true, false, false, {1, 2, 3}, 2, true},
    {"a vote below", true, false, false, {1, 2, 2}, 2, false},
    {"a commit vote above the high QC", false, true, false, {1, 2, 3}, 1, true},
    {"a commit vote at the high QC", false, true, false, {1, 2, 2}, 1, false},
    {"a later timeout", false, false, true, {1, 2, 0}, 1, true},
    {"that very timeout", false, false, true, {1, 1, 0}, 1, false},
};

START_TEST(newer_signatures_make_an_observer)
{
    const struct answer_row *row = &answer_rows[_i];
    struct safety_record record = solo_record();
    struct input answer = {.kind = INPUT_RANK_ANSWER, .from = 2};

    record.last_vote = (struct rank){1, 2, 3};
    record.last_vote_id = (struct hash){{1}};
    record.high_qc.rank = (struct rank){1, 2, 2};
    record.timed_out = (struct term){1, 1};
    solo_boot(&record);
    answer.rank_answer.nonce = solo.config.nonce;
    answer.rank_answer.has_vote = row->has_vote;
    answer.rank_answer.vote = (struct wire_vote){.rank = row->rank, .block = {{row->block}}};
    answer.rank_answer.has_commit_vote = row->has_commit_vote;
    answer.rank_answer.commit_vote.rank = row->rank;
    answer.rank_answer.has_timeout = row->has_timeout;
    answer.rank_answer.timeout.epoch = row->rank.epoch;
    answer.rank_answer.timeout.term = row->rank.term;
    solo_say(&answer);
    ck_assert_msg(solo_look().is_observing == row->observes, "%s", row->label);
    ck_assert((solo_seen(ACTION_PERSIST) != NULL) == row->observes); /* the mark is durable */

    answer.from = 3;
    solo_say(&answer);
    ck_assert_int_eq(solo_noted(NOTE_OBSERVING), REASON_END); /* said once */
}
END_TEST

/* Born for an epoch to come: of this one it knows the root and no more. */
START_TEST(a_record_without_certificates_starts_at_the_root)
{
    struct safety_record record = {.counter = 1, .epoch = 0};

    solo_boot(&record);
    struct qc root = qc_of_root(&solo.config.set);
    ck_assert(rank_eq(core_high_qc(solo.core)->rank, root.rank));
    ck_assert(hash_eq(&core_high_qc(solo.core)->block, &root.block));
    ck_assert_uint_eq(solo_look().term.term, 1);
}
END_TEST

UNIT_MAIN("core_late", solo_start, solo_end, {
    tcase_add_loop_test(tc, votes_near_our_rank_count, 0, N_ELEMENTS(vote_rows));
    tcase_add_test(tc, commit_votes_of_another_epoch_do_not_count);
    tcase_add_test(tc, two_votes_of_one_rank_accuse);
    tcase_add_loop_test(tc, in_a_large_set_the_leader_alone_spreads_certificates, 0, 2);
    tcase_add_test(tc, a_commit_vote_needs_a_block);
    tcase_add_test(tc, a_timeout_of_another_epoch_does_not_count);
    tcase_add_test(tc, two_timeouts_of_one_term_accuse);
    tcase_add_test(tc, a_transfer_to_nobody_ends_the_term);
    tcase_add_test(tc, what_waits_is_counted_for_its_rank_and_block_alone);
    tcase_add_loop_test(tc, the_highest_block_is_what_waits, 0, 2);
    tcase_add_test(tc, timeouts_of_terms_left_are_not_waited_for);
    tcase_add_test(tc, a_number_that_is_nobody_s_is_not_helped);
    tcase_add_test(tc, an_outsider_s_answer_is_not_answered);
    tcase_add_loop_test(tc, newer_signatures_make_an_observer, 0, N_ELEMENTS(answer_rows));
    tcase_add_test(tc, a_record_without_certificates_starts_at_the_root);
})
