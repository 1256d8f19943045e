#include "tests/support/good_certs.h"
#include "tests/support/unit.h"

#include <sodium.h>
#include <stddef.h>

enum object { VOTE, COMMIT_VOTE, TIMEOUT, CHECKPOINT, QC, CC, TC, ENTRY, HANDOFF, BY_CC, BY_CHILD };

static enum cert_verdict verify(enum object object)
{
    switch (object) {
    case VOTE:
        return vote_verify(&set, &good.vote);
    case COMMIT_VOTE:
        return commit_vote_verify(&set, &good.commit_vote);
    case TIMEOUT:
        return timeout_verify(&set, &good.timeout);
    case CHECKPOINT:
        return checkpoint_verify(&set, &good.checkpoint);
    case QC:
        return qc_verify(&set, &good.qc);
    case CC:
        return cc_verify(&set, &good.cc);
    case TC:
        return tc_verify(&set, &good.tc);
    case ENTRY:
        return entry_verify(&set, &good.entry_tc);
    case HANDOFF:
        return entry_verify(&set, &good.handoff);
    case BY_CC:
        return commit_proof_verify(&set, &good.by_cc);
    case BY_CHILD:
        return commit_proof_verify(&set, &good.by_child);
    }
    return CERT_MALFORMED;
}

