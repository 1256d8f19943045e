#include "tests/support/evidence_rig.h"

#include "tests/support/unit.h"

START_TEST(two_statements_of_one_type_and_rank_accuse)
{
    enum wire_id what = types[_i];
    struct letter a = letter_of(what, 1), b = letter_of(what, 2);

    ck_assert_int_eq(pair(&a, &b), EVIDENCE_PROVEN);
    struct wire_evidence read = read_made(&made);
    ck_assert_uint_eq(read.kind, EVIDENCE_EQUIVOCATION);
    ck_assert_uint_eq(read.what, what);
    ck_assert_uint_eq(read.validator, 2);
    ck_assert_uint_eq(read.term, 5);
    ck_assert_int_eq(judge(&made), EVIDENCE_PROVEN);
}
END_TEST

START_TEST(whoever_pairs_them_gets_the_same_bytes)
{
    enum wire_id what = types[_i];
    struct letter a = letter_of(what, 1), b = letter_of(what, 2);

    ck_assert_int_eq(pair(&a, &b), EVIDENCE_PROVEN);
    other = made;
    ck_assert_int_eq(pair(&b, &a), EVIDENCE_PROVEN);
    ck_assert_uint_eq(made.size, other.size);
    ck_assert_mem_eq(made.data, other.data, made.size);
}
END_TEST

START_TEST(an_offence_has_one_id_whatever_shows_it)
{
    struct letter a = rig_vote(2, RANK, 1), b = rig_vote(2, RANK, 2), c = rig_vote(2, RANK, 3);
    struct rank next = {1, 5, 4};
    struct letter d = rig_vote(2, next, 1), e = rig_vote(2, next, 2);

    ck_assert_int_eq(pair(&a, &b), EVIDENCE_PROVEN);
    struct wire_evidence read = read_made(&made);
    struct hash first = evidence_id(&read);
    ck_assert_int_eq(pair(&c, &b), EVIDENCE_PROVEN);
    read = read_made(&made);
    struct hash second = evidence_id(&read);
    ck_assert_mem_eq(first.b, second.b, sizeof(first.b));
    ck_assert_int_eq(pair(&d, &e), EVIDENCE_PROVEN);
    read = read_made(&made);
    struct hash third = evidence_id(&read);
    ck_assert_mem_ne(first.b, third.b, sizeof(first.b));
}
END_TEST

/* ---- framing: what an honest validator's messages may be made to look like ---- */

