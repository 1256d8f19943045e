/*
 * good_certs - one good object of each kind, for tests that spoil them.
 *
 * Four validators of epoch 2 with fake signatures; quorums are signed by 0, 2
 * and 3. Owned by the test that includes it; all_good() is its fixture.
 */
#ifndef APM2_TESTS_GOOD_CERTS_H
#define APM2_TESTS_GOOD_CERTS_H

#include "common/cert/cert.h"
#include "tests/support/fake_sig.h"

#define SIGNERS 0xdu
static struct good {
    struct wire_vote vote;
    struct wire_commit_vote commit_vote;
    struct wire_timeout timeout;
    struct wire_checkpoint checkpoint;
    struct qc qc; /* of seq 2, whose parent has seq 1 */
    struct cc cc;
    struct tc tc;
    struct entry entry_tc;
    struct entry handoff;
    struct commit_proof by_cc;
    struct commit_proof by_child;
} good;
static struct validator_set set;

static struct hash filled(uint8_t byte)
{
    struct hash hash;
    memset(hash.b, byte, sizeof(hash.b));
    return hash;
}

#define SIGN(index, kind, msg)                                                                     \
    fake_sign(&set.keys[index], span_of(statement, statement_##kind(&set.chain, (msg), statement)))

static void sign_qc(struct qc *qc)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct wire_vote vote = {.rank = qc->rank, .block = qc->block, .parent = qc->parent};
    vote.parent_rank = qc->parent_rank;
    for (uint32_t i = 0; i < set.n; i++)
        qc->sigs[i] = SIGN(i, vote, &vote);
}

static void sign_cc(struct cc *cc)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct wire_commit_vote vote = {.rank = cc->rank, .block = cc->block};
    for (uint32_t i = 0; i < set.n; i++)
        cc->sigs[i] = SIGN(i, commit_vote, &vote);
}

static void sign_tc(struct tc *tc)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    for (uint32_t i = 0; i < set.n; i++) {
        struct wire_timeout timeout = {.epoch = tc->term.epoch, .term = tc->timeouts[i].term};
        timeout.high = tc->timeouts[i].high;
        tc->timeouts[i].sig = SIGN(i, timeout, &timeout);
    }
}

static void make_statements(void)
{
    uint8_t statement[STATEMENT_BYTES_MAX];

    good.vote = (struct wire_vote){.rank = {2, 5, 2}, .parent_rank = {2, 5, 1}, .voter = 3};
    good.vote.block = filled(0xb1);
    good.vote.parent = filled(0xb0);
    good.vote.signature = SIGN(3, vote, &good.vote);
    good.commit_vote = (struct wire_commit_vote){.rank = {2, 5, 2}, .voter = 1};
    good.commit_vote.block = filled(0xb1);
    good.commit_vote.signature = SIGN(1, commit_vote, &good.commit_vote);
    good.timeout = (struct wire_timeout){.epoch = 2, .term = 5, .high = {2, 5, 2}, .voter = 2};
    good.timeout.signature = SIGN(2, timeout, &good.timeout);
    good.checkpoint = (struct wire_checkpoint){.height = 9, .voter = 0};
    good.checkpoint.signature = SIGN(0, checkpoint, &good.checkpoint);
}

static void make_certificates(void)
{
    good.qc = (struct qc){.rank = {2, 5, 2}, .parent_rank = {2, 5, 1}, .signers = SIGNERS};
    good.qc.block = filled(0xb1);
    good.qc.parent = filled(0xb0);
    sign_qc(&good.qc);
    good.cc = (struct cc){.rank = {2, 5, 2}, .block = filled(0xb1), .signers = SIGNERS};
    sign_cc(&good.cc);
    good.tc = (struct tc){.term = {2, 5}, .signers = SIGNERS, .high_qc = good.qc};
    for (uint32_t i = 0; i < set.n; i++)
        good.tc.timeouts[i] = (struct tc_timeout){.term = 5, .high = {2, 5, i == 0 ? 2 : 1}};
    good.tc.timeouts[3].term = 6;
    sign_tc(&good.tc);
    good.entry_tc = (struct entry){.kind = ENTRY_TC, .tc = good.tc};
    good.handoff.kind = ENTRY_HANDOFF;
    good.handoff.handoff_header = (struct wire_header){.rank = {2, 5, 2}, .handoff = 4};
    good.handoff.handoff_header.parent = filled(0xb0);
    good.handoff.handoff_qc = good.qc;
    good.handoff.handoff_qc.block = header_id(&good.handoff.handoff_header);
    sign_qc(&good.handoff.handoff_qc);
    /* Validator 1 signed none of them. */
    good.qc.sigs[1] = good.cc.sigs[1] = (struct sig){{0}};
    good.by_cc = (struct commit_proof){.is_child_qc = false, .cc = good.cc};
    good.by_child = (struct commit_proof){.is_child_qc = true, .qc = good.qc};
}

static void all_good(void)
{
    set = (struct validator_set){.epoch = 2, .n = 4, .check = fake_check};
    set.chain = filled(0xc0);
    set.root = filled(0xe0);
    for (uint32_t i = 0; i < set.n; i++)
        set.keys[i] = fake_key(i);
    good = (struct good){0};
    make_statements();
    make_certificates();
}

#endif
