/*
 * epoch_proof - why an epoch may begin: the link from one validator set to the next.
 *
 * Pure. PROTOCOL, "EpochProof" and "Epochs and recovery". Epoch e ends at its first
 * committed config block R, whose header names the next set by digest; R is the root of
 * e + 1. R is proven by a certificate of its own or of a descendant, never by either
 * alone: votes for R's certificate may have been lost for good. When more than f
 * validators are gone, the T0 set's signatures are the link instead.
 *
 * Whoever holds genesis and one proof per epoch after it knows every set.
 */
#ifndef APM2_EPOCH_PROOF_H
#define APM2_EPOCH_PROOF_H

#include "common/cert/cert.h"

/* One validator of a set. Its transport keys and address stand on its card. */
struct member {
    struct hash card; /* digest of the card's id: who it is, whatever its keys */
    struct key key;
    struct hash instance;
};

struct members {
    uint32_t n;
    struct member list[VALIDATORS_MAX]; /* by card id, bytewise */
};

/* At least one, and no card, key or instance twice. */
bool members_are_valid(const struct members *members);
/* The place of this key and instance, n if they are not pinned. */
uint32_t members_pin(const struct members *members, const struct key *key,
                     const struct hash *instance);
/* What a config block's header cites as `next_set`. */
struct hash members_digest(const struct members *members);
/* As in `card`. */
struct hash card_digest(struct span id);

/* T0 recovers: the cluster goes on from a block, in a later epoch, with another set. */
struct recovery {
    uint64_t epoch; /* that it opens */
    uint64_t height;
    struct hash block;
    struct hash state_root;
    struct hash set; /* digest of the members */
    uint32_t reason_size;
    char reason[RECOVERY_REASON_MAX]; /* for people */
    uint64_t signers;
    struct sig sigs[T0_KEYS_MAX];
};

enum epoch_proof_kind {
    EPOCH_PROOF_NONE = 0, /* epoch 1: genesis itself */
    EPOCH_PROOF_COMMIT = 1,
    EPOCH_PROOF_RECOVERY = 2,
};

#define EPOCH_PATH_MAX CHAIN_WINDOW

struct epoch_proof {
    enum epoch_proof_kind kind;
    struct wire_header root;                 /* COMMIT: the config block's */
    uint32_t n_path;                         /* COMMIT: 0 if `proof` is the root's own */
    struct wire_header path[EPOCH_PATH_MAX]; /* its child, ..., the block that is proven */
    struct commit_proof proof;               /* COMMIT */
    struct recovery recovery;                /* RECOVERY */
    struct members next;                     /* n = 0: not known yet */
};

/* What it opens, and on which block. MUST: not NONE. */
uint64_t epoch_proof_epoch(const struct epoch_proof *proof);
struct hash epoch_proof_root(const struct epoch_proof *proof);
uint64_t epoch_proof_height(const struct epoch_proof *proof);

/* Copies what is used and no more: a proof is large. */
void epoch_proof_copy(struct epoch_proof *to, const struct epoch_proof *from);

size_t statement_recovery(const struct hash *chain, const struct recovery *recovery,
                          uint8_t out[STATEMENT_BYTES_MAX]);

/* Whole: every header, digest and signature, against the set before. A recovery may skip
 * epochs, a commit may not. NONE proves nothing: MALFORMED. */
enum cert_verdict epoch_proof_verify(const struct validator_set *before,
                                     const struct epoch_proof *proof);

/* The set it opens; chain, T0 set and signature check are those of `before`. */
void epoch_proof_set(const struct validator_set *before, const struct epoch_proof *proof,
                     struct validator_set *ret_set);

/* What a joiner says before it may be taken in: it has committed up to (height, block). */
struct caught_up {
    uint64_t height;
    struct hash block;
    struct member who;
    struct sig signature;
};
size_t statement_caught_up(const struct hash *chain, const struct caught_up *caught_up,
                           uint8_t out[STATEMENT_BYTES_MAX]);
enum cert_verdict caught_up_verify(const struct validator_set *set,
                                   const struct caught_up *caught_up);

/* 0: does not fit. The form of NONE is no bytes at all. */
size_t epoch_proof_encode(const struct epoch_proof *proof, uint8_t *out, size_t capacity);
/* CERT_OK or CERT_MALFORMED. */
enum cert_verdict epoch_proof_decode(struct span bytes, struct epoch_proof *ret_proof);

#endif
