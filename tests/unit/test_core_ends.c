/*
 * How an epoch ends for a core by itself: by its config block, or by T0's word.
 */
#include "tests/support/unit.h"

#include "tests/support/core_solo_blocks.h"

static struct members next_members(void)
{
    struct members members = {.n = SOLO_N};

    for (uint32_t i = 0; i < members.n; i++)
        members.list[i] = (struct member){.card = {{(uint8_t)(i + 1), 1}},
                                          .key = fake_key(i),
                                          .instance = {{(uint8_t)(i + 1), 2}}};
    members.list[0].instance = (struct hash){{9}}; /* ours */
    return members;
}

/* T0 goes on from `block` in epoch 2. */
static struct epoch_proof recovery_on(const struct hash *block, uint64_t height)
{
    struct epoch_proof proof = {.kind = EPOCH_PROOF_RECOVERY, .next = next_members()};

    proof.recovery = (struct recovery){.epoch = 2, .height = height, .block = *block};
    proof.recovery.set = members_digest(&proof.next);
    return proof;
}

static void give_proof(const struct epoch_proof *proof)
{
    struct input input = {.kind = INPUT_EPOCH_PROOF, .from = 2};

    input.epoch_proof = proof;
    solo_say(&input);
}

/* With our key in the record, or no set pins us. */
static void end_fixture(void)
{
    solo_configure(SOLO_N);
    struct safety_record record = solo_record();
    record.key = fake_key(0);
    solo_boot(&record);
    solo_admit();
}

static void say_config(const struct hash *block, bool is_accepted, const struct members *next)
{
    struct input input = {.kind = INPUT_CONFIG, .from = VALIDATOR_NONE};

    input.config.block = *block;
    input.config.is_accepted = is_accepted;
    input.config.next = next;
    solo_say(&input);
}

/* ---- T0's word ---- */

START_TEST(a_recovery_on_what_is_committed_opens_its_epoch)
{
    struct epoch_proof proof = recovery_on(&solo.config.set.root, 0);

    give_proof(&proof);
    solo_tick(1);
    ck_assert_uint_eq(solo_look().term.epoch, 2);
    ck_assert_uint_eq(solo_look().self, 0);
    ck_assert_uint_eq(core_set(solo.core)->epoch, 2);

    give_proof(&proof); /* again: it is over */
    ck_assert_uint_eq(solo.n_log, 0);
}
END_TEST

START_TEST(a_recovery_beside_or_below_what_is_committed_is_refused)
{
    struct proposal first = solo_first();
    const struct hash other = {{0x31}};
    struct epoch_proof proof =
        _i == 0 ? recovery_on(&other, 1) : recovery_on(&solo.config.set.root, 0);

    solo_give(&first);
    solo_commit(&first);
    give_proof(&proof);
    ck_assert_int_eq(solo_noted(NOTE_RECOVERY_REFUSED), REASON_RECOVERY);
    solo_tick(1);
    ck_assert_uint_eq(solo_look().term.epoch, 1);
}
END_TEST

/* Its root is not here: asked for, then the range up to it, which needs no other proof. */
START_TEST(a_range_up_to_a_recovery_s_root_is_committed)
{
    struct proposal first = solo_first();
    struct proposal second = solo_child(&first);
    struct epoch_proof proof = recovery_on(&second.id, 2);
    struct wire_header headers[] = {first.header, second.header};
    struct hash ids[] = {first.id, second.id};
    struct input range = {.kind = INPUT_RANGE, .from = 2};

    give_proof(&proof);
    ck_assert(hash_eq(&solo_seen(ACTION_NEED_BLOCK)->need.block, &second.id));
    solo_tick(SOLO_BEAT_MS);
    ck_assert(hash_eq(&solo_seen(ACTION_SYNC)->sync.block, &second.id));
    ck_assert_uint_eq(solo_seen(ACTION_SYNC)->sync.signers, 0);

    range.range.headers = headers;
    range.range.ids = ids;
    range.range.n = 1; /* not up to it */
    solo_say(&range);
    ck_assert_ptr_null(solo_seen(ACTION_COMMIT));
    range.range.n = 2;
    solo_say(&range);
    ck_assert_uint_eq(solo_count(ACTION_COMMIT), 2);
    solo_tick(1);
    ck_assert_uint_eq(solo_look().term.epoch, 2);
    ck_assert_uint_eq(solo_look().committed.height, 2);
}
END_TEST

