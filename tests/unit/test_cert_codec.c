#include "common/cert/epoch_proof.h"
#include "tests/support/golden.h"
#include "tests/support/good_certs.h"
#include "tests/support/unit.h"

#include "common/hash.h"

#include <stdio.h>

/* Encoded forms behind one signature, so that rows can name them. */
static size_t encode_qc(uint8_t *out, size_t capacity)
{
    return qc_encode(&good.qc, out, capacity);
}
static size_t encode_cc(uint8_t *out, size_t capacity)
{
    return cc_encode(&good.cc, out, capacity);
}
static size_t encode_tc(uint8_t *out, size_t capacity)
{
    return tc_encode(&good.tc, out, capacity);
}
static size_t encode_entry(uint8_t *out, size_t capacity)
{
    return entry_encode(&good.entry_tc, out, capacity);
}
static size_t encode_handoff(uint8_t *out, size_t capacity)
{
    return entry_encode(&good.handoff, out, capacity);
}
static size_t encode_by_cc(uint8_t *out, size_t capacity)
{
    return commit_proof_encode(&good.by_cc, out, capacity);
}
static size_t encode_by_child(uint8_t *out, size_t capacity)
{
    return commit_proof_encode(&good.by_child, out, capacity);
}

/* Decoded and verified, as the door does it. */
static bool accept_qc(struct span bytes)
{
    struct qc qc;
    return qc_decode(bytes, &qc) == CERT_OK && qc_verify(&set, &qc) == CERT_OK;
}
static bool accept_cc(struct span bytes)
{
    struct cc cc;
    return cc_decode(bytes, &cc) == CERT_OK && cc_verify(&set, &cc) == CERT_OK;
}
static bool accept_tc(struct span bytes)
{
    struct tc tc;
    return tc_decode(bytes, &tc) == CERT_OK && tc_verify(&set, &tc) == CERT_OK;
}
static bool accept_entry(struct span bytes)
{
    struct entry entry;
    return entry_decode(bytes, &entry) == CERT_OK && entry_verify(&set, &entry) == CERT_OK;
}
static bool accept_proof(struct span bytes)
{
    struct commit_proof proof;
    return commit_proof_decode(bytes, &proof) == CERT_OK &&
           commit_proof_verify(&set, &proof) == CERT_OK;
}

static const struct form {
    const char *label;
    size_t (*encode)(uint8_t *out, size_t capacity);
    bool (*accept)(struct span bytes);
} forms[] = {
    {"qc", encode_qc, accept_qc},
    {"cc", encode_cc, accept_cc},
    {"tc", encode_tc, accept_tc},
    {"entry by tc", encode_entry, accept_entry},
    {"entry by handoff", encode_handoff, accept_entry},
    {"proof by cc", encode_by_cc, accept_proof},
    {"proof by child", encode_by_child, accept_proof},
};

