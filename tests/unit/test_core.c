/* The core by the protocol's own statements: four of them, joined by hand. */
#include "tests/support/core_rig.h"
#include "tests/support/unit.h"

#define LEADER 1u /* of term 1: V[(1 + offset 0) mod 4] */

static void expect_heights(uint64_t height)
{
    for (uint32_t i = 0; i < RIG_N; i++)
        ck_assert_uint_eq(rig_look(i).committed.height, height);
}

static void expect_term(uint64_t term, uint32_t leader)
{
    for (uint32_t i = 0; i < RIG_N; i++) {
        struct core_view view = rig_look(i);
        ck_assert_uint_eq(view.term.term, term);
        ck_assert_uint_eq(view.leader, leader);
        ck_assert(view.is_leader == (i == leader));
    }
}

START_TEST(all_start_idle_in_term_one)
{
    expect_term(1, LEADER);
    expect_heights(0);
    for (uint32_t i = 0; i < RIG_N; i++)
        ck_assert(rig_look(i).is_admitted);
}
END_TEST

START_TEST(a_block_commits_in_three_delays)
{
    rig_request();
    ck_assert_uint_eq(rig.n_proposals, 1);
    const struct proposal *first = &rig.proposals[0];
    ck_assert_int_eq(first->entry.kind, ENTRY_ROOT);
    ck_assert(rank_eq(first->header.rank, (struct rank){1, 1, 1}));
    ck_assert(hash_eq(&first->header.parent, &rig.set.root));

    rig_hop(); /* the proposal */
    for (uint32_t i = 0; i < RIG_N; i++)
        ck_assert_uint_eq(rig.places[i].n_sent[SEND_VOTE], 1);
    rig_hop(); /* the votes */
    for (uint32_t i = 0; i < RIG_N; i++) {
        ck_assert_uint_eq(rig.places[i].n_sent[SEND_COMMIT_VOTE], 1);
        ck_assert(rank_eq(rig_look(i).high_qc, first->header.rank));
    }
    expect_heights(0);
    rig_hop(); /* the commit votes */
    expect_heights(1);
    for (uint32_t i = 0; i < RIG_N; i++)
        ck_assert(hash_eq(&rig.places[i].committed, &first->id));
}
END_TEST

START_TEST(a_lone_request_commits_and_the_chain_stands_still)
{
    rig_request();
    rig_pass_ms(10000);
    expect_heights(1);
    expect_term(1, LEADER);
    ck_assert_uint_eq(rig.n_proposals, 1);
    for (uint32_t i = 0; i < RIG_N; i++) {
        ck_assert_uint_eq(rig.places[i].n_intents[INTENT_VOTE], 1);
        ck_assert_uint_eq(rig.places[i].n_intents[INTENT_TIMEOUT], 0);
        ck_assert_uint_eq(rig.places[i].n_intents[INTENT_CHECKPOINT], 1);
        ck_assert_uint_eq(rig_look(i).checkpoint_height, 1);
    }
}
END_TEST

START_TEST(three_of_four_suffice)
{
    rig.places[3].is_cut = true;
    rig_request();
    rig_pass_ms(5);
    ck_assert_uint_eq(rig_look(0).committed.height, 1);
    ck_assert_uint_eq(rig_look(3).committed.height, 0);
    rig.places[2].is_cut = true;
    rig_request();
    rig_pass_ms(100);
    ck_assert_uint_eq(rig_look(0).committed.height, 1); /* two do not */
}
END_TEST

START_TEST(a_handoff_enters_the_next_term)
{
    struct input transfer = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};
    transfer.transfer_to = 3;
    rig_input(LEADER, &transfer);
    rig_pass_ms(10);

    expect_term(2, 3);
    ck_assert_uint_eq(rig.proposals[0].header.handoff, 3 + 1);
    ck_assert(rig.proposals[0].is_payload_empty);
    for (uint32_t i = 0; i < RIG_N; i++)
        ck_assert_int_eq(rig.places[i].entered, REASON_HANDOFF);

    /* The new leader's first block commits the old one's last. */
    ck_assert_int_eq(rig.proposals[1].entry.kind, ENTRY_HANDOFF);
    ck_assert_uint_eq(rig.proposals[1].header.author, 3);
    expect_heights(2);
}
END_TEST

