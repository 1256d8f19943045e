/* Forged certificates, and records that were tampered with. */
#include "tests/support/evidence_rig.h"

#include "tests/support/unit.h"

/* ---- forged certificates ---- */

static enum evidence_verdict forge(const struct qc *cited, const struct qc *shown)
{
    uint8_t bytes[QC_BYTES_MAX];
    struct wire_header header = rig_header(2, RANK);

    header.justify = qc_digest(cited);
    struct letter letter = rig_header_of(2, &header);
    struct span qc = span_of(bytes, qc_encode(shown, bytes, sizeof(bytes)));
    return evidence_forgery(&rig.set, letter_span(&letter), qc, &made);
}

static struct qc forged_qc(int how)
{
    struct qc qc = rig_qc(HIGH, 9, 3);

    if (how == 1)
        qc.sigs[1].b[7] ^= 1;
    else if (how == 2)
        qc = rig_qc(HIGH, 9, 2);
    else if (how == 3)
        qc = (struct qc){.rank = {1, 0, 0}, .block = rig_hash(9)}; /* a false root */
    else if (how == 4) {
        qc.signers |= UINT64_C(1) << RIG_N;
        qc.sigs[RIG_N] = qc.sigs[0];
    }
    return qc;
}

START_TEST(a_signed_header_around_a_bad_certificate_accuses)
{
    struct qc qc = forged_qc(_i);

    ck_assert_int_eq(forge(&qc, &qc), EVIDENCE_PROVEN);
    struct wire_evidence read = read_made(&made);
    ck_assert_uint_eq(read.kind, EVIDENCE_QUORUM_FORGERY);
    ck_assert_uint_eq(read.validator, 2);
    ck_assert_int_eq(judge(&made), EVIDENCE_PROVEN);
}
END_TEST

START_TEST(a_good_certificate_does_not)
{
    struct qc good = rig_qc(HIGH, 9, 3);
    ck_assert_int_eq(forge(&good, &good), EVIDENCE_SOUND_CERTIFICATE);
    struct qc root = {.rank = {1, 0, 0}, .block = rig.set.root};
    ck_assert_int_eq(forge(&root, &root), EVIDENCE_SOUND_CERTIFICATE);
}
END_TEST

START_TEST(nor_a_bad_one_that_the_header_does_not_cite)
{
    struct qc good = rig_qc(HIGH, 9, 3), bad = forged_qc(1);
    ck_assert_int_eq(forge(&good, &bad), EVIDENCE_NOT_CITED);
}
END_TEST

START_TEST(nor_one_of_an_epoch_this_set_cannot_judge)
{
    struct qc qc = rig_qc((struct rank){2, 4, 2}, 9, 3);
    ck_assert_int_eq(forge(&qc, &qc), EVIDENCE_SOUND_CERTIFICATE);
}
END_TEST

START_TEST(a_forged_entry_accuses)
{
    uint8_t bytes[ENTRY_BYTES_MAX];
    struct entry entry = {.kind = ENTRY_TC, .tc = {.term = {1, 4}, .signers = 3}};

    entry.tc.high_qc = rig_qc(HIGH, 9, 3);
    for (uint32_t i = 0; i < 2; i++)
        entry.tc.timeouts[i] = (struct tc_timeout){.term = 4, .high = HIGH};
    struct wire_header header = rig_header(2, (struct rank){1, 5, 1});
    header.entry = entry_digest(&entry);
    struct letter letter = rig_header_of(2, &header);
    struct span record = span_of(bytes, entry_encode(&entry, bytes, sizeof(bytes)));
    ck_assert_int_eq(evidence_forgery(&rig.set, letter_span(&letter), record, &made),
                     EVIDENCE_PROVEN);
    ck_assert_uint_eq(read_made(&made).what, WIRE_entry_record);
}
END_TEST

/* ---- tampering ---- */

static void make_proven(int which)
{
    if (which < (int)N_ELEMENTS(types)) {
        struct letter a = letter_of(types[which], 1), b = letter_of(types[which], 2);
        ck_assert_int_eq(pair(&a, &b), EVIDENCE_PROVEN);
    } else {
        struct qc qc = forged_qc(which - (int)N_ELEMENTS(types) + 1);
        ck_assert_int_eq(forge(&qc, &qc), EVIDENCE_PROVEN);
    }
}

START_TEST(no_byte_can_be_changed)
{
    make_proven(_i);
    for (size_t i = 0; i < made.size; i++) {
        for (unsigned int bit = 0; bit < 8; bit += 1) {
            other = made;
            other.data[i] ^= (uint8_t)(1u << bit);
            enum evidence_verdict verdict = judge(&other);
            ck_assert_msg(verdict != EVIDENCE_PROVEN, "byte %zu, bit %u", i, bit);
        }
    }
}
END_TEST

START_TEST(nothing_can_be_cut_off_or_added)
{
    make_proven(_i);
    for (size_t size = 0; size < made.size; size++) {
        other = made;
        other.size = size;
        ck_assert_int_eq(judge(&other), EVIDENCE_MALFORMED);
    }
    other = made;
    other.data[other.size++] = 0xc0;
    ck_assert_int_eq(judge(&other), EVIDENCE_MALFORMED);
}
END_TEST

START_TEST(the_two_halves_have_one_order)
{
    struct letter a = letter_of(WIRE_vote, 1), b = letter_of(WIRE_vote, 2);
    ck_assert_int_eq(pair(&a, &b), EVIDENCE_PROVEN);
    struct wire_evidence read = read_made(&made);
    struct span first = read.first;
    read.first = read.second;
    read.second = first;
    other.size = wire_encode(WIRE_evidence, &read, other.data, sizeof(other.data));
    ck_assert_int_eq(judge(&other), EVIDENCE_MALFORMED);
}
END_TEST

START_TEST(what_a_session_brought_accuses_nobody)
{
    struct letter a = rig_vote(1, RANK, 1);
    const struct evidence_sighting sighting = {
        .kind = EVIDENCE_REPLAY,
        .what = WIRE_vote,
        .validator = 2,
        .rank = RANK,
        .message = letter_span(&a),
    };

    ck_assert(evidence_sight(&rig.set, &sighting, &made));
    ck_assert_int_eq(judge(&made), EVIDENCE_NOT_ATTRIBUTABLE);
    ck_assert(!evidence_is_attributable(read_made(&made).kind));
}
END_TEST

UNIT_MAIN("evidence_record", evidence_rig, NULL, {
    tcase_add_loop_test(tc, a_signed_header_around_a_bad_certificate_accuses, 1, 5);
    tcase_add_test(tc, a_good_certificate_does_not);
    tcase_add_test(tc, nor_a_bad_one_that_the_header_does_not_cite);
    tcase_add_test(tc, nor_one_of_an_epoch_this_set_cannot_judge);
    tcase_add_test(tc, a_forged_entry_accuses);
    tcase_add_loop_test(tc, no_byte_can_be_changed, 0, N_ELEMENTS(types) + 2);
    tcase_add_loop_test(tc, nothing_can_be_cut_off_or_added, 0, N_ELEMENTS(types) + 2);
    tcase_add_test(tc, the_two_halves_have_one_order);
    tcase_add_test(tc, what_a_session_brought_accuses_nobody);
})
