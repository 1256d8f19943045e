/*
 * One step of the signer, all or nothing, and the bytes of what goes into it.
 */
#include "tests/support/unit.h"

#include "tests/support/good_proofs.h"
#include "tests/support/safety_sample.h"

START_TEST(a_step_is_all_or_nothing)
{
    struct intent intents[] = {
        block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 4}, 'B'),
        block_intent(INTENT_VOTE, (struct rank){2, 5, 4}, 'B'),
        block_intent(INTENT_VOTE, (struct rank){2, 5, 4}, 'C'),
    };
    struct safety_record proposed = record, before = record;
    proposed.counter++;
    uint32_t refused = 99;

    ck_assert_int_eq(take_step(intents, 3, &proposed, &refused), SAFETY_RANK_TOO_LOW);
    ck_assert_uint_eq(refused, 3);
    ck_assert_mem_eq(&record, &before, sizeof(record));

    ck_assert_int_eq(take_step(intents, 2, &proposed, &refused), SAFETY_OK);
    ck_assert_uint_eq(record.counter, before.counter + 1);
    ck_assert(rank_eq(record.last_vote, (struct rank){2, 5, 4}));
    ck_assert(rank_eq(record.last_proposal, (struct rank){2, 5, 4}));
}
END_TEST

/* The node's record has the statement noted already: it must not vouch for itself. */
START_TEST(the_proposed_record_approves_nothing)
{
    struct intent intent = block_intent(INTENT_VOTE, (struct rank){2, 5, 3}, 'B');
    struct safety_record proposed = record;
    proposed.counter++;
    proposed.last_vote_id = filled('B');
    uint32_t refused;
    ck_assert_int_eq(take_step(&intent, 1, &proposed, &refused), SAFETY_RANK_TOO_LOW);
}
END_TEST

START_TEST(a_commit_vote_keeps_its_certificate)
{
    struct intent intent = block_intent(INTENT_COMMIT_VOTE, (struct rank){2, 5, 3}, 'A');
    struct safety_record proposed = record;
    proposed.counter++;
    uint32_t refused = 0;
    ck_assert_int_eq(take_step(&intent, 1, &proposed, &refused), SAFETY_QC_TOO_LOW);
    ck_assert_uint_eq(refused, 1);

    proposed.high_qc.rank = (struct rank){2, 5, 3};
    ck_assert_int_eq(take_step(&intent, 1, &proposed, &refused), SAFETY_OK);
    ck_assert(rank_eq(record.high_qc.rank, proposed.high_qc.rank));
}
END_TEST

/* A Timeout and a later, higher QC merged into one write: judged in order. */
START_TEST(a_step_judges_before_it_raises)
{
    struct intent timeout = {.kind = INTENT_TIMEOUT};
    timeout.timeout = (struct wire_timeout){.epoch = 2, .term = 5, .high = {2, 5, 2}};
    struct safety_record proposed = record;
    proposed.counter++;
    proposed.high_qc.rank = (struct rank){2, 5, 3};
    uint32_t refused;
    ck_assert_int_eq(take_step(&timeout, 1, &proposed, &refused), SAFETY_OK);
}
END_TEST

static const struct counter_row {
    const char *label;
    uint64_t counter;
    enum safety_verdict want;
} counter_rows[] = {
    {"the next", 41, SAFETY_OK},
    {"the same", 40, SAFETY_MALFORMED},
    {"a lower one", 39, SAFETY_MALFORMED},
    {"a gap", 42, SAFETY_MALFORMED},
};

START_TEST(counters)
{
    const struct counter_row *row = &counter_rows[_i];
    struct intent intent = block_intent(INTENT_VOTE, (struct rank){2, 5, 4}, 'B');
    struct safety_record proposed = record;
    proposed.counter = row->counter;
    uint32_t refused;
    for (uint32_t n_intents = 0; n_intents < 2; n_intents++) {
        safety_fixture();
        enum safety_verdict got = take_step(&intent, n_intents, &proposed, &refused);
        ck_assert_msg(got == row->want, "%s: got %s", row->label, safety_verdict_text(got));
    }
}
END_TEST

