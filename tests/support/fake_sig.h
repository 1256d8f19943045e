/*
 * fake_sig - signatures that cost nothing, for tests that make millions of them.
 *
 * A 64-bit keyed mix of the message, repeated to 64 bytes. The key is both halves
 * of the pair: nobody in a test forges on purpose, and any change of key or
 * message changes the signature. All inline; plugs into validator_set.check.
 */
#ifndef APM2_TESTS_FAKE_SIG_H
#define APM2_TESTS_FAKE_SIG_H

#include "common/ids.h"

static inline uint64_t fake_mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return state ^ state >> 29;
}

static inline uint64_t fake_digest(uint64_t state, struct span bytes)
{
    uint64_t word = 0;
    size_t at = 0;

    for (; at + sizeof(word) <= bytes.size; at += sizeof(word)) {
        memcpy(&word, bytes.data + at, sizeof(word));
        state = fake_mix(state, word);
    }
    word = bytes.size;
    for (; at < bytes.size; at++)
        word = word << 8 | bytes.data[at];
    state = fake_mix(state, word);
    return fake_mix(state, state >> 32);
}

static inline struct sig fake_sign(const struct key *key, struct span message)
{
    struct sig sig;
    uint64_t seed = fake_digest(UINT64_C(0x61706d32), span_of(key->b, sizeof(key->b)));
    uint64_t digest = fake_digest(seed, message);

    for (size_t at = 0; at < sizeof(sig.b); at += sizeof(digest))
        memcpy(sig.b + at, &digest, sizeof(digest));
    return sig;
}

/* A sig_check_fn. */
static inline bool fake_check(const struct key *key, struct span message, const struct sig *sig)
{
    struct sig want = fake_sign(key, message);
    return memcmp(want.b, sig->b, sizeof(want.b)) == 0;
}

/* The key of validator `index`. */
static inline struct key fake_key(uint32_t index)
{
    struct key key = {{0}};
    memcpy(key.b, &index, sizeof(index));
    key.b[31] = 1;
    return key;
}

#endif
