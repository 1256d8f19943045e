/*
 * expiry - which slot of a table runs out first: a heap by (time, key).
 *
 * Pure; the memory is the caller's, all zero at init. The key makes the order
 * total, so that equal states expire in equal order whatever their history.
 */
#ifndef APM2_AUTHORITY_EXPIRY_H
#define APM2_AUTHORITY_EXPIRY_H

#include "common/ids.h"

struct expiry_entry {
    uint64_t when_ms;
    uint32_t slot;
};

struct expiry {
    struct expiry_entry *heap; /* one per slot of the table */
    uint32_t *places;          /* by slot: index in heap + 1; 0: not in it */
    const struct hash *keys;   /* the table's */
    uint32_t n;
};

/* Puts the slot in, or moves it. */
void expiry_set(struct expiry *expiry, uint32_t slot, uint64_t when_ms);
/* Takes the slot out, if it is in. */
void expiry_remove(struct expiry *expiry, uint32_t slot);

/* The first slot that has run out by `now_ms`. False: none has. */
bool expiry_due(const struct expiry *expiry, uint64_t now_ms, uint32_t *ret_slot);

#endif
