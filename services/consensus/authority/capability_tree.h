/*
 * capability_tree - capabilities' slots, their tree and their subjects' lists.
 *
 * Pure; private to capability.c. Says nothing about who may do what.
 */
#ifndef APM2_AUTHORITY_CAPABILITY_TREE_H
#define APM2_AUTHORITY_CAPABILITY_TREE_H

#include "services/consensus/authority/state.h"

/* What is to be made; `parent` SLOT_NONE for a root. */
struct capability_plan {
    struct span id;
    uint32_t space;
    struct key subject;
    struct key granter;
    struct rights rights;
    uint64_t expires_at_ms;
    struct span prefix;
    uint32_t parent;
};

struct hash capability_key(const struct authority *authority, uint32_t space, struct span id);

/* Makes it, its subject an actor if need be. False, with nothing changed but ended
 * ones forgotten: no room. The id is free (MUST). */
bool capability_make(struct authority *authority, const struct capability_plan *plan);

/* All that one actor holds is the other's, who holds nothing (MUST). */
void capability_move(struct authority *authority, uint32_t from, uint32_t to);

/* Ends a live one and all below it. */
void capability_end(struct authority *authority, uint32_t slot, enum capability_state state);

#endif
