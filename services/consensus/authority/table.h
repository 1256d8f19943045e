/*
 * table - numbered slots found by hash, open addressing with linear probing.
 *
 * Pure; cells and keys are the caller's memory, all zero at init. A slot number is
 * good from table_add to table_remove; slots are given out lowest first or last
 * freed first, so that equal histories give equal numbers. At most half of the
 * cells are ever used.
 */
#ifndef APM2_AUTHORITY_TABLE_H
#define APM2_AUTHORITY_TABLE_H

#include "common/ids.h"

#define SLOT_NONE UINT32_MAX

struct table {
    struct hash *keys;   /* by slot; zero: free */
    uint32_t *next_free; /* by slot */
    uint32_t *cells;     /* slot + 1; 0: empty */
    uint32_t n_cells;    /* a power of two */
    uint32_t capacity;   /* slots */
    uint32_t n;          /* slots in use */
    uint32_t n_touched;  /* slots ever in use */
    uint32_t free_list;  /* SLOT_NONE: none */
};

/* How many cells a table of this capacity wants. */
uint32_t table_cells(uint32_t capacity);

uint32_t table_find(const struct table *table, const struct hash *key);

/* A slot for a key that is not there (MUST). SLOT_NONE: full. */
uint32_t table_add(struct table *table, const struct hash *key);
void table_remove(struct table *table, uint32_t slot);

/* The first slot in use at or after `slot`, SLOT_NONE after the last. */
uint32_t table_next(const struct table *table, uint32_t slot);

static inline bool table_is_full(const struct table *table)
{
    return table->n == table->capacity;
}

#endif