/* What is committed leads up to where T0 goes on, and no further. */
START_TEST(a_range_beyond_a_recovery_s_root_is_not_committed)
{
    struct proposal first = solo_first();
    struct proposal second = solo_child(&first);
    struct epoch_proof proof = recovery_on(&first.id, 1);
    struct commit_proof by_cc = {.cc = solo_cc(&second)};
    struct wire_header headers[] = {first.header, second.header};
    struct hash ids[] = {first.id, second.id};
    struct input range = {.kind = INPUT_RANGE, .from = 2};

    give_proof(&proof);
    range.range.headers = headers;
    range.range.ids = ids;
    range.range.n = 2;
    range.range.proof = &by_cc;
    solo_say(&range);
    ck_assert_ptr_null(solo_seen(ACTION_COMMIT));
}
END_TEST

START_TEST(a_spare_identity_that_the_set_does_not_pin_stays_spare)
{
    struct input spare = {.kind = INPUT_IDENTITY, .from = VALIDATOR_NONE};
    struct epoch_proof proof = recovery_on(&solo.config.set.root, 0);

    proof.next.list[0].key = fake_key(_i == 0 ? 77 : 78); /* not the record's */
    proof.recovery.set = members_digest(&proof.next);
    spare.identity = (struct identity){fake_key(78), {{9}}};
    solo_say(&spare);
    give_proof(&proof);
    solo_tick(1);
    ck_assert_uint_eq(solo_look().term.epoch, 2);
    ck_assert_uint_eq(solo_look().self, _i == 0 ? VALIDATOR_NONE : 0);
}
END_TEST

/* ---- config blocks ---- */

/* The first block, naming the next set; its body is here. */
static struct proposal config_block(void)
{
    struct members next = next_members();
    struct proposal block = solo_first();

    block.header.next_set = members_digest(&next);
    block.is_payload_empty = false;
    solo_seal(&block);
    return block;
}

START_TEST(a_config_block_is_asked_about_once_a_beat)
{
    struct proposal block = config_block();

    solo_give(&block);
    ck_assert_ptr_null(solo_seen(ACTION_NEED_CONFIG));
    solo_body(&block, true);
    ck_assert(hash_eq(&solo_seen(ACTION_NEED_CONFIG)->need.block, &block.id));
    solo_tick(SOLO_BEAT_MS - 1);
    ck_assert_ptr_null(solo_seen(ACTION_NEED_CONFIG));
    solo_tick(1);
    ck_assert_ptr_nonnull(solo_seen(ACTION_NEED_CONFIG));
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
}
END_TEST

enum answer { ACCEPTED, REJECTED, ANOTHER_SET, NO_SET };

START_TEST(a_config_block_is_voted_for_as_its_event_was_judged)
{
    struct proposal block = config_block();
    struct members next = next_members();
    const struct hash nobody_s = {{0x32}};

    solo_give(&block);
    solo_body(&block, true);
    say_config(&nobody_s, true, &next);
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    if (_i == ANOTHER_SET)
        next.list[1].key = fake_key(50);
    if (_i == NO_SET)
        next.n = 0;
    say_config(&block.id, _i != REJECTED, &next);
    ck_assert((solo_signed(INTENT_VOTE) != NULL) == (_i == ACCEPTED));
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), _i == ACCEPTED ? REASON_END : REASON_BAD_CONFIG);
}
END_TEST

/* Above a config block, in its own epoch, only what proves it: empty blocks of later terms. */
START_TEST(above_a_config_block_only_empty_blocks_are_voted_for)
{
    struct proposal block = config_block();
    struct members next = next_members();
    struct qc qc = solo_qc(&block);
    struct proposal above = solo_after_timeout(&qc, 2, 2);

    solo_give(&block);
    solo_body(&block, true);
    say_config(&block.id, true, &next);
    above.is_payload_empty = _i == 0;
    if (_i == 2)
        above.header.next_set = members_digest(&next);
    solo_seal(&above);
    solo_give(&above);
    ck_assert((solo_signed(INTENT_VOTE) != NULL) == (_i == 0));
    const enum note_reason want[] = {REASON_END, REASON_NOT_EMPTY, REASON_BAD_CONFIG};
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), want[_i]);
}
END_TEST

/* In the term of the config block nothing follows it at all. */
START_TEST(a_config_block_is_the_last_of_its_term)
{
    struct proposal block = config_block();
    struct members next = next_members();
    struct proposal above = solo_child(&block);

    solo_give(&block);
    solo_body(&block, true);
    say_config(&block.id, true, &next);
    solo_give(&above);
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), REASON_NOT_EMPTY);
}
END_TEST

