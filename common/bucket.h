/*
 * bucket - a token bucket: so much per second, and no more than one second's at once.
 *
 * Pure; the caller brings the time.
 */
#ifndef APM2_BUCKET_H
#define APM2_BUCKET_H

#include "common/ids.h"

#define BUCKET_RATE_MAX (1ull << 40)

struct bucket {
    uint64_t per_s; /* at most BUCKET_RATE_MAX */
    uint64_t tokens;
    uint64_t filled_us; /* tokens are counted up to here */
};

static inline struct bucket bucket_full(uint64_t per_s, uint64_t now_us)
{
    return (struct bucket){per_s, per_s, now_us};
}

static inline void bucket_fill(struct bucket *bucket, uint64_t now_us)
{
    uint64_t passed_us = now_us > bucket->filled_us ? now_us - bucket->filled_us : 0;
    if (passed_us >= 1000000) {
        *bucket = bucket_full(bucket->per_s, now_us);
        return;
    }
    uint64_t gained = passed_us * bucket->per_s / 1000000;
    if (gained == 0)
        return; /* the time stays on the account until it is worth a token */
    bucket->filled_us += gained * 1000000 / bucket->per_s;
    bucket->tokens += gained;
    if (bucket->tokens > bucket->per_s)
        bucket->tokens = bucket->per_s;
}

/* False: not enough there, and nothing taken. */
static inline bool bucket_take(struct bucket *bucket, uint64_t n, uint64_t now_us)
{
    bucket_fill(bucket, now_us);
    if (bucket->tokens < n)
        return false;
    bucket->tokens -= n;
    return true;
}

#endif
