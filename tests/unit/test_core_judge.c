/*
 * Proposals judged by what is known here: the clock, the state, bodies, parents, twins.
 */
#include "tests/support/unit.h"

#include "tests/support/core_solo_blocks.h"

static void entry_in_the_middle(struct proposal *p)
{
    p->entry.kind = ENTRY_ROOT;
}

static void seq_that_skips(struct proposal *p)
{
    p->header.rank.seq++;
}

static void justified_by_another_term(struct proposal *p)
{
    p->justify.rank.term = 0;
}

static void height_that_skips(struct proposal *p)
{
    p->header.height++;
}

static void another_author_goes_on(struct proposal *p)
{
    p->header.author = 2;
}

static void no_later_than_its_parent(struct proposal *p)
{
    p->header.time_ms = 0;
}

static void long_ago(struct proposal *p)
{
    p->header.time_ms = SOLO_WALL_MS + solo.now_ms - TIME_BEHIND_MAX_MS - 1;
}

static void another_state(struct proposal *p)
{
    p->header.prev_root = (struct hash){{0x33}};
}

static const struct child_row {
    const char *label;
    void (*spoil)(struct proposal *p);
    enum note_reason want;
} child_rows[] = {
    {"an entry in mid-term", entry_in_the_middle, REASON_BAD_ENTRY},
    {"a seq that skips", seq_that_skips, REASON_BAD_JUSTIFY},
    {"justified by another term", justified_by_another_term, REASON_BAD_JUSTIFY},
    {"a height that skips", height_that_skips, REASON_BAD_PARENT},
    {"another author", another_author_goes_on, REASON_NOT_LEADER},
    {"no later than its parent", no_later_than_its_parent, REASON_BAD_TIME},
    {"another state than ours", another_state, REASON_BAD_STATE},
};

START_TEST(illegal_children)
{
    const struct child_row *row = &child_rows[_i];
    struct proposal first = solo_first();
    struct proposal child = solo_child(&first);

    solo_give(&first);
    row->spoil(&child);
    solo_seal(&child);
    solo_expect_refused(&child, row->want, row->label);
}
END_TEST

/* ---- time and state ---- */

START_TEST(a_block_of_long_ago_is_refused)
{
    struct proposal first = solo_first();

    long_ago(&first);
    solo_seal(&first);
    solo_expect_refused(&first, REASON_BAD_TIME, "long ago");
}
END_TEST

START_TEST(a_block_ahead_of_our_clock_waits_for_it)
{
    struct proposal first = solo_first();

    first.header.time_ms = SOLO_WALL_MS + solo.now_ms + TIME_AHEAD_MAX_MS + 2;
    solo_seal(&first);
    solo_give(&first);
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), REASON_END);
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    solo_tick(2);
    ck_assert_ptr_nonnull(solo_signed(INTENT_VOTE));
}
END_TEST

/* Its parent was as far ahead and is certified: one millisecond after it is all it can be. */
START_TEST(a_child_may_be_one_millisecond_after_a_parent_ahead_of_us)
{
    struct proposal first = solo_first();
    first.header.time_ms = SOLO_WALL_MS + solo.now_ms + 2 * TIME_AHEAD_MAX_MS;
    solo_seal(&first);
    struct proposal child = solo_child(&first);
    child.header.time_ms = first.header.time_ms + 1;
    solo_seal(&child);

    solo_give(&first);
    solo_expect_voted(&child);
}
END_TEST

START_TEST(state_not_executed_here_is_waited_for)
{
    struct proposal first = solo_first();

    first.header.prev_height = 1;
    solo_seal(&first);
    solo_give(&first);
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), REASON_END);
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
}
END_TEST

/* ---- bodies ---- */

START_TEST(a_body_is_waited_for)
{
    struct proposal first = solo_first();

    first.is_payload_empty = false;
    solo_give(&first);
    ck_assert(hash_eq(&solo_seen(ACTION_NEED_PAYLOAD)->need.block, &first.id));
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    solo_body(&first, true);
    ck_assert_ptr_nonnull(solo_signed(INTENT_VOTE));
}
END_TEST

START_TEST(an_invalid_body_is_refused)
{
    struct proposal first = solo_first();

    first.is_payload_empty = false;
    solo_give(&first);
    solo_body(&first, false);
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), REASON_BAD_PAYLOAD);
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    solo_tick(1);
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), REASON_END); /* said once */
}
END_TEST

/* Nobody waits for a body that says nothing any more. */
START_TEST(a_body_of_no_block_is_ignored)
{
    struct proposal first = solo_first();

    solo_body(&first, true);
    ck_assert_uint_eq(solo.n_log, 0);
}
END_TEST

