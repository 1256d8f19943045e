/*
 * signed_message - one statement that one validator signed, whatever its type.
 *
 * Pure. What evidence compares: `vote`, `commit_vote`, `timeout` without its QC, and
 * `signed_header` for a proposal, each as wire bytes. Two of them contradict one
 * another when one validator signed different statements where it may sign one only:
 * of one type, at one rank (a timeout's rank is its term, seq 0).
 *
 * Checkpoints are left out: their statement names no epoch, so that it cannot be said
 * whose key had to sign it.
 */
#ifndef APM2_SIGNED_MESSAGE_H
#define APM2_SIGNED_MESSAGE_H

#include "common/cert/cert.h"
#include "common/hash.h"

struct signed_message {
    enum wire_id what; /* WIRE_signed_header, WIRE_vote, WIRE_commit_vote, WIRE_timeout */
    uint64_t validator;
    struct rank rank;
    size_t statement_size;
    uint8_t statement[STATEMENT_BYTES_MAX]; /* what the signature covers */
};

/* Its bytes, at most. */
#define SIGNED_MESSAGE_BYTES_MAX 768u

/* Reads and checks it whole, the signature included. `chain` and keys are the set's. */
enum cert_verdict signed_message_read(const struct validator_set *set, struct span bytes,
                                      struct signed_message *ret_message);

/* The bytes to keep of a message as received; 0: does not fit. */
size_t signed_message_of_vote(const struct wire_vote *vote, uint8_t *out, size_t capacity);
size_t signed_message_of_commit_vote(const struct wire_commit_vote *vote, uint8_t *out,
                                     size_t capacity);
size_t signed_message_of_timeout(const struct wire_timeout *timeout, uint8_t *out, size_t capacity);
size_t signed_message_of_proposal(const struct wire_proposal *proposal, uint8_t *out,
                                  size_t capacity);

/* How their statements compare, as memcmp does. */
int signed_message_cmp(const struct signed_message *a, const struct signed_message *b);

/* One validator, one type, one rank: it may say one thing only. */
bool signed_message_is_alike(const struct signed_message *a, const struct signed_message *b);

#endif