START_TEST(a_step_without_intents_repairs)
{
    struct safety_record proposed = record;
    proposed.counter++;
    proposed.last_vote = (struct rank){2, 6, 1};
    proposed.last_vote_id = filled('R');
    proposed.last_proposal = (struct rank){2, 1, 1};
    uint32_t refused;
    ck_assert_int_eq(take_step(NULL, 0, &proposed, &refused), SAFETY_OK);
    ck_assert(rank_eq(record.last_vote, proposed.last_vote));
    ck_assert(rank_eq(record.last_proposal, (struct rank){2, 5, 3}));

    proposed.counter++;
    proposed.instance = filled(0x12);
    ck_assert_int_eq(take_step(NULL, 0, &proposed, &refused), SAFETY_MALFORMED);
}
END_TEST

START_TEST(intents_survive_their_bytes)
{
    struct intent intent = {.kind = (enum intent_kind)_i, .carries_entry = _i % 2 == 0};
    if (_i == INTENT_PROPOSAL)
        intent = block_intent(INTENT_PROPOSAL, (struct rank){2, UINT64_MAX, 4}, 'B');
    else if (_i == INTENT_VOTE)
        intent.vote = good.vote;
    else if (_i == INTENT_COMMIT_VOTE)
        intent.commit_vote = good.commit_vote;
    else if (_i == INTENT_TIMEOUT)
        intent.timeout = good.timeout;
    else
        intent.checkpoint = good.checkpoint;

    uint8_t bytes[INTENT_BYTES_MAX], want[STATEMENT_BYTES_MAX], got[STATEMENT_BYTES_MAX];
    size_t size = intent_encode(&intent, bytes);
    ck_assert_uint_gt(size, 2);
    struct intent decoded;
    for (size_t cut = 0; cut < size; cut++)
        ck_assert(!intent_decode(span_of(bytes, cut), &decoded));
    ck_assert(!intent_decode(span_of(bytes, size + 1), &decoded));
    ck_assert(intent_decode(span_of(bytes, size), &decoded));
    ck_assert_int_eq(decoded.kind, intent.kind);
    ck_assert(decoded.carries_entry == intent.carries_entry);
    size_t want_size = intent_statement(&set.chain, &intent, want);
    ck_assert_uint_eq(intent_statement(&set.chain, &decoded, got), want_size);
    ck_assert_mem_eq(got, want, want_size);

    bytes[0] = 6;
    ck_assert(!intent_decode(span_of(bytes, size), &decoded));
    bytes[0] = (uint8_t)_i;
    bytes[1] = 2;
    ck_assert(!intent_decode(span_of(bytes, size), &decoded));
}
END_TEST

/* A record whose bytes are sound but for one field. */
static const struct spoiled {
    const char *label;
    uint64_t observing;
    bool is_none; /* a QC that stands for none, written out */
    const char *high_qc, *timeout_qc, *entry, *proof;
} spoiled[] = {
    {.label = "observing is no boolean", .observing = 2},
    {.label = "no QC", .high_qc = "x"},
    {.label = "no timeout QC", .timeout_qc = "x"},
    {.label = "no entry", .entry = "x"},
    {.label = "no proof", .proof = "x"},
    {.label = "none, written out", .is_none = true},
};

static struct span text_span(const char *text)
{
    return text == NULL ? span_of(NULL, 0) : span_of(text, strlen(text));
}

