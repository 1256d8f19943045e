/*
 * cert - statements validators sign, and the certificates a quorum of them makes.
 *
 * Pure. PROTOCOL, "Objects". A statement is a fixed-layout byte string (tag, zero
 * byte, chain id, fields as big-endian u64 and raw hashes), rebuilt from fields
 * and never decoded. A certificate is checked whole before any use: distinct
 * signers, all inside the set, a quorum of them, every signature good.
 *
 * Structs are sized for VALIDATORS_MAX; encoded forms grow with the set.
 */
#ifndef APM2_CERT_H
#define APM2_CERT_H

#include "common/ids.h"
#include "common/limits.h"
#include "common/wire.h"

/* n - f, for f = (n - 1) / 3: the honest suffice, and two quorums share more than f. */
uint32_t quorum_size(uint32_t n_validators);
uint32_t faulty_max(uint32_t n_validators);

/* Quorum certificate: a quorum of Votes on one statement. Signatures stand at
 * their signer's index; only those whose bit is set mean anything. */
struct qc {
    struct rank rank;
    struct hash block;
    struct hash parent;
    struct rank parent_rank;
    uint64_t signers;
    struct sig sigs[VALIDATORS_MAX];
};

/* Commit certificate: a quorum of CommitVotes. */
struct cc {
    struct rank rank;
    struct hash block;
    uint64_t signers;
    struct sig sigs[VALIDATORS_MAX];
};

/* Timeout certificate: a quorum of Timeouts for terms >= term, and a QC at least
 * as high as the highest any of them cites, of a term <= term. */
struct tc {
    struct term term;
    uint64_t signers;
    struct tc_timeout {
        uint64_t term;
        struct rank high;
        struct sig sig;
    } timeouts[VALIDATORS_MAX];
    struct qc high_qc;
};

enum entry_kind {
    ENTRY_NONE = 0,
    ENTRY_TC = 1,      /* the schedule's leader, after TC(term - 1) */
    ENTRY_HANDOFF = 2, /* the leader that block H named, after QC(H) */
    ENTRY_ROOT = 3,    /* the first term of an epoch: the epoch's root */
};

/* Why a term may begin. */
struct entry {
    enum entry_kind kind;
    struct tc tc;         /* ENTRY_TC */
    struct qc handoff_qc; /* ENTRY_HANDOFF */
    struct wire_header handoff_header;
};

enum certificate_kind {
    CERTIFICATE_QC = 1,
    CERTIFICATE_CC = 2,
    CERTIFICATE_ENTRY = 3,
    CERTIFICATE_EPOCH = 4, /* an epoch proof */
};

/* Why a block is committed: exactly one of the two (PROTOCOL, CC). */
struct commit_proof {
    bool is_child_qc;
    struct cc cc; /* !is_child_qc */
    struct qc qc; /* is_child_qc: of the child, same term, seq + 1 */
};

/* The block that a commit proof commits, and its rank. */
struct hash commit_proof_block(const struct commit_proof *proof);
struct rank commit_proof_rank(const struct commit_proof *proof);

/* ---- statements: return the length written to out ---- */
#define STATEMENT_BYTES_MAX 256u
size_t statement_vote(const struct hash *chain, const struct wire_vote *vote,
                      uint8_t out[STATEMENT_BYTES_MAX]);
size_t statement_commit_vote(const struct hash *chain, const struct wire_commit_vote *vote,
                             uint8_t out[STATEMENT_BYTES_MAX]);
size_t statement_timeout(const struct hash *chain, const struct wire_timeout *timeout,
                         uint8_t out[STATEMENT_BYTES_MAX]);
size_t statement_checkpoint(const struct hash *chain, const struct wire_checkpoint *checkpoint,
                            uint8_t out[STATEMENT_BYTES_MAX]);
/* Over chain id and block id. */
size_t statement_proposal(const struct hash *chain, const struct hash *block,
                          uint8_t out[STATEMENT_BYTES_MAX]);

/* ---- the set and how signatures are checked ---- */

/* Signature check, replaceable so that a simulator need not pay for ed25519. */
typedef bool (*sig_check_fn)(const struct key *key, struct span message, const struct sig *sig);

/* The real one. */
bool sig_check_ed25519(const struct key *key, struct span message, const struct sig *sig);

