/*
 * good_proofs - one good epoch proof of each kind, for tests that spoil them.
 *
 * On top of good_certs.h: the set of epoch 2 ends it at a config block, or T0 does. Owned by
 * the test that includes it; all_good_proofs() is its fixture.
 */
#ifndef APM2_TESTS_GOOD_PROOFS_H
#define APM2_TESTS_GOOD_PROOFS_H

#include "common/cert/epoch_proof.h"
#include "tests/support/good_certs.h"

static struct good_proofs {
    struct epoch_proof own;        /* the config block's own commit certificate */
    struct epoch_proof descendant; /* a QC on the child of its descendant */
    struct epoch_proof recovery;   /* two of three T0 keys */
} proofs;

static struct key t0_key_of(uint32_t i)
{
    return fake_key(500 + i);
}

/* Three of the four, and one with a new key. */
static void make_next(struct members *next)
{
    next->n = 4;
    for (uint32_t i = 0; i < next->n; i++) {
        next->list[i].card = filled((uint8_t)(1 + i));
        next->list[i].key = fake_key(i == 2 ? 40 : i);
        next->list[i].instance = filled((uint8_t)(0x50 + i));
    }
}

static struct wire_header header_on(const struct wire_header *parent, struct rank rank)
{
    struct wire_header header = {.rules_version = 1, .chain = set.chain, .rank = rank};

    header.height = parent->height + 1;
    header.parent = header_id(parent);
    return header;
}

static void sign_own(struct epoch_proof *proof)
{
    proof->proof.cc = (struct cc){.rank = proof->root.rank, .signers = SIGNERS};
    proof->proof.cc.block = header_id(&proof->root);
    sign_cc(&proof->proof.cc);
}

static void sign_recovery(struct epoch_proof *proof)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct recovery *recovery = &proof->recovery;
    size_t size = statement_recovery(&set.chain, recovery, statement);

    for (uint32_t i = 0; i < 3; i++) {
        struct key key = t0_key_of(i);
        recovery->sigs[i] = fake_sign(&key, span_of(statement, size));
    }
}

static void make_commits(void)
{
    struct epoch_proof *own = &proofs.own;
    struct epoch_proof *descendant = &proofs.descendant;

    own->kind = EPOCH_PROOF_COMMIT;
    make_next(&own->next);
    own->root = (struct wire_header){.rules_version = 1, .chain = set.chain, .rank = {2, 4, 1}};
    own->root.height = 30;
    own->root.next_set = members_digest(&own->next);
    sign_own(own);

    *descendant = *own;
    descendant->n_path = 2;
    descendant->path[0] = header_on(&descendant->root, (struct rank){2, 5, 1});
    descendant->path[1] = header_on(&descendant->path[0], (struct rank){2, 6, 1});
    descendant->proof.is_child_qc = true;
    struct qc *qc = &descendant->proof.qc;
    *qc = (struct qc){.rank = {2, 6, 2}, .parent_rank = {2, 6, 1}, .signers = SIGNERS};
    qc->block = filled(0xd2);
    qc->parent = header_id(&descendant->path[1]);
    sign_qc(qc);
}

static void all_good_proofs(void)
{
    all_good();
    set.t0 = (struct t0_set){.n = 3, .threshold = 2};
    for (uint32_t i = 0; i < 3; i++)
        set.t0.keys[i] = t0_key_of(i);
    proofs = (struct good_proofs){{0}, {0}, {0}};
    make_commits();
    struct epoch_proof *proof = &proofs.recovery;
    proof->kind = EPOCH_PROOF_RECOVERY;
    make_next(&proof->next);
    proof->recovery = (struct recovery){.epoch = 5, .height = 29, .signers = 5, .reason_size = 4};
    proof->recovery.block = filled(0xb7);
    proof->recovery.state_root = filled(0x57);
    proof->recovery.set = members_digest(&proof->next);
    memcpy(proof->recovery.reason, "lost", 4);
    sign_recovery(proof);
}

#endif