/* Whoever is wanted may be behind at the very moment: the wish stands until it is not. */
START_TEST(a_transfer_waits_for_who_is_wanted)
{
    struct input transfer = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};
    transfer.transfer_to = 3;
    rig.places[3].is_cut = true;
    for (uint32_t i = 0; i < 8; i++) {
        rig_request();
        rig_pass_ms(200);
    }
    rig_input(LEADER, &transfer);
    rig_pass_ms(10);
    ck_assert_uint_eq(rig_look(LEADER).term.term, 1);

    rig.places[3].is_cut = false;
    rig_pass_ms(2000);
    expect_term(2, 3);
}
END_TEST

START_TEST(a_transfer_to_the_dead_is_forgotten)
{
    struct input transfer = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};
    transfer.transfer_to = 3;
    rig.places[3].is_cut = true;
    rig_pass_ms(2 * RIG_PATIENCE_MS);
    rig_input(LEADER, &transfer);
    rig_pass_ms(10 * RIG_PATIENCE_MS);
    rig.places[3].is_cut = false;
    rig_pass_ms(2000);
    expect_term(1, LEADER);
}
END_TEST

START_TEST(one_impatient_validator_moves_nobody)
{
    rig_set_patience(0, 100);
    rig_pass_ms(500);
    ck_assert_int_eq(rig.places[0].timed_out, REASON_LEADER_SILENT);
    ck_assert_uint_eq(rig.places[0].n_intents[INTENT_TIMEOUT], 1);
    expect_term(1, LEADER);
    for (uint32_t i = 1; i < RIG_N; i++)
        ck_assert_uint_eq(rig.places[i].n_intents[INTENT_TIMEOUT], 0);
}
END_TEST

START_TEST(two_timeouts_are_amplified_to_a_new_term)
{
    rig_set_patience(0, 100);
    rig_set_patience(2, 100);
    rig_pass_ms(110);
    rig_set_patience(0, RIG_PATIENCE_MS);
    rig_set_patience(2, RIG_PATIENCE_MS);

    ck_assert_int_eq(rig.places[0].timed_out, REASON_LEADER_SILENT);
    ck_assert_int_eq(rig.places[2].timed_out, REASON_LEADER_SILENT);
    ck_assert_int_eq(rig.places[3].timed_out, REASON_AMPLIFIED);
    ck_assert_int_eq(rig.places[LEADER].timed_out, REASON_AMPLIFIED);
    expect_term(2, 2);
    for (uint32_t i = 0; i < RIG_N; i++)
        ck_assert_int_eq(rig.places[i].entered, REASON_TC);

    rig_request();
    rig_pass_ms(5);
    ck_assert_int_eq(rig.proposals[0].entry.kind, ENTRY_TC);
    expect_heights(1);
}
END_TEST

/* What was certified in a term survives it: the next leader builds on it. */
START_TEST(a_certified_block_survives_its_term)
{
    rig_request();
    rig_hop();
    rig_hop(); /* all hold its QC, nobody has committed */
    rig.n_letters = 0;
    rig.places[LEADER].is_cut = true;
    rig_pass_ms(3000);

    ck_assert_uint_eq(rig_look(0).term.term, 2);
    ck_assert_uint_gt(rig.n_proposals, 1);
    ck_assert(hash_eq(&rig.proposals[1].header.parent, &rig.proposals[0].id));
    ck_assert_uint_ge(rig_look(0).committed.height, 1);
}
END_TEST

START_TEST(nothing_is_sent_before_it_is_durable)
{
    for (uint32_t i = 0; i < RIG_N; i++)
        rig.places[i].is_holding = true;
    rig_request();
    rig_pass_ms(100);
    ck_assert_uint_eq(rig.places[LEADER].n_intents[INTENT_PROPOSAL], 1);
    ck_assert_uint_eq(rig.places[LEADER].n_sent[SEND_PROPOSAL], 0);

    rig_release(LEADER);
    ck_assert_uint_eq(rig.places[LEADER].n_sent[SEND_PROPOSAL], 1);
    ck_assert_uint_eq(rig.places[LEADER].n_sent[SEND_VOTE], 1);
    rig_pass_ms(5);
    for (uint32_t i = 0; i < RIG_N; i++) {
        ck_assert_uint_eq(rig.places[i].n_intents[INTENT_VOTE], 1);
        ck_assert_uint_eq(rig.places[i].n_sent[SEND_VOTE], i == LEADER);
    }
    for (uint32_t i = 0; i < RIG_N; i++)
        rig_release(i);
    rig_pass_ms(5);
    expect_heights(1);
}
END_TEST

