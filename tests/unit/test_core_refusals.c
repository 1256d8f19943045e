/*
 * Proposals that break a VOTE rule, one at a time: refused for that reason, not voted for.
 */
#include "tests/support/unit.h"

#include "tests/support/core_solo_blocks.h"

/* ---- what a proposal alone shows ---- */

static void no_entry(struct proposal *p)
{
    p->entry.kind = ENTRY_NONE;
}

static void entry_of_no_kind(struct proposal *p)
{
    p->entry.kind = (enum entry_kind)9;
}

static void root_in_term_two(struct proposal *p)
{
    p->header.rank.term = 2;
}

static void root_on_a_block(struct proposal *p)
{
    p->justify.rank.seq = 1;
}

static void root_on_a_term(struct proposal *p)
{
    p->justify.rank.term = 1;
}

static void root_by_another(struct proposal *p)
{
    p->header.author = 2;
}

static void seq_zero(struct proposal *p)
{
    p->header.rank.seq = 0;
}

static void stranger(struct proposal *p)
{
    p->header.author = SOLO_N;
}

static void handoff_to_a_stranger(struct proposal *p)
{
    p->header.handoff = SOLO_N + 1;
}

static void parent_is_not_justified(struct proposal *p)
{
    p->header.parent = (struct hash){{0x55}};
}

static void config_without_an_event(struct proposal *p)
{
    p->header.next_set = (struct hash){{0x66}};
}

static void config_that_hands_off(struct proposal *p)
{
    p->header.next_set = (struct hash){{0x66}};
    p->header.handoff = 3;
    p->is_payload_empty = false;
}

static const struct form_row {
    const char *label;
    void (*spoil)(struct proposal *p);
    enum note_reason want;
} first_rows[] = {
    {"a first block without an entry", no_entry, REASON_BAD_ENTRY},
    {"an entry of no kind", entry_of_no_kind, REASON_BAD_ENTRY},
    {"the root's entry in term 2", root_in_term_two, REASON_BAD_ENTRY},
    {"the root's entry on a block", root_on_a_block, REASON_BAD_ENTRY},
    {"the root's entry on a later term", root_on_a_term, REASON_BAD_ENTRY},
    {"the root's entry by another", root_by_another, REASON_NOT_LEADER},
    {"seq 0", seq_zero, REASON_BAD_RANK},
    {"an author outside the set", stranger, REASON_NOT_LEADER},
    {"a handoff outside the set", handoff_to_a_stranger, REASON_NOT_LEADER},
    {"a parent that justify is not of", parent_is_not_justified, REASON_BAD_PARENT},
    {"a config block without its event", config_without_an_event, REASON_BAD_CONFIG},
    {"a config block that hands off", config_that_hands_off, REASON_BAD_CONFIG},
};

START_TEST(malformed_first_blocks)
{
    const struct form_row *row = &first_rows[_i];
    struct proposal first = solo_first();

    row->spoil(&first);
    solo_seal(&first);
    solo_expect_refused(&first, row->want, row->label);
}
END_TEST

START_TEST(the_first_block_is_voted_for)
{
    struct proposal first = solo_first();

    solo_expect_voted(&first);
    struct proposal second = solo_child(&first);
    solo_expect_voted(&second);
}
END_TEST

static void entry_of_another_epoch(struct proposal *p)
{
    p->entry.tc.term.epoch = 2;
}

static void entry_of_an_older_term(struct proposal *p)
{
    p->header.rank.term = 3;
    p->header.author = 3;
}

static void below_what_the_tc_cites(struct proposal *p)
{
    p->entry.tc.high_qc.rank = (struct rank){1, 1, 5};
}

static void justified_by_its_own_term(struct proposal *p)
{
    p->justify.rank = (struct rank){1, 2, 3};
}

static void by_whose_turn_it_is_not(struct proposal *p)
{
    p->header.author = 3;
}

