/*
 * What an epoch's set pins: who may sign in it, and how a record comes into it.
 */
#include "tests/support/unit.h"

#include "tests/support/safety_sample.h"

#define SELF 2u

/* The set of the epoch that follows `before`, with our key and instance at SELF. */
static struct epoch_proof proof_after(uint64_t before)
{
    struct epoch_proof proof = {.kind = EPOCH_PROOF_COMMIT, .next.n = 4};

    for (uint32_t i = 0; i < proof.next.n; i++)
        proof.next.list[i] = (struct member){.card = filled((uint8_t)(0x80 + i)),
                                             .key = fake_key(i),
                                             .instance = filled((uint8_t)(0x90 + i))};
    proof.next.list[SELF].instance = record.instance;
    proof.root = (struct wire_header){.rank = {before, 7, 2}, .height = 70};
    proof.root.next_set = members_digest(&proof.next);
    proof.proof.cc = (struct cc){.rank = proof.root.rank, .signers = 7};
    proof.proof.cc.block = header_id(&proof.root);
    return proof;
}

static struct epoch_proof recovery_to(uint64_t epoch)
{
    struct epoch_proof proof = proof_after(epoch - 1);

    proof.kind = EPOCH_PROOF_RECOVERY;
    proof.recovery = (struct recovery){.epoch = epoch, .height = 71, .block = filled(0xd1)};
    proof.recovery.set = members_digest(&proof.next);
    return proof;
}

/* Epoch 2, opened by a set that pins us. */
static void pinned_fixture(void)
{
    safety_fixture();
    record.key = fake_key(SELF);
    record.proof = proof_after(1);
}

/* ---- who signs ---- */

static struct intent statement_of(enum intent_kind kind, uint64_t voter)
{
    struct intent intent = block_intent(kind, (struct rank){2, 5, 4}, 'B');

    if (kind == INTENT_VOTE)
        intent.vote.voter = voter;
    if (kind == INTENT_COMMIT_VOTE)
        intent.commit_vote.voter = voter;
    if (kind == INTENT_TIMEOUT)
        intent.timeout =
            (struct wire_timeout){.epoch = 2, .term = 5, .high = {2, 5, 2}, .voter = voter};
    if (kind == INTENT_CHECKPOINT)
        intent.checkpoint =
            (struct wire_checkpoint){.height = 9, .block = filled('B'), .voter = voter};
    return intent;
}

START_TEST(only_as_whom_the_set_pins)
{
    enum intent_kind kind = (enum intent_kind)_i;
    struct intent other = statement_of(kind, SELF + 1);
    struct intent own = statement_of(kind, SELF);
    struct safety_record before = record;

    if (kind != INTENT_PROPOSAL) { /* it names nobody: its header does */
        ck_assert_int_eq(safety_approve(&record, &other), SAFETY_NOT_PINNED);
        ck_assert_mem_eq(&record, &before, sizeof(record));
    }
    ck_assert_int_eq(safety_approve(&record, &own), SAFETY_OK);
}
END_TEST

START_TEST(who_is_not_pinned_signs_nothing)
{
    struct intent intent = statement_of((enum intent_kind)_i, SELF);

    record.key = fake_key(9);
    ck_assert_int_eq(safety_approve(&record, &intent), SAFETY_NOT_PINNED);
    record.key = fake_key(SELF);
    record.instance = filled(0x12); /* restored from elsewhere */
    ck_assert_int_eq(safety_approve(&record, &intent), SAFETY_NOT_PINNED);
}
END_TEST

START_TEST(in_the_first_epoch_genesis_pins)
{
    struct intent intent = statement_of(INTENT_VOTE, SELF + 1);
    uint32_t index = 0;

    record.proof.kind = EPOCH_PROOF_NONE;
    ck_assert(safety_is_pinned(&record, &index));
    ck_assert_uint_eq(index, VALIDATORS_MAX);
    ck_assert_int_eq(safety_approve(&record, &intent), SAFETY_OK);
}
END_TEST

/* ---- statements that make no sense ---- */

START_TEST(a_vote_on_a_parent_above_it_is_malformed)
{
    struct intent intent = statement_of(INTENT_VOTE, SELF);

    intent.vote.parent_rank = intent.vote.rank;
    ck_assert_int_eq(safety_approve(&record, &intent), SAFETY_MALFORMED);
    ck_assert(rank_eq(record.last_vote, (struct rank){2, 5, 3}));
}
END_TEST