START_TEST(spoiled_records_are_refused)
{
    const struct spoiled *row = &spoiled[_i];
    static uint8_t bytes[RECORD_BYTES_MAX], qc_bytes[QC_BYTES_MAX];
    const struct qc none = {.signers = 0};
    struct wire_safety wire = {
        .counter = 7,
        .epoch = 1,
        .observing = row->observing,
        .high_qc = text_span(row->high_qc),
        .timeout_qc = text_span(row->timeout_qc),
        .entry = text_span(row->entry),
        .proof = text_span(row->proof),
    };
    if (row->is_none)
        wire.high_qc = span_of(qc_bytes, qc_encode(&none, qc_bytes, sizeof(qc_bytes)));

    size_t size = wire_encode(WIRE_safety, &wire, bytes, sizeof(bytes));
    ck_assert_uint_gt(size, 0);
    struct safety_record decoded;
    ck_assert_msg(!safety_decode(span_of(bytes, size), &decoded), "%s", row->label);

    wire = (struct wire_safety){.counter = 7, .epoch = 1};
    size = wire_encode(WIRE_safety, &wire, bytes, sizeof(bytes));
    ck_assert(safety_decode(span_of(bytes, size), &decoded));
}
END_TEST

static const enum entry_kind entry_kinds[] = {ENTRY_NONE, ENTRY_TC, ENTRY_HANDOFF, ENTRY_ROOT};

START_TEST(records_survive_their_bytes)
{
    record.observing = _i % 2 == 1;
    record.entry = entry_kinds[_i] == ENTRY_TC        ? good.entry_tc
                   : entry_kinds[_i] == ENTRY_HANDOFF ? good.handoff
                                                      : (struct entry){.kind = entry_kinds[_i]};
    if (_i == 0) /* none */
        record.timeout_qc = (struct qc){.signers = 0};

    static uint8_t first[RECORD_BYTES_MAX], second[RECORD_BYTES_MAX];
    size_t size = safety_encode(&record, first, sizeof(first));
    ck_assert_uint_gt(size, 0);
    struct safety_record decoded;
    ck_assert(safety_decode(span_of(first, size), &decoded));
    ck_assert_uint_eq(safety_encode(&decoded, second, sizeof(second)), size);
    ck_assert_mem_eq(first, second, size);

    ck_assert_uint_eq(decoded.counter, record.counter);
    ck_assert(decoded.observing == record.observing);
    ck_assert(rank_eq(decoded.last_vote, record.last_vote));
    ck_assert(hash_eq(&decoded.last_proposal_id, &record.last_proposal_id));
    ck_assert(term_cmp(decoded.timed_out, record.timed_out) == 0);
    ck_assert(rank_eq(decoded.timeout_high, record.timeout_high));
    ck_assert(rank_eq(decoded.timeout_qc.rank, record.timeout_qc.rank));
    ck_assert_int_eq(decoded.entry.kind, entry_kinds[_i]);
    ck_assert_int_eq(qc_verify(&set, &decoded.high_qc), CERT_OK);

    ck_assert(!safety_decode(span_of(first, size - 1), &decoded));
    ck_assert_uint_eq(safety_encode(&record, second, size - 1), 0);
}
END_TEST

START_TEST(the_largest_record_fits)
{
    record.high_qc.signers = record.timeout_qc.signers = UINT64_MAX;
    record.entry = (struct entry){.kind = ENTRY_TC, .tc = good.tc};
    record.entry.tc.signers = record.entry.tc.high_qc.signers = UINT64_MAX;
    static uint8_t bytes[RECORD_BYTES_MAX];
    ck_assert_uint_gt(safety_encode(&record, bytes, sizeof(bytes)), 0);
}
END_TEST

/* ---- the next epoch ---- */

/* A node of epoch 2 that epoch 3 pins as its validator 1, and the step that takes it there. */
static struct safety_record enter_third(void)
{
    struct safety_record proposed;

    all_good_proofs();
    record.key = proofs.own.next.list[1].key;
    record.instance = proofs.own.next.list[1].instance;
    proposed = record;
    proposed.counter++;
    safety_enter_epoch(&proposed, &proofs.own);
    return proposed;
}

START_TEST(an_epoch_is_entered_with_its_proof)
{
    struct safety_record proposed = enter_third();
    struct hash root = header_id(&proofs.own.root);
    uint32_t refused;

    ck_assert_int_eq(take_step(NULL, 0, &proposed, &refused), SAFETY_OK);
    ck_assert_uint_eq(record.epoch, 3);
    ck_assert(rank_eq(record.high_qc.rank, (struct rank){3, 0, 0}));
    ck_assert(hash_eq(&record.high_qc.block, &root));
    ck_assert_int_eq(epoch_proof_verify(&set, &record.proof), CERT_OK);
    /* What was signed in the epoch before stays, and ranks lower. */
    ck_assert(rank_eq(record.last_vote, (struct rank){2, 5, 3}));
}
END_TEST