/* ---- parents ---- */

START_TEST(a_parent_that_is_not_here_is_asked_for)
{
    struct proposal first = solo_first();
    struct proposal second = solo_child(&first);

    solo_give(&second);
    ck_assert(hash_eq(&solo_seen(ACTION_NEED_BLOCK)->need.block, &first.id));
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    solo_give(&first);
    ck_assert_ptr_nonnull(solo_signed(INTENT_VOTE));
}
END_TEST

/* Committed before its certificate came: the term is not left by it, and has ended. */
START_TEST(nothing_follows_a_handoff_in_its_term)
{
    struct proposal first = solo_first();
    first.header.handoff = 3;
    solo_seal(&first);
    struct proposal second = solo_child(&first);

    solo_give(&first);
    solo_commit(&first);
    solo_expect_refused(&second, REASON_NOT_EMPTY, "after a handoff");
    ck_assert_uint_eq(solo_look().term.term, 1);
}
END_TEST

/* A block at height 1 on something else than what is committed at 0. */
START_TEST(a_parent_beside_the_committed_chain_is_refused)
{
    struct proposal first = solo_first();
    struct qc beside = qc_of_root(&solo.config.set);

    beside.block = (struct hash){{0x77}};
    first.justify = beside;
    first.header.parent = beside.block;
    solo_seal(&first);
    solo_expect_refused(&first, REASON_BAD_PARENT, "beside the committed chain");
}
END_TEST

/* ---- twice ---- */

START_TEST(two_blocks_of_one_rank_are_held_against_their_author)
{
    struct proposal first = solo_first();
    struct proposal second = first;

    second.header.time_ms++;
    solo_seal(&second);
    solo_give(&first);
    solo_expect_refused(&second, REASON_EQUIVOCATION, "a second block");
    const struct action *accuse = solo_seen(ACTION_ACCUSE);
    ck_assert_ptr_nonnull(accuse);
    ck_assert_uint_eq(accuse->accuse.validator, SOLO_LEADER);
    ck_assert(hash_eq(&accuse->accuse.first, &first.id));
    ck_assert(hash_eq(&accuse->accuse.second, &second.id));
}
END_TEST

START_TEST(the_same_block_twice_is_nothing_new)
{
    struct proposal first = solo_first();

    solo_give(&first);
    solo_give(&first);
    ck_assert_ptr_null(solo_seen(ACTION_ACCUSE));
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), REASON_END);
}
END_TEST

START_TEST(a_block_of_another_epoch_is_answered_not_judged)
{
    struct proposal first = solo_first();

    first.header.rank.epoch = 2;
    solo_seal(&first);
    solo_give(&first);
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), REASON_END);
    ck_assert_ptr_nonnull(solo_sent(SEND_HEARTBEAT)); /* where we are: it will prove more */
}
END_TEST

START_TEST(a_block_of_a_term_we_are_not_in_is_not_kept)
{
    struct proposal first = solo_first();
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal second = solo_after_timeout(&root, 1, 2);

    solo_give(&second);
    solo_give(&first); /* late */
    ck_assert(!core_has_block(solo.core, &first.id));
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
}
END_TEST

UNIT_MAIN("core_judge", solo_start, solo_end, {
    tcase_add_loop_test(tc, illegal_children, 0, N_ELEMENTS(child_rows));
    tcase_add_test(tc, a_block_of_long_ago_is_refused);
    tcase_add_test(tc, a_block_ahead_of_our_clock_waits_for_it);
    tcase_add_test(tc, a_child_may_be_one_millisecond_after_a_parent_ahead_of_us);
    tcase_add_test(tc, state_not_executed_here_is_waited_for);
    tcase_add_test(tc, a_body_is_waited_for);
    tcase_add_test(tc, an_invalid_body_is_refused);
    tcase_add_test(tc, a_body_of_no_block_is_ignored);
    tcase_add_test(tc, a_parent_that_is_not_here_is_asked_for);
    tcase_add_test(tc, nothing_follows_a_handoff_in_its_term);
    tcase_add_test(tc, a_parent_beside_the_committed_chain_is_refused);
    tcase_add_test(tc, two_blocks_of_one_rank_are_held_against_their_author);
    tcase_add_test(tc, the_same_block_twice_is_nothing_new);
    tcase_add_test(tc, a_block_of_another_epoch_is_answered_not_judged);
    tcase_add_test(tc, a_block_of_a_term_we_are_not_in_is_not_kept);
})
