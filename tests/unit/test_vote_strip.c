#include "services/consensus/vote_strip.h"
#include "tests/support/unit.h"

static struct vote_strip strip;

static struct rank rank_of(uint64_t seq)
{
    return (struct rank){1, 1, seq};
}

static void empty(void)
{
    memset(&strip, 0, sizeof(strip));
}

static void commit(uint64_t height, uint64_t signers)
{
    const struct strip_block block = {
        .height = height, .rank = rank_of(height), .author = 0, .voters = signers};
    vote_strip_commit(&strip, &block);
}

static const struct strip_block *newest(void)
{
    return vote_strip_at(&strip, vote_strip_n(&strip) - 1);
}

START_TEST(votes_before_and_after_the_commit_count)
{
    vote_strip_saw(&strip, rank_of(1), 0);
    vote_strip_saw(&strip, rank_of(1), 2);
    commit(1, 0x2);
    ck_assert_uint_eq(newest()->voters, 0x7);
    vote_strip_saw(&strip, rank_of(1), 3); /* after the certificate had closed */
    ck_assert_uint_eq(newest()->voters, 0xf);
    vote_strip_saw(&strip, rank_of(2), 1); /* the next block's is not this one's */
    ck_assert_uint_eq(newest()->voters, 0xf);
    commit(2, 0);
    ck_assert_uint_eq(newest()->voters, 0x2);
}
END_TEST

/* Rank (1, 1, 1) again after its slot was emptied: an old vote is not a new block's. */
START_TEST(a_taken_slot_is_empty)
{
    vote_strip_saw(&strip, rank_of(1), 5);
    commit(1, 0);
    const struct strip_block again = {.height = 2, .rank = rank_of(1)};
    vote_strip_commit(&strip, &again);
    ck_assert_uint_eq(newest()->voters, 0);
}
END_TEST

START_TEST(the_newest_sixty_are_kept)
{
    ck_assert_uint_eq(vote_strip_n(&strip), 0);
    for (uint64_t height = 1; height <= 200; height++) {
        commit(height, height);
        uint64_t oldest = height > VOTE_STRIP_HEIGHTS ? height - VOTE_STRIP_HEIGHTS + 1 : 1;
        ck_assert_uint_eq(vote_strip_n(&strip), height - oldest + 1);
        ck_assert_uint_eq(vote_strip_at(&strip, 0)->height, oldest);
        ck_assert_uint_eq(newest()->height, height);
    }
}
END_TEST

START_TEST(each_block_settles_once)
{
    uint64_t want = 0;
    for (uint64_t height = 1; height <= 150; height++) {
        commit(height, 1);
        const struct strip_block *settled = vote_strip_settled(&strip);
        if (height <= VOTE_STRIP_SETTLED) {
            ck_assert_ptr_null(settled);
            continue;
        }
        want++;
        ck_assert_uint_eq(settled->height, want);
    }
}
END_TEST

/* One validator that signs whatever it likes costs some votes their place, nothing else. */
START_TEST(a_flood_of_ranks_is_bounded)
{
    for (uint64_t seq = 1; seq <= 100000; seq++)
        vote_strip_saw(&strip, rank_of(seq), 3);
    vote_strip_saw(&strip, rank_of(7), 1);
    commit(7, 0x4);
    ck_assert_uint_eq(newest()->voters, 0x6);
    ck_assert_uint_eq(vote_strip_n(&strip), 1);
}
END_TEST

UNIT_MAIN("vote_strip", empty, NULL, {
    tcase_add_test(tc, votes_before_and_after_the_commit_count);
    tcase_add_test(tc, a_taken_slot_is_empty);
    tcase_add_test(tc, the_newest_sixty_are_kept);
    tcase_add_test(tc, each_block_settles_once);
    tcase_add_test(tc, a_flood_of_ranks_is_bounded);
})
