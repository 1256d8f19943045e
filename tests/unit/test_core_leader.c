/*
 * A leader by itself: what it builds on, what makes it wait, what it does not propose.
 */
#include "tests/support/unit.h"

#include "tests/support/core_solo_blocks.h"

static void lead(void)
{
    solo_start_as(SOLO_LEADER);
    ck_assert(solo_look().is_leader);
}

static struct input members_event(const struct members *next, const struct hash *parent)
{
    struct input input = solo_built(parent, false);
    input.built.next = next;
    return input;
}

static struct members some_members(void)
{
    struct members members = {.n = 4};

    for (uint32_t i = 0; i < members.n; i++)
        members.list[i] = (struct member){.card = {{(uint8_t)(i + 1), 1}},
                                          .key = fake_key(i),
                                          .instance = {{(uint8_t)(i + 1), 2}}};
    return members;
}

static void heartbeat_of(uint32_t from, uint64_t committed_height)
{
    struct input input = {.kind = INPUT_HEARTBEAT, .from = from};

    input.heartbeat = (struct wire_heartbeat){.reply = BEAT_PRESENCE,
                                              .epoch = 1,
                                              .term = 1,
                                              .high = {1, 0, 0},
                                              .committed = {1, 0, 0},
                                              .committed_height = committed_height};
    solo_say(&input);
}

static void ask_for(uint32_t to)
{
    struct input input = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};

    input.transfer_to = to;
    solo_say(&input);
}

/* ---- what was built ---- */

START_TEST(a_payload_on_another_parent_is_not_proposed)
{
    solo_pend(true, false);
    struct hash other = {{0x72}};
    struct input built = solo_built(&other, false);

    ck_assert(hash_eq(&solo_seen(ACTION_BUILD)->build.parent, &solo.config.set.root));
    solo_say(&built);
    ck_assert_ptr_null(solo_seen(ACTION_PERSIST));
    built = solo_built(&solo.config.set.root, false);
    solo_say(&built); /* the one that was asked for, still */
    ck_assert_ptr_nonnull(solo_signed(INTENT_PROPOSAL));
    ck_assert_ptr_nonnull(solo_signed(INTENT_VOTE));
}
END_TEST

START_TEST(a_payload_nobody_asked_for_is_not_proposed)
{
    struct input built = solo_built(&solo.config.set.root, false);

    solo_say(&built);
    ck_assert_ptr_null(solo_seen(ACTION_PERSIST));
}
END_TEST

/* Nothing waits after all: no empty block is made of it. */
START_TEST(an_empty_payload_is_no_reason)
{
    solo_pend(true, false);
    ck_assert_ptr_null(solo_build(true));
    solo_pend(false, true);
    ck_assert(solo_seen(ACTION_BUILD)->build.may_configure);
    ck_assert_ptr_null(solo_build(true));
    ck_assert_ptr_null(solo_seen(ACTION_BUILD));
}
END_TEST

/* A handoff asked for between BUILD and BUILT comes after what was built. */
START_TEST(a_handoff_waits_for_the_config_event)
{
    struct members next = some_members();
    struct hash digest = members_digest(&next);

    solo_pend(false, true);
    ck_assert(solo_seen(ACTION_BUILD)->build.may_configure);
    heartbeat_of(3, 0);
    ask_for(3);
    struct input built = members_event(&next, &solo.config.set.root);
    solo_say(&built);
    const struct action *persist = solo_seen(ACTION_PERSIST);
    ck_assert_ptr_nonnull(persist);
    ck_assert(hash_eq(&persist->persist.own->header.next_set, &digest));
    ck_assert_uint_eq(persist->persist.own->header.handoff, 0);
}
END_TEST

/* Asked for first, it comes first: nothing but the handoff may be built. */
START_TEST(a_config_event_waits_for_the_handoff)
{
    heartbeat_of(3, 0);
    ask_for(3);
    ck_assert(!solo_seen(ACTION_BUILD)->build.may_configure);
    const struct proposal *own = solo_build(true);
    ck_assert_ptr_nonnull(own);
    ck_assert_uint_eq(own->header.handoff, 3 + 1);
}
END_TEST