START_TEST(every_form_comes_back_and_ends_where_it_should)
{
    const struct form *form = &forms[_i];
    uint8_t bytes[ENTRY_BYTES_MAX];
    size_t size = form->encode(bytes, sizeof(bytes));

    ck_assert_uint_gt(size, 0);
    ck_assert_msg(form->accept(span_of(bytes, size)), "%s", form->label);
    /* The empty form is ENTRY_NONE, which verifies as little. */
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_msg(!form->accept(span_of(bytes, cut)), "%s cut to %zu", form->label, cut);
    bytes[size] = 0;
    ck_assert(!form->accept(span_of(bytes, size + 1)));
    for (size_t capacity = 0; capacity < size; capacity += 7)
        ck_assert_uint_eq(form->encode(bytes, capacity), 0);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
    const struct form *form = &forms[_i];
    uint8_t bytes[ENTRY_BYTES_MAX];
    size_t size = form->encode(bytes, sizeof(bytes));

    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(!form->accept(span_of(bytes, size)), "%s bit %zu", form->label, bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert(form->accept(span_of(bytes, size)));
}
END_TEST

START_TEST(a_full_set_fits_its_limits)
{
    uint8_t bytes[ENTRY_BYTES_MAX];

    good.qc.signers = good.cc.signers = UINT64_MAX;
    good.entry_tc.tc.signers = good.entry_tc.tc.high_qc.signers = UINT64_MAX;
    good.entry_tc.tc.term = (struct term){UINT64_MAX, UINT64_MAX};
    good.by_cc.cc.signers = good.by_child.qc.signers = UINT64_MAX;
    good.qc.rank = good.qc.parent_rank = (struct rank){UINT64_MAX, UINT64_MAX, UINT64_MAX};
    ck_assert_uint_gt(qc_encode(&good.qc, bytes, QC_BYTES_MAX), 64 * 64);
    ck_assert_uint_gt(cc_encode(&good.cc, bytes, QC_BYTES_MAX), 64 * 64);
    ck_assert_uint_gt(tc_encode(&good.entry_tc.tc, bytes, TC_BYTES_MAX), 64 * 96 + 64 * 64);
    ck_assert_uint_gt(entry_encode(&good.entry_tc, bytes, ENTRY_BYTES_MAX), 64 * 96 + 64 * 64);
    ck_assert_uint_gt(encode_by_child(bytes, QC_BYTES_MAX), 64 * 64);
}
END_TEST

START_TEST(records_that_are_too_short_or_long_are_malformed)
{
    uint8_t bytes[QC_BYTES_MAX];
    uint8_t sigs[4 * 64] = {0};
    struct wire_qc_record record = {.signers = SIGNERS};
    struct qc before = good.qc;

    for (size_t size = 0; size <= sizeof(sigs); size++) {
        record.sigs = span_of(sigs, size);
        size_t encoded = wire_encode(WIRE_qc_record, &record, bytes, sizeof(bytes));
        enum cert_verdict want = size == 3 * 64 ? CERT_OK : CERT_MALFORMED;
        if (want != CERT_OK)
            ck_assert_int_eq(qc_decode(span_of(bytes, encoded), &good.qc), want);
    }
    ck_assert_msg(memcmp(&before, &good.qc, sizeof(before)) == 0, "touched on failure");

    struct wire_tc_record tc = {.signers = SIGNERS, .timeouts = span_of(sigs, 96)};
    size_t encoded = wire_encode(WIRE_tc_record, &tc, bytes, sizeof(bytes));
    ck_assert_int_eq(tc_decode(span_of(bytes, encoded), &good.tc), CERT_MALFORMED);
}
END_TEST

START_TEST(fields_that_mean_nothing_must_be_empty)
{
    static const struct {
        uint64_t kind;
        size_t certificate, header;
    } rows[] = {{ENTRY_ROOT, 1, 0}, {ENTRY_ROOT, 0, 1}, {ENTRY_NONE, 0, 0},
                {4, 0, 0},          {1u << 31, 0, 0},   {UINT64_C(1) << 32 | ENTRY_ROOT, 0, 0}};
    const uint8_t byte[1] = {0};
    uint8_t bytes[64];
    struct entry entry;

    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct wire_entry_record record = {.kind = rows[i].kind};
        record.certificate = span_of(byte, rows[i].certificate);
        record.header = span_of(byte, rows[i].header);
        size_t size = wire_encode(WIRE_entry_record, &record, bytes, sizeof(bytes));
        ck_assert_int_eq(entry_decode(span_of(bytes, size), &entry), CERT_MALFORMED);
    }
}
END_TEST

START_TEST(a_tc_comes_without_a_header)
{
    const uint8_t byte[1] = {0};
    uint8_t tc[TC_BYTES_MAX];
    uint8_t bytes[ENTRY_BYTES_MAX];
    struct wire_entry_record record = {.kind = ENTRY_TC};
    struct entry entry;

    record.certificate = span_of(tc, tc_encode(&good.tc, tc, sizeof(tc)));
    size_t size = wire_encode(WIRE_entry_record, &record, bytes, sizeof(bytes));
    ck_assert_int_eq(entry_decode(span_of(bytes, size), &entry), CERT_OK);
    record.header = span_of(byte, sizeof(byte));
    size = wire_encode(WIRE_entry_record, &record, bytes, sizeof(bytes));
    ck_assert_int_eq(entry_decode(span_of(bytes, size), &entry), CERT_MALFORMED);
}
END_TEST

START_TEST(entries_without_a_certificate)
{
    uint8_t bytes[64];
    struct entry entry = {.kind = ENTRY_ROOT};
    size_t size = entry_encode(&entry, bytes, sizeof(bytes));

    ck_assert_uint_gt(size, 0);
    entry.kind = ENTRY_NONE;
    ck_assert_int_eq(entry_decode(span_of(bytes, size), &entry), CERT_OK);
    ck_assert_int_eq(entry.kind, ENTRY_ROOT);
    ck_assert_int_eq(entry_verify(&set, &entry), CERT_OK);

    ck_assert_int_eq(entry_decode(span_of(NULL, 0), &entry), CERT_OK);
    ck_assert_int_eq(entry.kind, ENTRY_NONE);
    ck_assert_uint_eq(entry_encode(&entry, bytes, sizeof(bytes)), 0);
    struct hash digest = entry_digest(&entry);
    ck_assert(hash_is_zero(&digest));
}
END_TEST