START_TEST(a_checkpoint_of_no_block_is_malformed)
{
    struct intent intent = statement_of(INTENT_CHECKPOINT, SELF);

    intent.checkpoint.block = (struct hash){{0}};
    ck_assert_int_eq(safety_approve(&record, &intent), SAFETY_MALFORMED);
}
END_TEST

START_TEST(an_intent_of_no_kind_is_malformed)
{
    struct intent intent = {.kind = (enum intent_kind)99};
    uint8_t bytes[INTENT_BYTES_MAX];

    ck_assert_int_eq(safety_approve(&record, &intent), SAFETY_MALFORMED);
    ck_assert_uint_eq(intent_encode(&intent, bytes), 0);
}
END_TEST

/* ---- into the next epoch ---- */

static struct safety_record proposed_with(const struct epoch_proof *proof)
{
    struct safety_record proposed = record;

    proposed.counter++;
    safety_enter_epoch(&proposed, proof);
    return proposed;
}

START_TEST(a_step_takes_the_epoch_over)
{
    const struct epoch_proof proof = _i == 0 ? proof_after(2) : recovery_to(5);
    struct safety_record proposed = proposed_with(&proof);
    struct hash root = epoch_proof_root(&proof);
    uint32_t refused;

    ck_assert_int_eq(take_step(NULL, 0, &proposed, &refused), SAFETY_OK);
    ck_assert_uint_eq(record.epoch, _i == 0 ? 3 : 5);
    ck_assert(hash_eq(&record.high_qc.block, &root));
    ck_assert(rank_eq(record.high_qc.rank, (struct rank){record.epoch, 0, 0}));
    ck_assert(rank_eq(record.last_vote, (struct rank){2, 5, 3})); /* lower, and remembered */

    struct intent old = statement_of(INTENT_VOTE, SELF);
    ck_assert_int_eq(safety_approve(&record, &old), SAFETY_WRONG_EPOCH);
}
END_TEST

static void no_proof(struct safety_record *proposed)
{
    proposed->proof.kind = EPOCH_PROOF_NONE;
}

static void proof_of_another_epoch(struct safety_record *proposed)
{
    proposed->epoch++;
}

static void set_the_block_does_not_name(struct safety_record *proposed)
{
    proposed->proof.next.list[0].instance = filled(0x77);
}

static void set_without_us(struct safety_record *proposed)
{
    proposed->proof.next.list[SELF].instance = filled(0x77);
    proposed->proof.root.next_set = members_digest(&proposed->proof.next);
}

static const struct entry_row {
    const char *label;
    void (*spoil)(struct safety_record *proposed);
    enum safety_verdict want;
} entry_rows[] = {
    {"no proof", no_proof, SAFETY_MALFORMED},
    {"of another epoch", proof_of_another_epoch, SAFETY_MALFORMED},
    {"another set than it names", set_the_block_does_not_name, SAFETY_MALFORMED},
    {"a set without us", set_without_us, SAFETY_NOT_PINNED},
};

START_TEST(an_epoch_is_not_entered_without_its_proof)
{
    const struct entry_row *row = &entry_rows[_i];
    struct epoch_proof proof = proof_after(2);
    struct safety_record proposed = proposed_with(&proof), before = record;
    uint32_t refused = 9;

    row->spoil(&proposed);
    enum safety_verdict got = take_step(NULL, 0, &proposed, &refused);
    ck_assert_msg(got == row->want, "%s: got %s", row->label, safety_verdict_text(got));
    ck_assert_uint_eq(refused, 0);
    ck_assert_mem_eq(&record, &before, sizeof(record));
}
END_TEST

/* A statement that may not be signed keeps the epoch out as well: all or nothing. */
START_TEST(a_refused_statement_keeps_the_epoch_out)
{
    struct epoch_proof proof = proof_after(2);
    struct safety_record proposed = proposed_with(&proof), before = record;
    struct intent old = statement_of(INTENT_VOTE, SELF);
    uint32_t refused = 0;

    ck_assert_int_eq(take_step(&old, 1, &proposed, &refused), SAFETY_WRONG_EPOCH);
    ck_assert_uint_eq(refused, 1);
    ck_assert_mem_eq(&record, &before, sizeof(record));
}
END_TEST

