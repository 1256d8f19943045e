/* vote_set: what the votes of one rank add up to. */
#include "tests/support/unit.h"

#include "services/consensus/core/vote_set.h"

#define RANK ((struct rank){1, 7, 3})

static struct vote_set set;

/* A ballot for block `name`, told apart by its voter in the signature. */
static struct ballot ballot_for(uint32_t voter, char name)
{
    struct ballot ballot = {.parent_rank = {1, 7, 2}};
    ballot.block.b[0] = (uint8_t)name;
    ballot.parent.b[0] = 'P';
    ballot.sig.b[0] = (uint8_t)(voter + 1);
    return ballot;
}

static enum vote_verdict cast(struct rank rank, uint32_t voter, char name)
{
    struct ballot ballot = ballot_for(voter, name);
    return vote_set_add(&set, rank, voter, &ballot);
}

static void one_vote_of_four(void)
{
    vote_set_init(&set, RANK, 4);
    ck_assert_int_eq(cast(RANK, 0, 'A'), VOTE_COUNTED);
}

static const struct row {
    const char *label;
    struct rank rank;
    uint32_t voter;
    char block;
    enum vote_verdict want;
} rows[] = {
    {"another validator", {1, 7, 3}, 1, 'A', VOTE_COUNTED},
    {"another validator, another block", {1, 7, 3}, 1, 'B', VOTE_COUNTED},
    {"the same vote again", {1, 7, 3}, 0, 'A', VOTE_REPEATED},
    {"another block", {1, 7, 3}, 0, 'B', VOTE_EQUIVOCATED},
    {"an earlier term", {1, 6, 3}, 1, 'A', VOTE_STALE},
    {"a later block", {1, 7, 4}, 1, 'A', VOTE_STALE},
    {"another epoch", {2, 7, 3}, 1, 'A', VOTE_STALE},
    {"the last of the set", {1, 7, 3}, 3, 'A', VOTE_COUNTED},
    {"an index past the set", {1, 7, 3}, 4, 'A', VOTE_STRANGER},
    {"an index past the bits", {1, 7, 3}, 64, 'A', VOTE_STRANGER},
};

START_TEST(verdicts)
{
    const struct row *row = &rows[_i];

    enum vote_verdict got = cast(row->rank, row->voter, row->block);
    ck_assert_msg(got == row->want, "%s: got %d, want %d", row->label, got, row->want);
}
END_TEST

START_TEST(the_first_vote_stands)
{
    ck_assert_int_eq(cast(RANK, 0, 'B'), VOTE_EQUIVOCATED);
    ck_assert_int_eq(cast(RANK, 1, 'B'), VOTE_COUNTED);
    ck_assert_uint_eq(vote_set_agreeing(&set, 0), 1u << 0);
    ck_assert_uint_eq(vote_set_agreeing(&set, 1), 1u << 1);
    ck_assert_uint_eq(vote_set_agreeing(&set, 2), 0); /* has not voted */
    ck_assert_uint_eq(vote_set_agreeing(&set, 64), 0);
}
END_TEST

/* The same block on another parent is another statement: no signature fits both. */
START_TEST(a_vote_is_its_whole_statement)
{
    struct ballot ballot = ballot_for(1, 'A');
    ballot.parent.b[0] = 'Q';
    ck_assert_int_eq(vote_set_add(&set, RANK, 1, &ballot), VOTE_COUNTED);
    ballot = ballot_for(2, 'A');
    ballot.parent_rank.seq = 1;
    ck_assert_int_eq(vote_set_add(&set, RANK, 2, &ballot), VOTE_COUNTED);
    ck_assert_uint_eq(vote_set_agreeing(&set, 0), 1u << 0);
    ck_assert_int_eq(vote_set_add(&set, RANK, 0, &ballot), VOTE_EQUIVOCATED);
}
END_TEST

START_TEST(a_quorum_makes_a_certificate)
{
    static struct qc qc;
    static struct cc cc;

    ck_assert_int_eq(cast(RANK, 3, 'A'), VOTE_COUNTED);
    ck_assert_int_eq(cast(RANK, 1, 'B'), VOTE_COUNTED);
    ck_assert(!vote_set_qc(&set, 0, &qc));
    ck_assert(!vote_set_cc(&set, 0, &cc));
    ck_assert_int_eq(cast(RANK, 2, 'A'), VOTE_COUNTED);
    ck_assert(!vote_set_qc(&set, 1, &qc)); /* B has one vote still */
    ck_assert(vote_set_qc(&set, 2, &qc));
    ck_assert(vote_set_cc(&set, 2, &cc));

    ck_assert(rank_eq(qc.rank, RANK) && rank_eq(cc.rank, RANK));
    ck_assert(rank_eq(qc.parent_rank, (struct rank){1, 7, 2}));
    ck_assert_uint_eq(qc.block.b[0], 'A');
    ck_assert_uint_eq(qc.parent.b[0], 'P');
    ck_assert_uint_eq(cc.block.b[0], 'A');
    ck_assert_uint_eq(qc.signers, 0xd);
    ck_assert_uint_eq(cc.signers, 0xd);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(qc.sigs[i].b[0], i == 1 ? 0 : i + 1);
        ck_assert_uint_eq(cc.sigs[i].b[0], i == 1 ? 0 : i + 1);
    }
}
END_TEST

/* For every size of set: one less than a quorum makes none, a quorum makes one of exactly
 * its size however many more there are. */
START_TEST(exactly_a_quorum_signs)
{
    static struct qc qc;
    uint32_t n = (uint32_t)_i;
    uint32_t wanted = quorum_size(n);

    vote_set_init(&set, RANK, n);
    for (uint32_t voter = n; voter-- > 0;) {
        ck_assert_int_eq(cast(RANK, voter, 'A'), VOTE_COUNTED);
        ck_assert(vote_set_qc(&set, voter, &qc) == (n - voter >= wanted));
    }
    ck_assert_uint_eq((uint32_t)__builtin_popcountll(qc.signers), wanted);
}
END_TEST

START_TEST(an_empty_set_is_our_bug)
{
    vote_set_init(&set, RANK, 0);
}
END_TEST

UNIT_MAIN("vote_set", one_vote_of_four, NULL, {
    tcase_add_loop_test(tc, verdicts, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, the_first_vote_stands);
    tcase_add_test(tc, a_vote_is_its_whole_statement);
    tcase_add_test(tc, a_quorum_makes_a_certificate);
    tcase_add_loop_test(tc, exactly_a_quorum_signs, 1, VALIDATORS_MAX + 1);
    tcase_add_test_raise_signal(tc, an_empty_set_is_our_bug, SIGABRT);
})