/* The byte at `at` of struct good, xor `mask`. */
static const struct flip {
    const char *label;
    enum object object;
    size_t at;
    uint8_t mask;
    enum cert_verdict want;
} flips[] = {
#define AT(field) offsetof(struct good, field)
    {"vote: another epoch", VOTE, AT(vote.rank.epoch), 1, CERT_WRONG_EPOCH},
    {"vote: inflated term", VOTE, AT(vote.rank.term), 2, CERT_BAD_SIGNATURE},
    {"vote: inflated seq", VOTE, AT(vote.rank.seq), 1, CERT_BAD_SIGNATURE},
    {"vote: not above its parent", VOTE, AT(vote.parent_rank.seq), 3, CERT_INCONSISTENT},
    {"vote: a parent of another epoch", VOTE, AT(vote.parent_rank.epoch), 3, CERT_INCONSISTENT},
    {"vote: another block", VOTE, AT(vote.block), 1, CERT_BAD_SIGNATURE},
    {"vote: another parent", VOTE, AT(vote.parent), 1, CERT_BAD_SIGNATURE},
    {"vote: another parent's rank", VOTE, AT(vote.parent_rank.term), 1, CERT_BAD_SIGNATURE},
    {"vote: in another's name", VOTE, AT(vote.voter), 1, CERT_BAD_SIGNATURE},
    {"vote: a stranger", VOTE, AT(vote.voter), 7, CERT_STRANGER},
    {"vote: a stranger far out", VOTE, AT(vote.voter) + 7, 0x80, CERT_STRANGER},
    {"vote: flipped signature", VOTE, AT(vote.signature) + 63, 0x80, CERT_BAD_SIGNATURE},
    {"commit vote: another epoch", COMMIT_VOTE, AT(commit_vote.rank), 1, CERT_WRONG_EPOCH},
    {"commit vote: seq 0", COMMIT_VOTE, AT(commit_vote.rank.seq), 2, CERT_INCONSISTENT},
    {"commit vote: inflated seq", COMMIT_VOTE, AT(commit_vote.rank.seq), 1, CERT_BAD_SIGNATURE},
    {"commit vote: another block", COMMIT_VOTE, AT(commit_vote.block), 1, CERT_BAD_SIGNATURE},
    {"commit vote: another's name", COMMIT_VOTE, AT(commit_vote.voter), 1, CERT_BAD_SIGNATURE},
    {"commit vote: a stranger", COMMIT_VOTE, AT(commit_vote.voter), 4, CERT_STRANGER},
    {"timeout: another epoch", TIMEOUT, AT(timeout.epoch), 1, CERT_WRONG_EPOCH},
    {"timeout: inflated term", TIMEOUT, AT(timeout.term), 2, CERT_BAD_SIGNATURE},
    {"timeout: below what it cites", TIMEOUT, AT(timeout.term), 1, CERT_INCONSISTENT},
    {"timeout: lowered high", TIMEOUT, AT(timeout.high.seq), 3, CERT_BAD_SIGNATURE},
    {"timeout: a high of another epoch", TIMEOUT, AT(timeout.high), 1, CERT_INCONSISTENT},
    {"timeout: a stranger", TIMEOUT, AT(timeout.voter), 4, CERT_STRANGER},
    {"checkpoint: another height", CHECKPOINT, AT(checkpoint.height), 1, CERT_BAD_SIGNATURE},
    {"checkpoint: another state", CHECKPOINT, AT(checkpoint.state_root), 1, CERT_BAD_SIGNATURE},
    {"checkpoint: another block", CHECKPOINT, AT(checkpoint.block), 1, CERT_BAD_SIGNATURE},
    {"checkpoint: a stranger", CHECKPOINT, AT(checkpoint.voter), 4, CERT_STRANGER},
    {"qc: another epoch", QC, AT(qc.rank.epoch), 1, CERT_WRONG_EPOCH},
    {"qc: inflated rank", QC, AT(qc.rank.term), 2, CERT_BAD_SIGNATURE},
    {"qc: another block", QC, AT(qc.block), 1, CERT_BAD_SIGNATURE},
    {"qc: another parent", QC, AT(qc.parent), 1, CERT_BAD_SIGNATURE},
    {"qc: seq 0 in a term", QC, AT(qc.rank.seq), 2, CERT_INCONSISTENT},
    {"qc: one signer less", QC, AT(qc.signers), 4, CERT_NO_QUORUM},
    {"qc: a signer who did not sign", QC, AT(qc.signers), 0x2, CERT_BAD_SIGNATURE},
    {"qc: a signer outside the set", QC, AT(qc.signers), 0x10, CERT_STRANGER},
    {"qc: a signer far outside", QC, AT(qc.signers) + 7, 0x80, CERT_STRANGER},
    {"qc: flipped signature", QC, AT(qc.sigs[2]), 1, CERT_BAD_SIGNATURE},
    {"cc: another epoch", CC, AT(cc.rank.epoch), 1, CERT_WRONG_EPOCH},
    {"cc: inflated seq", CC, AT(cc.rank.seq), 1, CERT_BAD_SIGNATURE},
    {"cc: another block", CC, AT(cc.block), 1, CERT_BAD_SIGNATURE},
    {"cc: one signer less", CC, AT(cc.signers), 1, CERT_NO_QUORUM},
    {"cc: a signer who did not sign", CC, AT(cc.signers), 0x2, CERT_BAD_SIGNATURE},
    {"cc: a signer outside the set", CC, AT(cc.signers), 0x20, CERT_STRANGER},
    {"cc: flipped signature", CC, AT(cc.sigs[0]), 1, CERT_BAD_SIGNATURE},
    {"tc: another epoch", TC, AT(tc.term.epoch), 1, CERT_WRONG_EPOCH},
    {"tc: above a signer's term", TC, AT(tc.term.term), 3, CERT_INCONSISTENT},
    {"tc: below its own QC", TC, AT(tc.term.term), 1, CERT_INCONSISTENT},
    {"tc: a signer's term raised", TC, AT(tc.timeouts[2].term), 2, CERT_BAD_SIGNATURE},
    {"tc: a signer's high lowered", TC, AT(tc.timeouts[0].high.seq), 3, CERT_BAD_SIGNATURE},
    {"tc: a signer's high above the QC", TC, AT(tc.timeouts[0].high.seq), 1, CERT_INCONSISTENT},
    {"tc: one signer less", TC, AT(tc.signers), 8, CERT_NO_QUORUM},
    {"tc: a signer outside the set", TC, AT(tc.signers), 0x10, CERT_STRANGER},
    {"tc: flipped signature", TC, AT(tc.timeouts[3].sig), 1, CERT_BAD_SIGNATURE},
    {"tc: its QC forged", TC, AT(tc.high_qc.block), 1, CERT_BAD_SIGNATURE},
    {"entry: its TC forged", ENTRY, AT(entry_tc.tc.timeouts[0].sig), 1, CERT_BAD_SIGNATURE},
    {"entry: no kind", ENTRY, AT(entry_tc.kind), ENTRY_TC, CERT_MALFORMED},
    {"handoff: to another", HANDOFF, AT(handoff.handoff_header.handoff), 1, CERT_INCONSISTENT},
    {"handoff: another header", HANDOFF, AT(handoff.handoff_header.time_ms), 1, CERT_INCONSISTENT},
    {"handoff: QC forged", HANDOFF, AT(handoff.handoff_qc.sigs[0]), 1, CERT_BAD_SIGNATURE},
    {"handoff: another QC", HANDOFF, AT(handoff.handoff_qc.block), 1, CERT_INCONSISTENT},
    {"proof: cc forged", BY_CC, AT(by_cc.cc.sigs[0]), 1, CERT_BAD_SIGNATURE},
    {"proof: child forged", BY_CHILD, AT(by_child.qc.sigs[0]), 1, CERT_BAD_SIGNATURE},
    {"proof: child of another parent", BY_CHILD, AT(by_child.qc.parent), 1, CERT_BAD_SIGNATURE},
#undef AT
};

