/*
 * arena - one piece of memory, cut up once.
 *
 * With no memory (base NULL) it only counts: the same function that lays things
 * out says how much they need, so the two cannot differ.
 */
#ifndef APM2_AUTHORITY_ARENA_H
#define APM2_AUTHORITY_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGN 64u

struct arena {
    uint8_t *base;
    size_t used;
};

/* n pieces of `size` bytes, aligned; NULL when counting. */
static inline void *arena_take(struct arena *arena, size_t n, size_t size)
{
    size_t at = (arena->used + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;

    arena->used = at + n * size;
    return arena->base == NULL ? NULL : arena->base + at;
}

#endif
