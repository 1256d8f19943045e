/*
 * strikes - what peers did wrong, and for how long each is left alone.
 *
 * Pure. A strike is soft: the peer is asked again after STRIKE_BASE_MS, doubled for each
 * strike up to STRIKE_MAX_MS, and forgiven one strike for each answer that was right. So a
 * peer that was merely slow comes back, and a liar costs next to nothing.
 */
#ifndef APM2_ANTI_ENTROPY_STRIKES_H
#define APM2_ANTI_ENTROPY_STRIKES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"

#define STRIKE_BASE_MS 2000u
#define STRIKE_MAX_MS 300000u

/* X(NAME, text) */
#define STRIKE_REASONS(X)                                                                          \
    X(MALFORMED, "malformed")                                                                      \
    X(STRANGER, "author_unknown")                                                                  \
    X(BAD_SIGNATURE, "bad_signature")                                                              \
    X(BAD_RECORDS, "bad_records")                                                                  \
    X(BAD_BLOCKS, "bad_blocks")                                                                    \
    X(BAD_CERTIFICATE, "bad_certificate")                                                          \
    X(WITHHELD, "withheld")                                                                        \
    X(SLOW, "slow")

#define STRIKE_ENUM(name, text) STRIKE_##name,
enum strike_reason { STRIKE_NONE, STRIKE_REASONS(STRIKE_ENUM) STRIKE_END };
#undef STRIKE_ENUM

/* "none" for STRIKE_NONE. */
const char *strike_text(enum strike_reason reason);

struct strikes {
    struct strike_card {
        uint32_t n;        /* standing against it now */
        uint64_t total;    /* ever */
        uint64_t until_ms; /* left alone until then */
        enum strike_reason last;
    } peers[VALIDATORS_MAX];
};

void strikes_add(struct strikes *strikes, uint32_t peer, enum strike_reason reason,
                 uint64_t now_ms);
void strikes_forgive(struct strikes *strikes, uint32_t peer);
bool strikes_is_out(const struct strikes *strikes, uint32_t peer, uint64_t now_ms);

#endif
