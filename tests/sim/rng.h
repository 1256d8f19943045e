/*
 * rng - the only source of chance in a run: one seed, one stream (splitmix64).
 */
#ifndef APM2_SIM_RNG_H
#define APM2_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 .. n - 1; n > 0. */
static inline uint32_t rng_below(struct rng *rng, uint32_t n)
{
    return (uint32_t)((rng_next(rng) >> 32) * n >> 32);
}

/* low .. high, both included. */
static inline uint64_t rng_between(struct rng *rng, uint32_t low, uint32_t high)
{
    return low + rng_below(rng, high - low + 1);
}

/* True in `per_mille` of 1000 cases. */
static inline bool rng_chance(struct rng *rng, uint32_t per_mille)
{
    return per_mille > 0 && rng_below(rng, 1000) < per_mille;
}

#endif