START_TEST(a_newer_signature_of_ours_makes_an_observer)
{
    struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};
    struct input answer = {.kind = INPUT_RANK_ANSWER, .from = 2};
    answer.rank_answer.nonce = 100;
    answer.rank_answer.has_vote = true;
    answer.rank_answer.vote.rank = (struct rank){1, 1, 1};

    rig_boot(0);
    rig_input(0, &tick);
    rig_input(0, &answer);
    ck_assert_int_eq(rig.places[0].observing, REASON_NEWER_SIGNATURE);
    ck_assert(rig_look(0).is_observing);

    rig_request();
    rig_pass_ms(20);
    for (uint32_t kind = INTENT_PROPOSAL; kind <= INTENT_CHECKPOINT; kind++)
        ck_assert_uint_eq(rig.places[0].n_intents[kind], 0);
    expect_heights(1); /* it follows what the others commit */
}
END_TEST

/* The database kept a leader's first block and lost the one before it. */
START_TEST(a_leader_fetches_the_parent_of_its_own_block)
{
    static struct safety_record record;
    struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};
    struct input transfer = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};
    transfer.transfer_to = 3;
    rig_input(LEADER, &transfer);
    while (rig.n_proposals < 2)
        rig_hop();
    rig.n_letters = 0; /* nobody else has seen it */

    record = rig.places[3].record;
    rig_boot_with(3, &record);
    rig_input(3, &tick);
    struct input stored = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE};
    stored.proposal = &rig.proposals[1];
    rig_input(3, &stored);
    rig_pass_ms(500);
    expect_term(2, 3);
    expect_heights(2);
}
END_TEST

START_TEST(an_answer_to_an_older_start_says_nothing)
{
    struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};
    struct input answer = {.kind = INPUT_RANK_ANSWER, .from = 2};
    answer.rank_answer.nonce = 99;
    answer.rank_answer.has_vote = true;
    answer.rank_answer.vote.rank = (struct rank){1, 1, 1};

    rig_boot(0);
    rig_input(0, &tick);
    rig_input(0, &answer);
    ck_assert(!rig_look(0).is_observing);
    ck_assert(!rig_look(0).is_admitted);
}
END_TEST

/* Every seventh message is lost, for as long as it takes to make a hundred blocks. */
START_TEST(actions_leave_room_under_load_and_loss)
{
    uint32_t count = 0;
    while (rig.n_proposals < 100) {
        rig_request();
        for (uint32_t i = 0; i < rig.n_letters; i++) {
            if (++count % 7 == 0)
                rig.letters[i--] = rig.letters[--rig.n_letters];
        }
        rig_pass_ms(1);
        ck_assert_uint_lt(rig.now_ms, 600000);
    }
    ck_assert_uint_gt(rig_look(0).committed.height, 50);
    ck_assert_uint_lt(rig.actions_max, ACTIONS_MAX / 2);
}
END_TEST

UNIT_MAIN("core", rig_start, rig_end, {
    tcase_add_test(tc, all_start_idle_in_term_one);
    tcase_add_test(tc, a_block_commits_in_three_delays);
    tcase_add_test(tc, a_lone_request_commits_and_the_chain_stands_still);
    tcase_add_test(tc, three_of_four_suffice);
    tcase_add_test(tc, a_handoff_enters_the_next_term);
    tcase_add_test(tc, a_transfer_waits_for_who_is_wanted);
    tcase_add_test(tc, a_transfer_to_the_dead_is_forgotten);
    tcase_add_test(tc, one_impatient_validator_moves_nobody);
    tcase_add_test(tc, two_timeouts_are_amplified_to_a_new_term);
    tcase_add_test(tc, a_certified_block_survives_its_term);
    tcase_add_test(tc, nothing_is_sent_before_it_is_durable);
    tcase_add_test(tc, a_newer_signature_of_ours_makes_an_observer);
    tcase_add_test(tc, a_leader_fetches_the_parent_of_its_own_block);
    tcase_add_test(tc, an_answer_to_an_older_start_says_nothing);
    tcase_add_test(tc, actions_leave_room_under_load_and_loss);
})