START_TEST(what_is_good_verifies)
{
    for (int object = VOTE; object <= BY_CHILD; object++)
        ck_assert_msg(verify((enum object)object) == CERT_OK, "object %d: %s", object,
                      cert_verdict_text(verify((enum object)object)));
}
END_TEST

START_TEST(one_flip_is_refused)
{
    const struct flip *flip = &flips[_i];

    ((uint8_t *)&good)[flip->at] ^= flip->mask;
    enum cert_verdict got = verify(flip->object);
    ck_assert_msg(got == flip->want, "%s: got %s, want %s", flip->label, cert_verdict_text(got),
                  cert_verdict_text(flip->want));
}
END_TEST

START_TEST(signatures_do_not_move_between_statements)
{
    /* A vote and a commit vote of one block say different things. */
    memcpy(good.cc.sigs, good.qc.sigs, sizeof(good.cc.sigs));
    ck_assert_int_eq(verify(CC), CERT_BAD_SIGNATURE);
    sign_cc(&good.cc);
    memcpy(good.qc.sigs, good.cc.sigs, sizeof(good.qc.sigs));
    ck_assert_int_eq(verify(QC), CERT_BAD_SIGNATURE);

    /* One signer's signature three times is one signature. */
    all_good();
    good.qc.sigs[2] = good.qc.sigs[3] = good.qc.sigs[0];
    ck_assert_int_eq(verify(QC), CERT_BAD_SIGNATURE);
    all_good();
    good.tc.timeouts[2] = good.tc.timeouts[0];
    ck_assert_int_eq(verify(TC), CERT_BAD_SIGNATURE);

    /* Another chain's signatures, and another set's. */
    all_good();
    set.chain.b[0] ^= 1;
    for (int object = VOTE; object <= BY_CHILD; object++)
        ck_assert_int_eq(verify((enum object)object), CERT_BAD_SIGNATURE);
    all_good();
    set.keys[0] = set.keys[1];
    ck_assert_int_eq(verify(QC), CERT_BAD_SIGNATURE);
}
END_TEST

