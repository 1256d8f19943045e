/*
 * map - 64-bit digest -> 32-bit value, emptied in one step.
 *
 * Open addressing; a slot of an earlier generation counts as free. Digests are
 * taken for the things themselves: runs are far too short for a collision.
 */
#ifndef APM2_SIM_MAP_H
#define APM2_SIM_MAP_H

#include "common/must.h"

#include <stdbool.h>
#include <stdint.h>

#define MAP_SLOTS 16384u

struct map {
    uint32_t generation;
    uint32_t n;
    struct map_slot {
        uint64_t digest;
        uint32_t generation;
        uint32_t value;
    } slots[MAP_SLOTS];
};

static inline void map_clear(struct map *map)
{
    map->generation++;
    map->n = 0;
}

/* The value of the digest: found, or set to `value` (then ret_is_new). */
static inline uint32_t map_put(struct map *map, uint64_t digest, uint32_t value, bool *ret_is_new)
{
    uint32_t at = (uint32_t)(digest >> 40) % MAP_SLOTS;

    while (map->slots[at].generation == map->generation) {
        if (map->slots[at].digest == digest) {
            *ret_is_new = false;
            return map->slots[at].value;
        }
        at = (at + 1) % MAP_SLOTS;
    }
    MUST(map->n++ < MAP_SLOTS / 2);
    map->slots[at] = (struct map_slot){digest, map->generation, value};
    *ret_is_new = true;
    return value;
}

/* `missing` if the digest is not there. */
static inline uint32_t map_get(const struct map *map, uint64_t digest, uint32_t missing)
{
    uint32_t at = (uint32_t)(digest >> 40) % MAP_SLOTS;

    while (map->slots[at].generation == map->generation) {
        if (map->slots[at].digest == digest)
            return map->slots[at].value;
        at = (at + 1) % MAP_SLOTS;
    }
    return missing;
}

#endif