static const struct entering {
    const char *label;
    uint32_t voter;
    uint64_t epoch;
    enum safety_verdict want;
} enterings[] = {
    {"as who it is there", 1, 3, SAFETY_OK},
    {"under its old index", 0, 3, SAFETY_NOT_PINNED},
    {"in the epoch before", 1, 2, SAFETY_WRONG_EPOCH},
    {"in the one after", 1, 4, SAFETY_WRONG_EPOCH},
};

START_TEST(votes_in_the_epoch_entered)
{
    const struct entering *row = &enterings[_i];
    struct safety_record proposed = enter_third();
    struct safety_record before = record;
    struct intent vote = block_intent(INTENT_VOTE, (struct rank){row->epoch, 9, 1}, 'N');
    uint32_t refused = 0;

    vote.vote.voter = row->voter;
    enum safety_verdict got = take_step(&vote, 1, &proposed, &refused);
    ck_assert_msg(got == row->want, "%s: %s", row->label, safety_verdict_text(got));
    if (got != SAFETY_OK)
        ck_assert_mem_eq(&record, &before, sizeof(record));
}
END_TEST

START_TEST(an_epoch_that_pins_another_is_refused)
{
    struct safety_record proposed = enter_third();
    uint32_t refused;

    if (_i == 0)
        record.instance = proposed.instance = filled(0x99);
    else if (_i == 1)
        record.key = proposed.key = fake_key(99);
    else if (_i == 2)
        proposed.proof.kind = EPOCH_PROOF_NONE;
    else
        proposed.proof.next.list[0].key = fake_key(98); /* not the set that the block names */
    ck_assert_int_ne(take_step(NULL, 0, &proposed, &refused), SAFETY_OK);
    ck_assert_uint_eq(record.epoch, 2);
}
END_TEST

START_TEST(the_proof_survives_the_records_bytes)
{
    static uint8_t bytes[RECORD_BYTES_MAX];
    static struct safety_record decoded;
    struct safety_record proposed = enter_third();
    size_t size = safety_encode(&proposed, bytes, sizeof(bytes));

    ck_assert(safety_decode(span_of(bytes, size), &decoded));
    ck_assert(key_eq(&decoded.key, &proposed.key));
    ck_assert_int_eq(epoch_proof_verify(&set, &decoded.proof), CERT_OK);
}
END_TEST

UNIT_MAIN("safety_step", safety_fixture, NULL, {
    tcase_add_test(tc, a_step_is_all_or_nothing);
    tcase_add_test(tc, the_proposed_record_approves_nothing);
    tcase_add_test(tc, a_commit_vote_keeps_its_certificate);
    tcase_add_test(tc, a_step_judges_before_it_raises);
    tcase_add_loop_test(tc, counters, 0, N_ELEMENTS(counter_rows));
    tcase_add_test(tc, a_step_without_intents_repairs);
    tcase_add_loop_test(tc, intents_survive_their_bytes, INTENT_PROPOSAL, INTENT_CHECKPOINT + 1);
    tcase_add_loop_test(tc, spoiled_records_are_refused, 0, N_ELEMENTS(spoiled));
    tcase_add_loop_test(tc, records_survive_their_bytes, 0, N_ELEMENTS(entry_kinds));
    tcase_add_test(tc, the_largest_record_fits);
    tcase_add_test(tc, an_epoch_is_entered_with_its_proof);
    tcase_add_loop_test(tc, votes_in_the_epoch_entered, 0, N_ELEMENTS(enterings));
    tcase_add_loop_test(tc, an_epoch_that_pins_another_is_refused, 0, 4);
    tcase_add_test(tc, the_proof_survives_the_records_bytes);
})