START_TEST(entering_an_epoch_again_is_our_bug)
{
    struct epoch_proof proof = proof_after(1);

    safety_enter_epoch(&record, &proof);
}
END_TEST

START_TEST(an_observer_takes_no_step)
{
    struct safety_record proposed = record;
    uint32_t refused = 9;

    proposed.counter++;
    record.observing = true;
    ck_assert_int_eq(take_step(NULL, 0, &proposed, &refused), SAFETY_OBSERVING);
    ck_assert_uint_eq(refused, 0);
    ck_assert_uint_eq(record.counter, proposed.counter - 1);
}
END_TEST

START_TEST(a_newer_epoch_survives_a_merge)
{
    struct epoch_proof proof = proof_after(2);
    struct safety_record newer = proposed_with(&proof), older = record;

    safety_merge(&older, &newer);
    ck_assert_uint_eq(older.epoch, 3);
    ck_assert_uint_eq(epoch_proof_epoch(&older.proof), 3);
    safety_merge(&newer, &record);
    ck_assert_uint_eq(newer.epoch, 3);
    ck_assert_uint_eq(epoch_proof_epoch(&newer.proof), 3);
}
END_TEST

/* ---- bytes ---- */

START_TEST(the_proof_survives_its_bytes)
{
    static uint8_t bytes[RECORD_BYTES_MAX];
    struct safety_record decoded;

    if (_i == 1)
        record.proof = recovery_to(2);
    size_t size = safety_encode(&record, bytes, sizeof(bytes));
    ck_assert_uint_gt(size, 0);
    ck_assert(safety_decode(span_of(bytes, size), &decoded));
    uint32_t index;
    ck_assert(safety_is_pinned(&decoded, &index));
    ck_assert_uint_eq(index, SELF);
    ck_assert_uint_eq(epoch_proof_epoch(&decoded.proof), 2);
    struct hash want = epoch_proof_root(&record.proof), got = epoch_proof_root(&decoded.proof);
    ck_assert(hash_eq(&want, &got));
}
END_TEST

/* Rank zero alone is not "none": with signers it is a certificate, kept as it is. */
START_TEST(a_certificate_with_signers_is_not_none)
{
    static uint8_t bytes[RECORD_BYTES_MAX];
    struct safety_record decoded;

    record.timeout_qc = (struct qc){.block = filled('t'), .signers = 7};
    size_t size = safety_encode(&record, bytes, sizeof(bytes));
    ck_assert(safety_decode(span_of(bytes, size), &decoded));
    ck_assert_uint_eq(decoded.timeout_qc.signers, 7);
    ck_assert(hash_eq(&decoded.timeout_qc.block, &record.timeout_qc.block));
}
END_TEST

UNIT_MAIN("safety_epoch", pinned_fixture, NULL, {
    tcase_add_loop_test(tc, only_as_whom_the_set_pins, INTENT_PROPOSAL, INTENT_CHECKPOINT + 1);
    tcase_add_loop_test(tc, who_is_not_pinned_signs_nothing, INTENT_PROPOSAL,
                        INTENT_CHECKPOINT + 1);
    tcase_add_test(tc, in_the_first_epoch_genesis_pins);
    tcase_add_test(tc, a_vote_on_a_parent_above_it_is_malformed);
    tcase_add_test(tc, a_checkpoint_of_no_block_is_malformed);
    tcase_add_test(tc, an_intent_of_no_kind_is_malformed);
    tcase_add_loop_test(tc, a_step_takes_the_epoch_over, 0, 2);
    tcase_add_loop_test(tc, an_epoch_is_not_entered_without_its_proof, 0, N_ELEMENTS(entry_rows));
    tcase_add_test(tc, a_refused_statement_keeps_the_epoch_out);
    tcase_add_test_raise_signal(tc, entering_an_epoch_again_is_our_bug, SIGABRT);
    tcase_add_test(tc, an_observer_takes_no_step);
    tcase_add_test(tc, a_newer_epoch_survives_a_merge);
    tcase_add_loop_test(tc, the_proof_survives_its_bytes, 0, 2);
    tcase_add_test(tc, a_certificate_with_signers_is_not_none);
})