/* ---- a start on a committed config block ---- */

/* Its certificate went with a crash; the block is here, given again at the start. */
static struct proposal start_on_config(void)
{
    struct proposal block = config_block();
    struct safety_record record = solo_record();
    struct input restored = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE, .proposal = &block};

    record.key = fake_key(0);
    solo.tip = (struct tip){.rank = block.header.rank,
                            .block = block.id,
                            .height = block.header.height,
                            .time_ms = block.header.time_ms,
                            .author = block.header.author,
                            .next_set = block.header.next_set};
    solo.executed.height = 1;
    record.high_qc = solo_qc(&block);
    solo_boot(&record);
    solo_say(&restored);
    solo_admit();
    return block;
}

START_TEST(a_config_block_without_its_proof_stalls_the_term)
{
    start_on_config();
    ck_assert_uint_eq(solo_look().committed.height, 1);
    for (uint32_t i = 0; i < 20 && solo_noted(NOTE_TIMED_OUT) == REASON_END; i++) {
        struct input beat = {.kind = INPUT_HEARTBEAT, .from = SOLO_LEADER};
        beat.heartbeat = (struct wire_heartbeat){.reply = BEAT_LEADER, .epoch = 1, .term = 1};
        beat.heartbeat.high = beat.heartbeat.committed = (struct rank){1, 1, 1};
        solo.now_ms += SOLO_BEAT_MS;
        solo_say(&beat); /* its leader is well, and can prove nothing */
    }
    ck_assert_int_eq(solo_noted(NOTE_TIMED_OUT), REASON_STALL);
}
END_TEST

/* Proven by a block of a later term that is not here: asked for; then the set. */
START_TEST(a_descendant_proves_a_config_block)
{
    struct proposal block = start_on_config();
    struct members next = next_members();
    struct qc qc = solo_qc(&block);
    struct proposal above = solo_after_timeout(&qc, 2, 2);

    solo_commit(&above);
    ck_assert(hash_eq(&solo_seen(ACTION_NEED_BLOCK)->need.block, &above.id));
    struct input found = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE, .proposal = &above};
    solo_say(&found);
    ck_assert(hash_eq(&solo_seen(ACTION_NEED_CONFIG)->need.block, &block.id));
    say_config(&block.id, true, &next);
    solo_tick(1);
    ck_assert_uint_eq(solo_look().term.epoch, 2);
    ck_assert(hash_eq(&core_set(solo.core)->root, &block.id));
    ck_assert_uint_eq(solo_look().committed.height, 1); /* what is above it was never meant */
}
END_TEST

START_TEST(a_ring_above_a_config_block_proves_nothing)
{
    struct proposal block = start_on_config();
    struct qc qc = solo_qc(&block);
    struct proposal a = solo_after_timeout(&qc, 2, 2);
    struct proposal b = solo_child(&a);
    struct input found = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE};

    a.header.parent = b.id; /* no hash is like this */
    found.proposal = &a;
    solo_say(&found);
    found.proposal = &b;
    solo_say(&found);
    solo_commit(&b);
    solo_tick(1);
    ck_assert_uint_eq(solo_look().term.epoch, 1);
    ck_assert_ptr_null(solo_seen(ACTION_NEED_CONFIG));
}
END_TEST

UNIT_MAIN("core_ends", end_fixture, solo_end, {
    tcase_add_test(tc, a_recovery_on_what_is_committed_opens_its_epoch);
    tcase_add_loop_test(tc, a_recovery_beside_or_below_what_is_committed_is_refused, 0, 2);
    tcase_add_test(tc, a_range_up_to_a_recovery_s_root_is_committed);
    tcase_add_test(tc, a_range_beyond_a_recovery_s_root_is_not_committed);
    tcase_add_loop_test(tc, a_spare_identity_that_the_set_does_not_pin_stays_spare, 0, 2);
    tcase_add_test(tc, a_config_block_is_asked_about_once_a_beat);
    tcase_add_loop_test(tc, a_config_block_is_voted_for_as_its_event_was_judged, 0, NO_SET + 1);
    tcase_add_loop_test(tc, above_a_config_block_only_empty_blocks_are_voted_for, 0, 3);
    tcase_add_test(tc, a_config_block_is_the_last_of_its_term);
    tcase_add_test(tc, a_config_block_without_its_proof_stalls_the_term);
    tcase_add_test(tc, a_descendant_proves_a_config_block);
    tcase_add_test(tc, a_ring_above_a_config_block_proves_nothing);
})