START_TEST(digests_follow_the_content)
{
    struct hash qc = qc_digest(&good.qc);
    struct hash entry = entry_digest(&good.entry_tc);
    struct hash header = header_id(&good.handoff.handoff_header);

    /* Signatures of those who did not sign are no content. */
    good.qc.sigs[1].b[0] ^= 1;
    struct hash same = qc_digest(&good.qc);
    ck_assert(hash_eq(&qc, &same));
    good.qc.sigs[0].b[0] ^= 1;
    struct hash other = qc_digest(&good.qc);
    ck_assert(!hash_eq(&qc, &other));
    good.entry_tc.tc.timeouts[0].term++;
    other = entry_digest(&good.entry_tc);
    ck_assert(!hash_eq(&entry, &other));
    good.handoff.handoff_header.author ^= 1;
    other = header_id(&good.handoff.handoff_header);
    ck_assert(!hash_eq(&header, &other));
}
END_TEST

static void put_statement(FILE *out, const char *name, const uint8_t *bytes, size_t size)
{
    char hex[2 * STATEMENT_BYTES_MAX + 1];
    hex_encode(bytes, size, hex);
    ck_assert_int_gt(fprintf(out, "%s %s\n", name, hex), 0);
}

static void put_statements(FILE *out)
{
    const struct hash chain = filled(0xc0);
    const struct hash block = filled(0xb1);
    const struct wire_vote vote = {{1, 7, 3}, block, filled(0xb0), {1, 7, 2}, 0, {{0}}};
    const struct wire_vote first = {{2, 9, 1}, block, filled(0xb0), {2, 0, 0}, 0, {{0}}};
    const struct wire_commit_vote commit_vote = {{1, 7, 3}, block, 0, {{0}}};
    const struct wire_timeout timeout = {
        .epoch = 1, .term = 7, .high = {1, 6, UINT64_C(0x0102030405060708)}};
    const struct wire_checkpoint checkpoint = {
        UINT64_C(0x1122334455667788), block, filled(0x5a), 0, {{0}}};
    uint8_t bytes[STATEMENT_BYTES_MAX];

    ck_assert_int_ge(fputs("# The bytes validators sign: name and hex, tag to last field. "
                           "Frozen once released.\n",
                           out),
                     0);
    put_statement(out, "vote", bytes, statement_vote(&chain, &vote, bytes));
    put_statement(out, "vote-first-of-term", bytes, statement_vote(&chain, &first, bytes));
    put_statement(out, "commit-vote", bytes, statement_commit_vote(&chain, &commit_vote, bytes));
    put_statement(out, "timeout", bytes, statement_timeout(&chain, &timeout, bytes));
    put_statement(out, "checkpoint", bytes, statement_checkpoint(&chain, &checkpoint, bytes));
    put_statement(out, "proposal", bytes, statement_proposal(&chain, &block, bytes));
    const struct recovery recovery = {.epoch = 3,
                                      .height = 9,
                                      .block = block,
                                      .state_root = filled(0x5a),
                                      .set = filled(0x5e),
                                      .reason_size = 4,
                                      .reason = "lost"};
    put_statement(out, "recovery", bytes, statement_recovery(&chain, &recovery, bytes));
    const struct caught_up caught_up = {
        .height = 9, .block = block, .who = {filled(1), fake_key(2), filled(3)}};
    put_statement(out, "caught-up", bytes, statement_caught_up(&chain, &caught_up, bytes));
}

START_TEST(statements_are_the_golden_ones)
{
    golden_check("statements.txt", put_statements);
}
END_TEST

UNIT_MAIN("cert_codec", all_good, NULL, {
    tcase_add_loop_test(tc, every_form_comes_back_and_ends_where_it_should, 0, N_ELEMENTS(forms));
    tcase_add_loop_test(tc, every_flipped_bit_is_refused, 0, N_ELEMENTS(forms));
    tcase_add_test(tc, a_full_set_fits_its_limits);
    tcase_add_test(tc, records_that_are_too_short_or_long_are_malformed);
    tcase_add_test(tc, fields_that_mean_nothing_must_be_empty);
    tcase_add_test(tc, a_tc_comes_without_a_header);
    tcase_add_test(tc, entries_without_a_certificate);
    tcase_add_test(tc, digests_follow_the_content);
    tcase_add_test(tc, statements_are_the_golden_ones);
})