/* Late, and for another term: on the same parent, but what is wanted now is a handoff. */
START_TEST(a_config_event_built_for_an_earlier_term_is_dropped)
{
    struct members next = some_members();
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal first = solo_after_timeout(&root, 1, 1 + SOLO_N); /* ours again */
    struct input entry = {.kind = INPUT_ENTRY, .from = 3, .entry = &first.entry};

    solo_pend(false, true);
    ck_assert(solo_seen(ACTION_BUILD)->build.may_configure);
    solo_pend(false, false);
    solo_say(&entry);
    ck_assert(solo_look().is_leader);
    heartbeat_of(3, 0);
    ask_for(3);
    ck_assert(!solo_seen(ACTION_BUILD)->build.may_configure);
    struct input built = members_event(&next, &solo.config.set.root);
    solo_say(&built);
    ck_assert_ptr_null(solo_signed(INTENT_PROPOSAL));
    const struct proposal *own = solo_build(true);
    ck_assert_ptr_nonnull(own);
    ck_assert_uint_eq(own->header.handoff, 3 + 1);
}
END_TEST

/* Before what is committed is executed, no event can be judged on it. */
START_TEST(a_config_event_waits_for_execution)
{
    solo.is_slow = true;
    solo_pend(true, false);
    const struct proposal *own = solo_build(false);
    ck_assert_ptr_nonnull(own);
    solo_pend(false, true);
    solo_certify(own);
    solo_commit(own);
    ck_assert_uint_eq(solo_look().committed.height, 1);
    ck_assert_ptr_null(solo_seen(ACTION_BUILD));

    struct input executed = {.kind = INPUT_EXECUTED, .from = VALIDATOR_NONE};
    executed.executed.height = 1;
    solo_say(&executed);
    ck_assert(solo_seen(ACTION_BUILD)->build.may_configure);
}
END_TEST

/* ---- what there is to build on ---- */

/* Certified but never committed: it stops while the window has room for what a change of
 * terms can leave behind. */
START_TEST(a_leader_stops_before_the_window_is_full)
{
    uint32_t n = 0;

    solo_pend(true, false);
    while (solo_seen(ACTION_BUILD) != NULL) {
        ck_assert_uint_lt(++n, CHAIN_WINDOW);
        const struct proposal *own = solo_build(false);
        ck_assert_ptr_nonnull(own);
        struct qc qc = solo_qc(own);
        qc.parent_rank = (struct rank){1, 0, 0}; /* no two-chain */
        struct input input = {.kind = INPUT_QC, .from = 2, .qc = &qc};
        solo_say(&input);
    }
    ck_assert_uint_ge(n, CHAIN_WINDOW - 6);
    ck_assert_uint_eq(solo_look().committed.height, 0);
}
END_TEST

START_TEST(an_uncertified_block_is_not_built_on)
{
    solo_pend(true, false);
    const struct proposal *own = solo_build(false);
    ck_assert_ptr_nonnull(own);
    ck_assert_ptr_null(solo_seen(ACTION_BUILD));
    solo_certify(own);
    ck_assert(hash_eq(&solo_seen(ACTION_BUILD)->build.parent, &own->id));
}
END_TEST

/* Commit votes may be faster than votes: what is committed is not lost, and is no reason to
 * leave the term. It waits for the certificate that its next block needs. */
START_TEST(a_block_committed_before_its_certificate_is_not_lost)
{
    solo_pend(true, false);
    const struct proposal *own = solo_build(false);
    ck_assert_ptr_nonnull(own);
    solo_commit(own);
    ck_assert_uint_eq(solo_look().committed.height, 1);
    ck_assert_int_eq(solo_noted(NOTE_TIMED_OUT), REASON_END);
    solo_tick(SOLO_BEAT_MS);
    ck_assert_int_eq(solo_noted(NOTE_TIMED_OUT), REASON_END);
    ck_assert_ptr_nonnull(solo_sent(SEND_HEARTBEAT));
    ck_assert_ptr_null(solo_sent(SEND_PROPOSAL)); /* its body has left the window */
    solo_certify(own);
    ck_assert(hash_eq(&solo_seen(ACTION_BUILD)->build.parent, &own->id));
}
END_TEST

