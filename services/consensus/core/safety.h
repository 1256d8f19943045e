/*
 * safety - the safety record, and the only place that approves a signature.
 *
 * Pure. Linked into the core and into the signer child, which applies it to its
 * own record on disk: neither trusts the other. PROTOCOL, "Durability"; the shape
 * is Diem's safety-rules: verify, compare with the last, update, persist, sign.
 */
#ifndef APM2_SAFETY_H
#define APM2_SAFETY_H

#include "common/cert/epoch_proof.h"

struct safety_record {
    uint64_t counter;     /* of writes, compared only within one instance */
    struct hash instance; /* born with the key */
    struct key key;       /* epochs pin both, or nothing is signed in them */
    uint64_t epoch;       /* the newest entered; 0: born for an epoch that is to come */
    bool observing;       /* sync and serve, never sign */
    struct rank last_vote;
    struct hash last_vote_id;
    struct rank last_proposal;
    struct hash last_proposal_id;
    struct qc high_qc;
    struct entry entry;       /* of the current term */
    struct term timed_out;    /* no Vote or CommitVote in a term <= this, ever */
    struct rank timeout_high; /* what the last Timeout cites, and the QC itself */
    struct qc timeout_qc;
    struct epoch_proof proof; /* why `epoch` began: NONE in epoch 1. Without it a power cut could
                               * leave an epoch that nobody can prove */
};

/* The record of a new key of genesis: epoch 1, nothing signed, high QC = the root's. */
void safety_init(struct safety_record *record, const struct hash *instance,
                 const struct qc *root_qc);

/* Goes over to the epoch that the proof opens: its root is the high QC, no entry yet. What
 * was signed before ranks lower and stays. MUST: the epoch is above the record's. */
void safety_enter_epoch(struct safety_record *record, const struct epoch_proof *proof);

/* Does the record's epoch pin its key and instance? ret_index: as which validator. Epoch 1
 * is genesis' matter, where each key was born with its record: true, VALIDATORS_MAX. */
bool safety_is_pinned(const struct safety_record *record, uint32_t *ret_index);

enum intent_kind {
    INTENT_PROPOSAL = 1,
    INTENT_VOTE = 2,
    INTENT_COMMIT_VOTE = 3,
    INTENT_TIMEOUT = 4,
    INTENT_CHECKPOINT = 5,
};

/* One statement to sign, by its fields. */
struct intent {
    enum intent_kind kind;
    bool carries_entry; /* VOTE, PROPOSAL: the block is its term's first */
    union {
        struct {
            struct rank rank;
            struct hash block;
        } proposal;
        struct wire_vote vote;               /* signature unset */
        struct wire_commit_vote commit_vote; /* signature unset */
        struct wire_timeout timeout;         /* signature and high_qc unset */
        struct wire_checkpoint checkpoint;   /* signature unset */
    };
};

enum safety_verdict {
    SAFETY_OK,
    SAFETY_OBSERVING,
    SAFETY_WRONG_EPOCH,
    SAFETY_NOT_PINNED,    /* the epoch's set names another key or instance, or none */
    SAFETY_TIMED_OUT,     /* vote, commit vote or proposal in a term <= timed_out */
    SAFETY_RANK_TOO_LOW,  /* at or below the last one, and not that same block */
    SAFETY_TERM_ENTERED,  /* VOTE rule 2: first block of a term already voted in */
    SAFETY_QC_TOO_LOW,    /* a first Timeout citing less than the recorded high QC */
    SAFETY_OLDER_TIMEOUT, /* below timed_out, or other bytes for the same term */
    SAFETY_MALFORMED,
};

const char *safety_verdict_text(enum safety_verdict verdict);

/* May this be signed? If so, notes it in the record (not the counter, high QC,
 * entry or timeout_qc, which the caller sets). On refusal the record is untouched. */
enum safety_verdict safety_approve(struct safety_record *record, const struct intent *intent);

/* Takes high_qc, entry, timeout_qc from `from` where they are higher: never lowers. */
void safety_raise(struct safety_record *record, const struct safety_record *from);

/* Field-wise maximum of two records of one instance (Durability 2). A maximum only
 * restricts. The counter becomes the higher of the two. */
void safety_merge(struct safety_record *record, const struct safety_record *other);

/* The statement's bytes, to be signed. */
size_t intent_statement(const struct hash *chain, const struct intent *intent,
                        uint8_t out[STATEMENT_BYTES_MAX]);

/* To and from the bytes of a sign_request's intent blob (internal, not versioned). */
#define INTENT_BYTES_MAX 256u
size_t intent_encode(const struct intent *intent, uint8_t out[INTENT_BYTES_MAX]);
bool intent_decode(struct span bytes, struct intent *ret_intent);

/* The record as a `safety` wire record: at most RECORD_BYTES_MAX. 0: does not fit. */
size_t safety_encode(const struct safety_record *record, uint8_t *out, size_t capacity);
bool safety_decode(struct span bytes, struct safety_record *ret_record);

#endif