/* The group order's bytes, little endian: s + order verifies where s is not reduced. */
static void add_order(uint8_t scalar[32])
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    unsigned int carry = 0;

    for (unsigned int i = 0; i < 32; i++) {
        carry += (unsigned int)scalar[i] + order[i];
        scalar[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

START_TEST(the_same_bytes_again_after_a_restart)
{
    struct letter a = letter_of(types[_i], 1), b = letter_of(types[_i], 1);
    ck_assert_int_eq(pair(&a, &b), EVIDENCE_SAME_MESSAGE);
}
END_TEST

START_TEST(one_statement_under_a_reshaped_signature)
{
    struct letter a = rig_vote(2, RANK, 1);
    struct wire_vote vote;
    struct letter b;

    ck_assert_int_eq(wire_decode_as(WIRE_vote, letter_span(&a), &vote), WIRE_OK);
    add_order(vote.signature.b + 32);
    b.size = signed_message_of_vote(&vote, b.bytes, sizeof(b.bytes));
    ck_assert_int_ne(pair(&a, &b), EVIDENCE_PROVEN);
}
END_TEST

/* A signer that draws its nonces can give one statement many signatures: no offence. */
START_TEST(one_statement_under_two_good_signatures)
{
    struct letter a = rig_vote(2, RANK, 1);
    struct wire_vote vote;
    uint8_t statement[STATEMENT_BYTES_MAX];

    ck_assert_int_eq(wire_decode_as(WIRE_vote, letter_span(&a), &vote), WIRE_OK);
    size_t size = statement_vote(&rig.set.chain, &vote, statement);

    /* R = rB, S = r + H(R, A, M)a for a nonce r of our own. */
    uint8_t az[64], nonce[64], hram[64], r[32], k[32], ka[32], big_r[32];
    crypto_hash_sha512(az, rig.secrets[2], 32);
    az[0] &= 248;
    az[31] = (uint8_t)((az[31] & 127) | 64);
    memset(nonce, 0x5a, sizeof(nonce));
    crypto_core_ed25519_scalar_reduce(r, nonce);
    ck_assert_int_eq(crypto_scalarmult_ed25519_base_noclamp(big_r, r), 0);
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, big_r, 32);
    crypto_hash_sha512_update(&state, rig.set.keys[2].b, 32);
    crypto_hash_sha512_update(&state, statement, size);
    crypto_hash_sha512_final(&state, hram);
    crypto_core_ed25519_scalar_reduce(k, hram);
    uint8_t wide[64] = {0}, a_scalar[32];
    memcpy(wide, az, 32);
    crypto_core_ed25519_scalar_reduce(a_scalar, wide);
    crypto_core_ed25519_scalar_mul(ka, k, a_scalar);
    memcpy(vote.signature.b, big_r, 32);
    crypto_core_ed25519_scalar_add(vote.signature.b + 32, ka, r);

    struct letter b;
    b.size = signed_message_of_vote(&vote, b.bytes, sizeof(b.bytes));
    ck_assert_int_eq(vote_verify(&rig.set, &vote), CERT_OK);
    ck_assert(!span_eq(letter_span(&a), letter_span(&b)));
    ck_assert_int_eq(pair(&a, &b), EVIDENCE_SAME_MESSAGE);
}
END_TEST

START_TEST(two_ranks_two_types_two_validators)
{
    struct rank next = {1, 5, 4};
    struct letter a = rig_vote(2, RANK, 1), b = rig_vote(2, next, 2), c = rig_vote(1, RANK, 2);
    struct letter d = rig_commit_vote(2, RANK, 2), e = rig_timeout(2, 6, HIGH);
    struct letter f = rig_timeout(2, 5, HIGH);

    ck_assert_int_eq(pair(&a, &b), EVIDENCE_NOT_ALIKE);
    ck_assert_int_eq(pair(&a, &c), EVIDENCE_NOT_ALIKE);
    ck_assert_int_eq(pair(&a, &d), EVIDENCE_NOT_ALIKE);
    ck_assert_int_eq(pair(&e, &f), EVIDENCE_NOT_ALIKE);
}
END_TEST

START_TEST(messages_of_two_epochs)
{
    struct rank earlier = {0, 5, 3}, later = {2, 5, 3};
    struct letter a = rig_vote(2, RANK, 1), b = rig_vote(2, earlier, 2), c = rig_vote(2, later, 2);

    ck_assert_int_eq(pair(&a, &b), EVIDENCE_BAD_MESSAGE);
    ck_assert_int_eq(pair(&a, &c), EVIDENCE_BAD_MESSAGE);
    /* Nor with a record that claims the other epoch. */
    ck_assert_int_eq(pair(&b, &c), EVIDENCE_BAD_MESSAGE);
}
END_TEST

START_TEST(messages_of_two_chains)
{
    struct letter a = rig_vote(2, RANK, 1);
    struct hash chain = rig.set.chain;

    rig.set.chain = rig_hash(0xc2);
    struct letter b = rig_vote(2, RANK, 2), c = rig_vote(2, RANK, 3);
    ck_assert_int_eq(pair(&b, &c), EVIDENCE_PROVEN); /* there it is an offence */
    rig.set.chain = chain;
    ck_assert_int_eq(judge(&made), EVIDENCE_WRONG_CHAIN);
    ck_assert_int_eq(pair(&a, &b), EVIDENCE_BAD_MESSAGE);

    /* The record renamed to our chain: its signatures do not follow. */
    struct wire_evidence read = read_made(&made);
    read.chain = chain;
    read.set = evidence_set_digest(&rig.set);
    other.size = wire_encode(WIRE_evidence, &read, other.data, sizeof(other.data));
    ck_assert_int_eq(judge(&other), EVIDENCE_BAD_MESSAGE);
}
END_TEST

START_TEST(a_set_with_other_keys)
{
    struct letter a = rig_vote(2, RANK, 1), b = rig_vote(2, RANK, 2);

    ck_assert_int_eq(pair(&a, &b), EVIDENCE_PROVEN);
    struct key key = rig.set.keys[3];
    rig.set.keys[3] = rig.set.keys[2];
    rig.set.keys[2] = key;
    ck_assert_int_eq(judge(&made), EVIDENCE_WRONG_EPOCH);
    struct wire_evidence read = read_made(&made);
    read.set = evidence_set_digest(&rig.set);
    other.size = wire_encode(WIRE_evidence, &read, other.data, sizeof(other.data));
    ck_assert_int_eq(judge(&other), EVIDENCE_BAD_MESSAGE);
}
END_TEST

START_TEST(somebody_elses_signature)
{
    struct letter a = rig_vote(2, RANK, 1), b = rig_vote(1, RANK, 2);
    struct wire_vote vote;
    struct letter c;

    ck_assert_int_eq(wire_decode_as(WIRE_vote, letter_span(&b), &vote), WIRE_OK);
    vote.voter = 2;
    c.size = signed_message_of_vote(&vote, c.bytes, sizeof(c.bytes));
    ck_assert_int_eq(pair(&a, &c), EVIDENCE_BAD_MESSAGE);
}
END_TEST

START_TEST(a_timeout_with_anothers_certificate)
{
    struct letter a = rig_timeout(2, 5, HIGH);
    struct wire_timeout timeout;
    struct letter b;

    /* The QC is not signed: exchanging it must not look like a second statement. */
    ck_assert_int_eq(wire_decode_as(WIRE_timeout, letter_span(&a), &timeout), WIRE_OK);
    timeout.high_qc = span_of("abc", 3);
    b.size = wire_encode(WIRE_timeout, &timeout, b.bytes, sizeof(b.bytes));
    ck_assert_int_eq(pair(&a, &b), EVIDENCE_BAD_MESSAGE);
    b.size = signed_message_of_timeout(&timeout, b.bytes, sizeof(b.bytes));
    ck_assert_int_eq(pair(&a, &b), EVIDENCE_SAME_MESSAGE);
}
END_TEST

UNIT_MAIN("evidence", evidence_rig, NULL, {
    tcase_add_loop_test(tc, two_statements_of_one_type_and_rank_accuse, 0, N_ELEMENTS(types));
    tcase_add_loop_test(tc, whoever_pairs_them_gets_the_same_bytes, 0, N_ELEMENTS(types));
    tcase_add_test(tc, an_offence_has_one_id_whatever_shows_it);
    tcase_add_loop_test(tc, the_same_bytes_again_after_a_restart, 0, N_ELEMENTS(types));
    tcase_add_test(tc, one_statement_under_a_reshaped_signature);
    tcase_add_test(tc, one_statement_under_two_good_signatures);
    tcase_add_test(tc, two_ranks_two_types_two_validators);
    tcase_add_test(tc, messages_of_two_epochs);
    tcase_add_test(tc, messages_of_two_chains);
    tcase_add_test(tc, a_set_with_other_keys);
    tcase_add_test(tc, somebody_elses_signature);
    tcase_add_test(tc, a_timeout_with_anothers_certificate);
})