START_TEST(well_signed_nonsense_is_inconsistent)
{
    good.handoff.handoff_header.handoff = 0;
    good.handoff.handoff_qc.block = header_id(&good.handoff.handoff_header);
    sign_qc(&good.handoff.handoff_qc);
    ck_assert_int_eq(verify(HANDOFF), CERT_INCONSISTENT);

    good.handoff.handoff_header.handoff = 5;
    good.handoff.handoff_qc.block = header_id(&good.handoff.handoff_header);
    sign_qc(&good.handoff.handoff_qc);
    ck_assert_int_eq(verify(HANDOFF), CERT_STRANGER);

    /* (t, s) <- (t + 1, 1) is not a two-chain, nor is (t, s) <- (t, s + 2). */
    good.by_child.qc.rank = (struct rank){2, 6, 1};
    sign_qc(&good.by_child.qc);
    ck_assert_int_eq(verify(BY_CHILD), CERT_INCONSISTENT);
    good.by_child.qc.rank = (struct rank){2, 5, 3};
    sign_qc(&good.by_child.qc);
    ck_assert_int_eq(verify(BY_CHILD), CERT_INCONSISTENT);
    good.by_child.qc.rank = (struct rank){2, 5, 1};
    good.by_child.qc.parent_rank = (struct rank){2, 0, 0};
    sign_qc(&good.by_child.qc);
    ck_assert_int_eq(verify(BY_CHILD), CERT_INCONSISTENT);
}
END_TEST

START_TEST(the_root_alone_needs_no_quorum)
{
    good.qc = qc_of_root(&set);
    ck_assert_int_eq(verify(QC), CERT_OK);
    static const size_t fields[] = {
        offsetof(struct qc, block),       offsetof(struct qc, parent),
        offsetof(struct qc, parent_rank), offsetof(struct qc, rank.term),
        offsetof(struct qc, rank.seq),    offsetof(struct qc, rank.epoch),
        offsetof(struct qc, signers)};
    for (size_t i = 0; i < N_ELEMENTS(fields); i++) {
        good.qc = qc_of_root(&set);
        ((uint8_t *)&good.qc)[fields[i]] ^= 1;
        ck_assert_msg(verify(QC) != CERT_OK, "root with field %zu changed", i);
    }
    good.tc.high_qc = qc_of_root(&set);
    for (uint32_t i = 0; i < set.n; i++)
        good.tc.timeouts[i].high = good.tc.high_qc.rank;
    sign_tc(&good.tc);
    ck_assert_int_eq(verify(TC), CERT_OK);
    good.by_child.qc = qc_of_root(&set);
    ck_assert_int_eq(verify(BY_CHILD), CERT_INCONSISTENT);
}
END_TEST

START_TEST(a_quorum_counts_in_sets_of_any_size)
{
    uint32_t n = (uint32_t)_i;

    set.n = n;
    for (uint32_t i = 0; i < n; i++)
        set.keys[i] = fake_key(i);
    sign_qc(&good.qc);
    uint64_t all = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
    good.qc.signers = all;
    ck_assert_int_eq(verify(QC), CERT_OK);
    good.qc.signers = all >> (n - quorum_size(n));
    ck_assert_int_eq(verify(QC), CERT_OK);
    good.qc.signers >>= 1;
    ck_assert_int_eq(verify(QC), CERT_NO_QUORUM);
}
END_TEST

START_TEST(the_real_check_is_ed25519)
{
    const uint8_t seed[crypto_sign_SEEDBYTES] = {7};
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct key key;
    struct sig sig;

    ck_assert_int_eq(crypto_sign_seed_keypair(key.b, secret, seed), 0);
    ck_assert_int_eq(crypto_sign_detached(sig.b, NULL, (const uint8_t *)"m", 1, secret), 0);
    ck_assert(sig_check_ed25519(&key, span_of("m", 1), &sig));
    ck_assert(!sig_check_ed25519(&key, span_of("n", 1), &sig));
    sig.b[40] ^= 1;
    ck_assert(!sig_check_ed25519(&key, span_of("m", 1), &sig));
}
END_TEST

UNIT_MAIN("cert", all_good, NULL, {
    tcase_add_test(tc, what_is_good_verifies);
    tcase_add_loop_test(tc, one_flip_is_refused, 0, N_ELEMENTS(flips));
    tcase_add_test(tc, signatures_do_not_move_between_statements);
    tcase_add_test(tc, well_signed_nonsense_is_inconsistent);
    tcase_add_test(tc, the_root_alone_needs_no_quorum);
    tcase_add_loop_test(tc, a_quorum_counts_in_sets_of_any_size, 1, VALIDATORS_MAX + 1);
    tcase_add_test(tc, the_real_check_is_ed25519);
})
