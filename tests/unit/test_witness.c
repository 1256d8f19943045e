#include "services/consensus/witness.h"

#include "tests/support/unit.h"

#define N 4u

static struct witness *witness;
static struct span earlier;

static void fresh(void)
{
    witness = witness_new(N);
    earlier = span_of(NULL, 0);
}

static void done(void)
{
    witness_destroy(&witness);
}

static enum witness_verdict see(enum wire_id what, struct rank rank, const char *says,
                                uint64_t now_ms)
{
    return witness_see(witness, &(struct witnessed){what, 2, rank, span_of(says, strlen(says))},
                       now_ms, &earlier);
}

#define RANK(seq) ((struct rank){1, 7, (seq)})

START_TEST(another_statement_finds_the_first)
{
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "A", 1000), WITNESS_NEW);
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "B", 1001), WITNESS_DIFFERS);
    ck_assert(span_eq(earlier, span_of("A", 1)));
    /* The first stands: a third finds it, too. */
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "C", 1002), WITNESS_DIFFERS);
    ck_assert(span_eq(earlier, span_of("A", 1)));
}
END_TEST

START_TEST(types_ranks_and_validators_are_apart)
{
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "A", 1000), WITNESS_NEW);
    ck_assert_int_eq(see(WIRE_commit_vote, RANK(3), "B", 1000), WITNESS_NEW);
    ck_assert_int_eq(see(WIRE_signed_header, RANK(3), "C", 1000), WITNESS_NEW);
    ck_assert_int_eq(see(WIRE_vote, RANK(4), "D", 1000), WITNESS_NEW);
    struct witnessed other = {WIRE_vote, 1, RANK(3), span_of("E", 1)};
    ck_assert_int_eq(witness_see(witness, &other, 1000, &earlier), WITNESS_NEW);
    ck_assert_uint_eq(witness_n(witness), 5);
}
END_TEST

START_TEST(a_resend_of_the_newest_is_never_a_replay)
{
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "A", 1000), WITNESS_NEW);
    for (uint64_t now_ms = 1200; now_ms < 120000; now_ms += 200)
        ck_assert_int_eq(see(WIRE_vote, RANK(3), "A", now_ms), WITNESS_AGAIN);
}
END_TEST

/* A resend that was under way when the next vote came, or a link that was slow. */
START_TEST(nor_is_one_that_was_just_overtaken)
{
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "A", 1000), WITNESS_NEW);
    ck_assert_int_eq(see(WIRE_vote, RANK(4), "B", 60000), WITNESS_NEW);
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "A", 60000 + WITNESS_OLD_MS / 2), WITNESS_AGAIN);
}
END_TEST

START_TEST(one_long_overtaken_is)
{
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "A", 1000), WITNESS_NEW);
    ck_assert_int_eq(see(WIRE_vote, RANK(4), "B", 2000), WITNESS_NEW);
    for (uint64_t now_ms = 3000; now_ms <= 2000 + WITNESS_OLD_MS; now_ms += 500)
        (void)see(WIRE_vote, RANK(4), "B", now_ms);
    ck_assert_int_eq(see(WIRE_vote, RANK(3), "A", 3500 + WITNESS_OLD_MS), WITNESS_REPLAYED);
}
END_TEST

START_TEST(an_old_one_does_not_wipe_out_a_newer)
{
    struct rank new = {1, 900, 3};

    /* Same place in the table. */
    for (uint64_t term = 899; term > 1; term--) {
        struct rank old = {1, term, 3};
        ck_assert_int_eq(see(WIRE_vote, new, "new", 1000) != WITNESS_DIFFERS, 1);
        (void)see(WIRE_vote, old, "old", 1000);
        ck_assert_uint_eq(witness_find(witness, WIRE_vote, 2, new).size, 3);
    }
}
END_TEST

START_TEST(memory_does_not_grow)
{
    for (uint64_t seq = 1; seq < 100000; seq++)
        (void)see(WIRE_vote, RANK(seq), "vote", seq);
    ck_assert_uint_le(witness_n(witness), 1024);
    ck_assert_uint_eq(witness_find(witness, WIRE_vote, 2, RANK(99999)).size, 4);
    ck_assert_uint_eq(witness_find(witness, WIRE_vote, 2, RANK(5)).size, 0);
}
END_TEST

UNIT_MAIN("witness", fresh, done, {
    tcase_add_test(tc, another_statement_finds_the_first);
    tcase_add_test(tc, types_ranks_and_validators_are_apart);
    tcase_add_test(tc, a_resend_of_the_newest_is_never_a_replay);
    tcase_add_test(tc, nor_is_one_that_was_just_overtaken);
    tcase_add_test(tc, one_long_overtaken_is);
    tcase_add_test(tc, an_old_one_does_not_wipe_out_a_newer);
    tcase_add_test(tc, memory_does_not_grow);
})
