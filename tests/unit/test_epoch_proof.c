/* Epoch proofs: what a good one is, each way to spoil it, its bytes, and the set it opens. */
#include "tests/support/good_proofs.h"
#include "tests/support/unit.h"

static struct epoch_proof *proof_at(int i)
{
    struct epoch_proof *all[] = {&proofs.own, &proofs.descendant, &proofs.recovery};
    return all[i];
}
#define N_PROOFS 3

START_TEST(good_proofs_verify)
{
    ck_assert_int_eq(epoch_proof_verify(&set, proof_at(_i)), CERT_OK);
}
END_TEST

static void no_kind(struct epoch_proof *proof)
{
    proof->kind = EPOCH_PROOF_NONE;
}
static void another_set(struct epoch_proof *proof)
{
    proof->next.list[1].key = fake_key(77);
}
static void one_member_less(struct epoch_proof *proof)
{
    proof->next.n--;
}
static void a_member_twice(struct epoch_proof *proof)
{
    proof->next.list[3].key = proof->next.list[0].key;
    proof->root.next_set = proof->recovery.set = members_digest(&proof->next);
    if (proof->kind == EPOCH_PROOF_RECOVERY)
        sign_recovery(proof);
    else
        sign_own(proof);
}
static void nobody(struct epoch_proof *proof)
{
    proof->next.n = 0;
}
static void another_epoch(struct epoch_proof *proof)
{
    proof->root.rank.epoch = 3;
    proof->recovery.epoch = 2;
    sign_own(proof);
    sign_recovery(proof);
}
static void another_chain(struct epoch_proof *proof)
{
    proof->root.chain = filled(1);
    sign_own(proof);
}
static void too_few_signers(struct epoch_proof *proof)
{
    proof->proof.cc.signers = 5;
    proof->recovery.signers = 4;
}
static void a_strange_signer(struct epoch_proof *proof)
{
    proof->proof.cc.signers |= 1u << 4;
    proof->recovery.signers |= 1u << 3;
}
static void a_forged_signature(struct epoch_proof *proof)
{
    proof->proof.cc.sigs[2].b[5] ^= 1;
    proof->recovery.sigs[2].b[5] ^= 1;
}
static void another_block(struct epoch_proof *proof)
{
    proof->root.time_ms++;
    proof->recovery.block.b[0] ^= 1;
}
static void a_gap_in_the_path(struct epoch_proof *proof)
{
    proof->path[0] = proof->path[1];
    proof->n_path = 1;
}
static void a_path_too_short(struct epoch_proof *proof)
{
    proof->n_path = 1;
}
static void a_path_too_long(struct epoch_proof *proof)
{
    proof->n_path = EPOCH_PATH_MAX + 1;
}
/* The first config block ends the epoch: a second one on the path would end it again. */
static void a_config_on_the_path(struct epoch_proof *proof)
{
    proof->path[1].next_set = filled(9);
    proof->proof.qc.parent = header_id(&proof->path[1]);
    sign_qc(&proof->proof.qc);
}
static void no_two_chain(struct epoch_proof *proof)
{
    proof->proof.qc.rank = (struct rank){2, 7, 1};
    sign_qc(&proof->proof.qc);
}
static void another_reason(struct epoch_proof *proof)
{
    proof->recovery.reason[0] = 'x';
}
static void another_height(struct epoch_proof *proof)
{
    proof->recovery.height--;
}

static const struct spoiled {
    const char *label;
    int proof; /* -1: each */
    void (*spoil)(struct epoch_proof *proof);
} spoiled[] = {
    {"no kind", -1, no_kind},
    {"another set", -1, another_set},
    {"one member less", -1, one_member_less},
    {"a member twice", 0, a_member_twice},
    {"a member twice", 2, a_member_twice},
    {"nobody", -1, nobody},
    {"another epoch", 0, another_epoch},
    {"another epoch", 2, another_epoch},
    {"another chain", 0, another_chain},
    {"too few signers", 0, too_few_signers},
    {"too few signers", 2, too_few_signers},
    {"a strange signer", 0, a_strange_signer},
    {"a strange signer", 2, a_strange_signer},
    {"a forged signature", 0, a_forged_signature},
    {"a forged signature", 2, a_forged_signature},
    {"another block", 0, another_block},
    {"another block", 1, another_block},
    {"another block", 2, another_block},
    {"a gap in the path", 1, a_gap_in_the_path},
    {"a path too short", 1, a_path_too_short},
    {"a path too long", 1, a_path_too_long},
    {"a config block on the path", 1, a_config_on_the_path},
    {"no two-chain", 1, no_two_chain},
    {"another reason", 2, another_reason},
    {"another height", 2, another_height},
};