/* Its certificate comes after it was committed: nothing follows a handoff in its term. */
START_TEST(a_committed_handoff_is_not_built_on)
{
    heartbeat_of(3, 0);
    ask_for(3);
    const struct proposal *own = solo_build(true);
    ck_assert_ptr_nonnull(own);
    ck_assert_uint_eq(own->header.handoff, 3 + 1);
    struct proposal handoff = *own;
    solo_commit(&handoff);
    ck_assert_uint_eq(solo_look().committed.height, 1);
    solo_pend(true, false);
    solo_certify(&handoff);
    ck_assert_ptr_null(solo_seen(ACTION_BUILD));
    ck_assert_int_eq(solo_noted(NOTE_TIMED_OUT), REASON_END);
}
END_TEST

static void enter_by_timeout(uint64_t term)
{
    struct entry entry = {.kind = ENTRY_TC,
                          .tc = {.term = {1, term - 1}, .high_qc = qc_of_root(&solo.config.set)}};
    struct input input = {.kind = INPUT_ENTRY, .from = 2};

    entry.tc.signers = SOLO_QUORUM;
    input.entry = &entry;
    solo_say(&input);
    ck_assert_uint_eq(solo_look().term.term, term);
}

/* Nobody else has anything to propose either, and its voters would end term after term. */
START_TEST(what_was_voted_for_in_vain_is_overtaken)
{
    enter_by_timeout(5);
    ck_assert(solo_look().is_leader);
    ck_assert_ptr_null(solo_seen(ACTION_BUILD)); /* an idle chain stands still */
    solo_pend(true, false);
    ck_assert_ptr_nonnull(solo_build(false));
    solo_pend(false, false);
    enter_by_timeout(9);
    const struct action *build = solo_seen(ACTION_BUILD);
    ck_assert_ptr_nonnull(build);
    ck_assert(hash_eq(&build->build.parent, &solo.config.set.root));
    const struct proposal *own = solo_build(true);
    ck_assert_ptr_nonnull(own);
    ck_assert_uint_eq(own->header.rank.term, 9);
}
END_TEST

/* Behind by more than can be made up for at once, nobody is handed the term. */
START_TEST(a_term_goes_to_who_is_near)
{
    solo_pend(true, false);
    for (uint32_t i = 0; i < 8; i++) {
        const struct proposal *own = solo_build(false);
        ck_assert_ptr_nonnull(own);
        struct proposal block = *own;
        solo_certify(&block);
        ck_assert_ptr_nonnull(solo_seen(ACTION_BUILD));
    }
    ck_assert_uint_ge(solo_look().committed.height, 7);
    heartbeat_of(3, 1);
    ask_for(3);
    const struct proposal *own = solo_build(false);
    ck_assert_ptr_nonnull(own);
    ck_assert_uint_eq(own->header.handoff, 0);

    struct input vote = {.kind = INPUT_VOTE, .from = 3}; /* far behind still */
    struct proposal block = *own;
    vote.vote = (struct wire_vote){.rank = {1, 1, 2}, .block = {{0x73}}, .voter = 3};
    solo_say(&vote);
    solo_certify(&block);
    own = solo_build(false);
    ck_assert_uint_eq(own->header.handoff, 0);

    block = *own;
    vote.vote = (struct wire_vote){.rank = block.header.rank, .block = block.id, .voter = 3};
    solo_say(&vote); /* near: votes show it before heartbeats do */
    solo_certify(&block);
    own = solo_build(false);
    ck_assert_uint_eq(own->header.handoff, 3 + 1);
}
END_TEST

UNIT_MAIN("core_leader", lead, solo_end, {
    tcase_add_test(tc, a_payload_on_another_parent_is_not_proposed);
    tcase_add_test(tc, a_payload_nobody_asked_for_is_not_proposed);
    tcase_add_test(tc, an_empty_payload_is_no_reason);
    tcase_add_test(tc, a_handoff_waits_for_the_config_event);
    tcase_add_test(tc, a_config_event_waits_for_the_handoff);
    tcase_add_test(tc, a_config_event_built_for_an_earlier_term_is_dropped);
    tcase_add_test(tc, a_config_event_waits_for_execution);
    tcase_add_test(tc, a_leader_stops_before_the_window_is_full);
    tcase_add_test(tc, an_uncertified_block_is_not_built_on);
    tcase_add_test(tc, a_block_committed_before_its_certificate_is_not_lost);
    tcase_add_test(tc, a_committed_handoff_is_not_built_on);
    tcase_add_test(tc, what_was_voted_for_in_vain_is_overtaken);
    tcase_add_test(tc, a_term_goes_to_who_is_near);
})