/* Who may end an epoch without its validators (epoch_proof.h). */
struct t0_set {
    uint32_t n, threshold;
    struct key keys[T0_KEYS_MAX];
};

/* The validators of one epoch, ordered by card id. */
struct validator_set {
    struct hash chain;
    uint64_t epoch;
    uint64_t offset;  /* first 8 bytes of the root's id, big endian, mod n */
    struct hash root; /* id of the epoch's root block: rank (epoch, 0, 0) */
    uint32_t n;
    struct key keys[VALIDATORS_MAX];
    struct t0_set t0;
    sig_check_fn check;
};

/* V_e[(t + offset_e) mod n]. */
uint32_t scheduled_leader(const struct validator_set *set, uint64_t term);

enum cert_verdict {
    CERT_OK,
    CERT_MALFORMED, /* record bytes, sizes, bits that do not agree */
    CERT_WRONG_EPOCH,
    CERT_STRANGER, /* a signer outside the set */
    CERT_NO_QUORUM,
    CERT_BAD_SIGNATURE,
    CERT_INCONSISTENT, /* ranks inside contradict one another */
};

const char *cert_verdict_text(enum cert_verdict verdict);

enum cert_verdict vote_verify(const struct validator_set *set, const struct wire_vote *vote);
enum cert_verdict commit_vote_verify(const struct validator_set *set,
                                     const struct wire_commit_vote *vote);
/* The signature and voter only; its QC is checked apart (qc_verify) and must have
 * the rank `high` and a term <= the timeout's. */
enum cert_verdict timeout_verify(const struct validator_set *set,
                                 const struct wire_timeout *timeout);
enum cert_verdict checkpoint_verify(const struct validator_set *set,
                                    const struct wire_checkpoint *checkpoint);

/* The epoch's root certificate: rank (e, 0, 0), block = root, no signers. It
 * stands wherever a QC of the root is asked for and verifies without signatures. */
struct qc qc_of_root(const struct validator_set *set);

enum cert_verdict qc_verify(const struct validator_set *set, const struct qc *qc);
enum cert_verdict cc_verify(const struct validator_set *set, const struct cc *cc);
/* Also its high_qc. */
enum cert_verdict tc_verify(const struct validator_set *set, const struct tc *tc);
/* A handoff: the QC, and that the header hashes to its block and names somebody.
 * ENTRY_NONE proves nothing: CERT_MALFORMED. */
enum cert_verdict entry_verify(const struct validator_set *set, const struct entry *entry);
enum cert_verdict commit_proof_verify(const struct validator_set *set,
                                      const struct commit_proof *proof);

/* ---- to and from records; encoders return 0 when out is too small. The form of
 * ENTRY_NONE is no bytes at all ---- */
size_t qc_encode(const struct qc *qc, uint8_t *out, size_t capacity);
size_t cc_encode(const struct cc *cc, uint8_t *out, size_t capacity);
size_t tc_encode(const struct tc *tc, uint8_t *out, size_t capacity);
size_t entry_encode(const struct entry *entry, uint8_t *out, size_t capacity);
size_t commit_proof_encode(const struct commit_proof *proof, uint8_t *out, size_t capacity);
/* CERT_OK or CERT_MALFORMED. n_sigs must equal the number of bits. */
enum cert_verdict qc_decode(struct span bytes, struct qc *ret_qc);
enum cert_verdict cc_decode(struct span bytes, struct cc *ret_cc);
enum cert_verdict tc_decode(struct span bytes, struct tc *ret_tc);
enum cert_verdict entry_decode(struct span bytes, struct entry *ret_entry);
enum cert_verdict commit_proof_decode(struct span bytes, struct commit_proof *ret_proof);

/* Digest of the encoded form, as headers cite it. Zero for ENTRY_NONE. */
struct hash qc_digest(const struct qc *qc);
struct hash entry_digest(const struct entry *entry);

/* offset_e: where the schedule of the epoch that `root` opens begins, among n. */
uint64_t schedule_offset(const struct hash *root, uint32_t n);

/* Header bytes and the block id that is their hash. */
size_t header_encode(const struct wire_header *header, uint8_t out[HEADER_BYTES_MAX]);
struct hash header_id(const struct wire_header *header);

#endif