START_TEST(spoiled_proofs_do_not)
{
    const struct spoiled *row = &spoiled[_i];

    for (int i = 0; i < N_PROOFS; i++) {
        static struct epoch_proof proof;
        if (row->proof >= 0 && row->proof != i)
            continue;
        proof = *proof_at(i);
        row->spoil(&proof);
        ck_assert_msg(epoch_proof_verify(&set, &proof) != CERT_OK, "%s: accepted", row->label);
    }
}
END_TEST

START_TEST(proofs_survive_their_bytes)
{
    static uint8_t first[EPOCH_PROOF_BYTES_MAX], second[EPOCH_PROOF_BYTES_MAX];
    static struct epoch_proof decoded;
    size_t size = epoch_proof_encode(proof_at(_i), first, sizeof(first));

    ck_assert_uint_gt(size, 0);
    ck_assert_int_eq(epoch_proof_decode(span_of(first, size), &decoded), CERT_OK);
    ck_assert_int_eq(epoch_proof_verify(&set, &decoded), CERT_OK);
    ck_assert_uint_eq(epoch_proof_encode(&decoded, second, sizeof(second)), size);
    ck_assert_mem_eq(first, second, size);
    ck_assert_int_eq(epoch_proof_decode(span_of(first, size - 1), &decoded), CERT_MALFORMED);
    ck_assert_uint_eq(epoch_proof_encode(proof_at(_i), second, size - 1), 0);
}
END_TEST

START_TEST(the_largest_proof_fits)
{
    static uint8_t bytes[EPOCH_PROOF_BYTES_MAX];
    struct epoch_proof *proof = &proofs.descendant;
    const uint64_t high = UINT64_MAX;

    proof->next.n = VALIDATORS_MAX;
    proof->n_path = EPOCH_PATH_MAX;
    for (uint32_t i = 0; i < EPOCH_PATH_MAX; i++) {
        struct wire_header *header = &proof->path[i];
        header->rank = (struct rank){high, high, high};
        header->rules_version = header->height = header->prev_height = high;
        header->handoff = header->time_ms = header->author = high;
    }
    proof->proof.qc.rank = proof->proof.qc.parent_rank = (struct rank){high, high, high};
    proof->proof.qc.signers = high;
    ck_assert_uint_gt(epoch_proof_encode(proof, bytes, sizeof(bytes)), 0);
}
END_TEST

START_TEST(a_copy_is_as_good)
{
    static struct epoch_proof copy;

    memset(&copy, 0xaa, sizeof(copy));
    epoch_proof_copy(&copy, proof_at(_i));
    ck_assert_int_eq(epoch_proof_verify(&set, &copy), CERT_OK);
}
END_TEST

START_TEST(it_opens_a_set)
{
    struct validator_set next;
    struct hash root = header_id(&proofs.own.root);

    epoch_proof_set(&set, &proofs.own, &next);
    ck_assert_uint_eq(next.epoch, 3);
    ck_assert(hash_eq(&next.root, &root));
    ck_assert(key_eq(&next.keys[2], &proofs.own.next.list[2].key));
    ck_assert_uint_eq(next.offset, schedule_offset(&root, 4));
    struct qc root_qc = qc_of_root(&next);
    ck_assert_int_eq(qc_verify(&next, &root_qc), CERT_OK);
    /* Certificates of the old epoch are none of the new one's, whoever signed them. */
    ck_assert_int_eq(cc_verify(&next, &good.cc), CERT_WRONG_EPOCH);
    epoch_proof_set(&set, &proofs.recovery, &next);
    ck_assert_uint_eq(next.epoch, 5);
    ck_assert(hash_eq(&next.root, &proofs.recovery.recovery.block));
}
END_TEST

START_TEST(who_has_caught_up_signs_for_it)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct caught_up caught_up = {.height = 7, .block = filled(3), .who = proofs.own.next.list[2]};
    size_t size = statement_caught_up(&set.chain, &caught_up, statement);

    caught_up.signature = fake_sign(&caught_up.who.key, span_of(statement, size));
    ck_assert_int_eq(caught_up_verify(&set, &caught_up), CERT_OK);
    caught_up.who.instance.b[0] ^= 1;
    ck_assert_int_eq(caught_up_verify(&set, &caught_up), CERT_BAD_SIGNATURE);
}
END_TEST

UNIT_MAIN("epoch_proof", all_good_proofs, NULL, {
    tcase_add_loop_test(tc, good_proofs_verify, 0, N_PROOFS);
    tcase_add_loop_test(tc, spoiled_proofs_do_not, 0, N_ELEMENTS(spoiled));
    tcase_add_loop_test(tc, proofs_survive_their_bytes, 0, N_PROOFS);
    tcase_add_test(tc, the_largest_proof_fits);
    tcase_add_loop_test(tc, a_copy_is_as_good, 0, N_PROOFS);
    tcase_add_test(tc, it_opens_a_set);
    tcase_add_test(tc, who_has_caught_up_signs_for_it);
})