static const struct form_row tc_rows[] = {
    {"a TC of another epoch", entry_of_another_epoch, REASON_BAD_ENTRY},
    {"a TC of an older term", entry_of_an_older_term, REASON_BAD_ENTRY},
    {"below what the TC cites", below_what_the_tc_cites, REASON_BAD_JUSTIFY},
    {"a TC, justified by its own term", justified_by_its_own_term, REASON_BAD_JUSTIFY},
    {"a TC, by whose turn it is not", by_whose_turn_it_is_not, REASON_NOT_LEADER},
};

START_TEST(malformed_blocks_after_a_timeout)
{
    const struct form_row *row = &tc_rows[_i];
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal first = solo_after_timeout(&root, 1, 2);

    row->spoil(&first);
    solo_seal(&first);
    solo_expect_refused(&first, row->want, row->label);
}
END_TEST

START_TEST(a_block_after_a_timeout_is_voted_for)
{
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal first = solo_after_timeout(&root, 1, 2);

    solo_expect_voted(&first);
    ck_assert_uint_eq(solo_look().term.term, 2);
    ck_assert_int_eq(solo_noted(NOTE_TERM_ENTERED), REASON_TC);
}
END_TEST

/* Term 1's only block hands off to 3, who begins term 2 on it. */
static struct proposal after_handoff(void)
{
    struct proposal last = solo_first();

    last.header.handoff = 3 + 1;
    solo_seal(&last);
    struct qc qc = solo_qc(&last);
    struct proposal first = solo_on(&qc, (struct rank){1, 2, 1}, 2, 3);
    solo_give(&last);
    first.entry =
        (struct entry){.kind = ENTRY_HANDOFF, .handoff_qc = qc, .handoff_header = last.header};
    return first;
}

static void handoff_of_another_epoch(struct proposal *p)
{
    p->entry.handoff_qc.rank.epoch = 2;
}

static void handoff_that_jumps_a_term(struct proposal *p)
{
    p->header.rank.term = 3;
}

static void not_on_the_handoff(struct proposal *p)
{
    p->entry.handoff_qc.block = (struct hash){{0x44}};
}

static void by_who_was_not_named(struct proposal *p)
{
    p->header.author = 2;
}

static const struct form_row handoff_rows[] = {
    {"a handoff of another epoch", handoff_of_another_epoch, REASON_BAD_ENTRY},
    {"a handoff that jumps a term", handoff_that_jumps_a_term, REASON_BAD_ENTRY},
    {"not on the block that hands off", not_on_the_handoff, REASON_BAD_JUSTIFY},
    {"a handoff, by who was not named", by_who_was_not_named, REASON_NOT_LEADER},
};

START_TEST(malformed_blocks_after_a_handoff)
{
    const struct form_row *row = &handoff_rows[_i];
    struct proposal first = after_handoff();

    row->spoil(&first);
    solo_seal(&first);
    solo_expect_refused(&first, row->want, row->label);
}
END_TEST

START_TEST(a_block_after_a_handoff_is_voted_for)
{
    struct proposal first = after_handoff();

    solo_expect_voted(&first);
    ck_assert_uint_eq(solo_look().leader, 3);
    ck_assert_uint_eq(solo_look().term.term, 2);
}
END_TEST

UNIT_MAIN("core_refusals", solo_start, solo_end, {
    tcase_add_loop_test(tc, malformed_first_blocks, 0, N_ELEMENTS(first_rows));
    tcase_add_test(tc, the_first_block_is_voted_for);
    tcase_add_loop_test(tc, malformed_blocks_after_a_timeout, 0, N_ELEMENTS(tc_rows));
    tcase_add_test(tc, a_block_after_a_timeout_is_voted_for);
    tcase_add_loop_test(tc, malformed_blocks_after_a_handoff, 0, N_ELEMENTS(handoff_rows));
    tcase_add_test(tc, a_block_after_a_handoff_is_voted_for);
})
