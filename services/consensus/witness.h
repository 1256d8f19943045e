/*
 * witness - what each validator signed lately, so that a second, different statement at
 * the same rank finds the first, and an old message that comes again is known.
 *
 * Memory only, all of it taken at the start: a direct-mapped table per validator and
 * type, where a newer rank takes an older one's place. Takes messages whose signature is
 * checked (signed_message.h says their form); it judges, the caller reports. A message is
 * never refused for being known: an equivocation must not hide behind a replay.
 */
#ifndef APM2_WITNESS_H
#define APM2_WITNESS_H

#include "common/evidence/signed_message.h"

/* A message is old once its validator has signed at a higher rank for this long. What
 * honest validators send again is their newest; links keep the order. */
#define WITNESS_OLD_MS 5000u

enum witness_verdict {
    WITNESS_NEW,
    WITNESS_AGAIN,    /* the same bytes: a resend */
    WITNESS_REPLAYED, /* the same bytes, long overtaken */
    WITNESS_DIFFERS,  /* other bytes at this rank: look whether they contradict */
};

struct witness;

struct witness *witness_new(uint32_t n_validators);
void witness_destroy(struct witness **witness);

/* What is said, by whom, and its bytes as evidence keeps them. */
struct witnessed {
    enum wire_id what;
    uint64_t validator;
    struct rank rank;
    struct span bytes;
};

/* DIFFERS: ret_earlier is what stands at that rank, good until the next call; it stays. */
enum witness_verdict witness_see(struct witness *witness, const struct witnessed *seen,
                                 uint64_t now_ms, struct span *ret_earlier);

/* What this validator signed at this rank; empty when not known (any more). */
struct span witness_find(const struct witness *witness, enum wire_id what, uint64_t validator,
                         struct rank rank);

/* Messages remembered. */
uint64_t witness_n(const struct witness *witness);

#endif
