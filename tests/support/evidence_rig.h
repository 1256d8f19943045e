/*
 * evidence_rig - four validators with real keys, and what they may sign.
 *
 * Owned by the test that includes it; evidence_rig() is its fixture. `rig.set` is of
 * epoch 1; sign_with() takes any chain, epoch or key, as a liar would.
 */
#ifndef APM2_TESTS_EVIDENCE_RIG_H
#define APM2_TESTS_EVIDENCE_RIG_H

#include <check.h>
#include <sodium.h>

#include "common/evidence/evidence.h"
#include "common/must.h"

#define RIG_N 4u

static struct evidence_rig {
    struct validator_set set;
    uint8_t secrets[RIG_N][crypto_sign_SECRETKEYBYTES];
} rig;

/* A message's bytes, on the caller's stack. */
struct letter {
    size_t size;
    uint8_t bytes[SIGNED_MESSAGE_BYTES_MAX];
};

static struct span letter_span(const struct letter *letter)
{
    return span_of(letter->bytes, letter->size);
}

static struct hash rig_hash(uint8_t byte)
{
    struct hash hash;
    memset(hash.b, byte, sizeof(hash.b));
    return hash;
}

static void evidence_rig(void)
{
    MUST(sodium_init() >= 0);
    rig.set = (struct validator_set){
        .chain = rig_hash(0xc1), .epoch = 1, .n = RIG_N, .check = sig_check_ed25519};
    rig.set.root = rig.set.chain;
    for (uint32_t i = 0; i < RIG_N; i++) {
        uint8_t seed[crypto_sign_SEEDBYTES];
        memset(seed, (int)(i + 1), sizeof(seed));
        MUST(crypto_sign_seed_keypair(rig.set.keys[i].b, rig.secrets[i], seed) == 0);
    }
}

static inline struct sig rig_sign(uint32_t signer, const uint8_t *statement, size_t size)
{
    struct sig sig;
    MUST(crypto_sign_detached(sig.b, NULL, statement, size, rig.secrets[signer]) == 0);
    return sig;
}

static inline struct letter rig_vote(uint32_t voter, struct rank rank, uint8_t block)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct letter letter;
    struct wire_vote vote = {.rank = rank,
                             .block = rig_hash(block),
                             .parent = rig_hash(0xee),
                             .parent_rank = {rank.epoch, 0, 0},
                             .voter = voter};
    vote.signature = rig_sign(voter, statement, statement_vote(&rig.set.chain, &vote, statement));
    letter.size = signed_message_of_vote(&vote, letter.bytes, sizeof(letter.bytes));
    return letter;
}

static inline struct letter rig_commit_vote(uint32_t voter, struct rank rank, uint8_t block)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct letter letter;
    struct wire_commit_vote vote = {.rank = rank, .block = rig_hash(block), .voter = voter};
    vote.signature =
        rig_sign(voter, statement, statement_commit_vote(&rig.set.chain, &vote, statement));
    letter.size = signed_message_of_commit_vote(&vote, letter.bytes, sizeof(letter.bytes));
    return letter;
}

static inline struct letter rig_timeout(uint32_t voter, uint64_t term, struct rank high)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct letter letter;
    struct wire_timeout timeout = {.epoch = high.epoch, .term = term, .high = high, .voter = voter};
    timeout.signature =
        rig_sign(voter, statement, statement_timeout(&rig.set.chain, &timeout, statement));
    letter.size = signed_message_of_timeout(&timeout, letter.bytes, sizeof(letter.bytes));
    return letter;
}

static inline struct letter rig_header_of(uint32_t author, const struct wire_header *header)
{
    uint8_t bytes[HEADER_BYTES_MAX];
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct letter letter;
    struct wire_proposal proposal = {.header = span_of(bytes, header_encode(header, bytes))};
    struct hash id = header_id(header);
    proposal.signature =
        rig_sign(author, statement, statement_proposal(&rig.set.chain, &id, statement));
    letter.size = signed_message_of_proposal(&proposal, letter.bytes, sizeof(letter.bytes));
    return letter;
}

static inline struct wire_header rig_header(uint32_t author, struct rank rank)
{
    return (struct wire_header){.rules_version = 1,
                                .chain = rig.set.chain,
                                .rank = rank,
                                .height = 7,
                                .parent = rig_hash(0xee),
                                .author = author};
}

static inline struct letter rig_proposal(uint32_t author, struct rank rank, uint8_t payload)
{
    struct wire_header header = rig_header(author, rank);
    header.payload_root = rig_hash(payload);
    return rig_header_of(author, &header);
}

/* A QC signed by the first `n_signers`. */
static inline struct qc rig_qc(struct rank rank, uint8_t block, uint32_t n_signers)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct qc qc = {.rank = rank,
                    .block = rig_hash(block),
                    .parent = rig_hash(0xee),
                    .parent_rank = {rank.epoch, 0, 0}};
    const struct wire_vote vote = {
        .rank = qc.rank, .block = qc.block, .parent = qc.parent, .parent_rank = qc.parent_rank};
    size_t size = statement_vote(&rig.set.chain, &vote, statement);
    for (uint32_t i = 0; i < n_signers; i++) {
        qc.signers |= UINT64_C(1) << i;
        qc.sigs[i] = rig_sign(i, statement, size);
    }
    return qc;
}

#define RANK ((struct rank){1, 5, 3})
#define HIGH ((struct rank){1, 4, 2})

static struct evidence_bytes made, other;

/* Into `made`. */
static inline enum evidence_verdict pair(const struct letter *a, const struct letter *b)
{
    return evidence_pair(&rig.set, letter_span(a), letter_span(b), &made);
}

static inline enum evidence_verdict judge(const struct evidence_bytes *evidence)
{
    struct wire_evidence read;
    return evidence_verify(&rig.set, span_of(evidence->data, evidence->size), &read);
}

static inline struct wire_evidence read_made(const struct evidence_bytes *evidence)
{
    struct wire_evidence read = {.kind = 0};
    ck_assert_int_eq(wire_decode_as(WIRE_evidence, span_of(evidence->data, evidence->size), &read),
                     WIRE_OK);
    return read;
}

/* What validator 2 says at one rank, in each type. */
static inline struct letter letter_of(enum wire_id what, uint8_t says)
{
    struct rank high = HIGH;

    if (what == WIRE_vote)
        return rig_vote(2, RANK, says);
    if (what == WIRE_commit_vote)
        return rig_commit_vote(2, RANK, says);
    if (what == WIRE_signed_header)
        return rig_proposal(2, RANK, says);
    high.seq = says;
    return rig_timeout(2, 5, high);
}

static const enum wire_id types[] = {WIRE_vote, WIRE_commit_vote, WIRE_timeout, WIRE_signed_header};

#endif
