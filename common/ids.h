/*
 * ids - the small values everything speaks in: hashes, keys, signatures, ranks.
 *
 * Pure, all inline. Byte order in memory is the byte order on the wire.
 */
#ifndef APM2_IDS_H
#define APM2_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct hash { /* BLAKE2b-256 */
    uint8_t b[32];
};

struct key { /* ed25519 public key */
    uint8_t b[32];
};

struct sig { /* ed25519 signature */
    uint8_t b[64];
};

/* Borrowed bytes: whoever made the span owns them. */
struct span {
    const uint8_t *data;
    size_t size;
};

/* A term of an epoch: one leader's reign (PROTOCOL, head). */
struct term {
    uint64_t epoch;
    uint64_t term;
};

/* Where a block stands. Compared lexicographically; height takes no part. */
struct rank {
    uint64_t epoch;
    uint64_t term;
    uint64_t seq;
};

static inline bool hash_eq(const struct hash *a, const struct hash *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline bool hash_is_zero(const struct hash *hash)
{
    static const struct hash zero = {{0}};
    return hash_eq(hash, &zero);
}

static inline bool key_eq(const struct key *a, const struct key *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* Nobody's key: stands for "none". */
static inline bool key_is_zero(const struct key *key)
{
    static const struct key zero = {{0}};
    return key_eq(key, &zero);
}

static inline int u64_cmp(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static inline int term_cmp(struct term a, struct term b)
{
    int by_epoch = u64_cmp(a.epoch, b.epoch);
    return by_epoch != 0 ? by_epoch : u64_cmp(a.term, b.term);
}

static inline struct term rank_term(struct rank rank)
{
    return (struct term){rank.epoch, rank.term};
}

static inline int rank_cmp(struct rank a, struct rank b)
{
    int by_term = term_cmp(rank_term(a), rank_term(b));
    return by_term != 0 ? by_term : u64_cmp(a.seq, b.seq);
}

static inline bool rank_eq(struct rank a, struct rank b)
{
    return rank_cmp(a, b) == 0;
}

static inline struct span span_of(const void *data, size_t size)
{
    return (struct span){(const uint8_t *)data, size};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#endif
