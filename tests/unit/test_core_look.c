/*
 * What operators see of a core: the view, what waits, and the words for it.
 */
#include "tests/support/unit.h"

#include "tests/support/core_rig.h"

static struct core_waiting waiting_at(uint32_t at)
{
    struct core_waiting waiting;

    core_look_waiting(rig.places[at].core, &waiting);
    return waiting;
}

START_TEST(an_idle_core_waits_for_nothing)
{
    struct core_waiting waiting = waiting_at(1);

    ck_assert(!waiting.has_block);
    ck_assert_uint_eq(waiting.timed_out, 0);
}
END_TEST

/* Two of four cannot decide: who has not voted is seen, and since when. */
START_TEST(the_missing_voters_are_seen)
{
    uint32_t leader = rig_look(0).leader, other = (leader + 1) % RIG_N;

    for (uint32_t i = 0; i < RIG_N; i++)
        rig.places[i].is_cut = i != leader && i != other;
    rig_request();
    rig_pass_ms(20);

    struct core_waiting waiting = waiting_at(leader);
    ck_assert(waiting.has_block && !waiting.is_certified && !waiting.is_refused);
    ck_assert(!waiting.is_body_missing);
    ck_assert_uint_eq(waiting.height, 1);
    ck_assert_uint_eq(waiting.author, leader);
    ck_assert_uint_gt(waiting.voted_ms, 0);
    ck_assert_uint_eq(waiting.voted, UINT64_C(1) << leader | UINT64_C(1) << other);
    ck_assert_uint_eq(waiting.commit_voted, 0);
    ck_assert(hash_eq(&waiting.block, &rig.proposals[0].id));
    ck_assert(core_has_block(rig.places[leader].core, &waiting.block));
}
END_TEST

START_TEST(who_called_for_a_new_term_is_seen)
{
    uint32_t leader = rig_look(0).leader, other = (leader + 1) % RIG_N;

    for (uint32_t i = 0; i < RIG_N; i++)
        rig.places[i].is_cut = i != leader && i != other;
    rig_request();
    rig_pass_ms(10 * RIG_PATIENCE_MS);
    ck_assert_uint_eq(waiting_at(other).timed_out, UINT64_C(1) << leader | UINT64_C(1) << other);
}
END_TEST

START_TEST(a_committed_block_does_not_wait)
{
    rig_request();
    rig_pass_ms(10);
    ck_assert_uint_eq(rig_look(1).committed.height, 1);
    ck_assert(!waiting_at(1).has_block || waiting_at(1).height > 1);
}
END_TEST

/* Leadership goes away first; a drained node proposes nothing any more. */
START_TEST(a_draining_leader_hands_off)
{
    const struct input drain = {.kind = INPUT_DRAIN, .from = VALIDATOR_NONE};
    uint32_t leader = rig_look(0).leader;

    rig_pass_ms(RIG_PATIENCE_MS);
    rig_input(leader, &drain);
    rig_pass_ms(20);
    for (uint32_t i = 0; i < RIG_N; i++) {
        ck_assert_uint_eq(rig_look(i).term.term, 2);
        ck_assert_uint_ne(rig_look(i).leader, leader);
    }
    rig_request();
    rig_pass_ms(20);
    for (uint32_t i = 0; i < rig.n_proposals; i++)
        ck_assert(rig.proposals[i].header.author != leader ||
                  rig.proposals[i].header.rank.term == 1);
}
END_TEST

START_TEST(every_reason_has_words_of_its_own)
{
    for (int reason = 0; reason < REASON_END; reason++) {
        const char *text = note_reason_text((enum note_reason)reason);
        ck_assert_str_ne(text, "unknown");
        for (int other = 0; other < reason; other++)
            ck_assert_str_ne(text, note_reason_text((enum note_reason)other));
    }
    ck_assert_str_eq(note_reason_text(REASON_END), "unknown");
}
END_TEST

START_TEST(every_verdict_has_words_of_its_own)
{
    for (int verdict = 0; verdict <= SAFETY_MALFORMED; verdict++) {
        const char *text = safety_verdict_text((enum safety_verdict)verdict);
        ck_assert_str_ne(text, "unknown");
        for (int other = 0; other < verdict; other++)
            ck_assert_str_ne(text, safety_verdict_text((enum safety_verdict)other));
    }
    ck_assert_str_eq(safety_verdict_text((enum safety_verdict)(SAFETY_MALFORMED + 1)), "unknown");
}
END_TEST

UNIT_MAIN("core_look", rig_start, rig_end, {
    tcase_add_test(tc, an_idle_core_waits_for_nothing);
    tcase_add_test(tc, the_missing_voters_are_seen);
    tcase_add_test(tc, who_called_for_a_new_term_is_seen);
    tcase_add_test(tc, a_committed_block_does_not_wait);
    tcase_add_test(tc, a_draining_leader_hands_off);
    tcase_add_test(tc, every_reason_has_words_of_its_own);
    tcase_add_test(tc, every_verdict_has_words_of_its_own);
})
