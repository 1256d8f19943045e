/*
 * capability - what an actor may do in a namespace, and what it passed on.
 *
 * Pure. Roots come with genesis; every other capability is cut from one above it
 * and allows a subset: rights, expiry, resource prefix. Ending one ends all below.
 * Ended ones are kept, so that their ids stay taken and what is asked of them is
 * answered precisely, until their room is needed: oldest first.
 */
#ifndef APM2_AUTHORITY_CAPABILITY_H
#define APM2_AUTHORITY_CAPABILITY_H

#include "services/consensus/authority/state.h"

/* Handlers return the outcome and change nothing unless it is APPLIED. */
enum outcome capability_grant(const struct act *act);
enum outcome capability_delegate(const struct act *act);
enum outcome capability_revoke(const struct act *act);

/* A genesis root. False: no room, or the id is taken. */
bool capability_root(struct authority *authority, const struct authority_grant *grant);

/* Ends what has run out by now, at most `max` and what is below them. */
void capability_sweep(struct authority *authority, uint64_t now_ms, uint32_t max);

/* Does the actor own one above every live capability of the other, which has some? */
bool capability_all_below(const struct authority *authority, uint32_t actor, uint32_t other);

uint32_t capability_find(const struct authority *authority, uint32_t space, struct span id);

/* Does one live capability of the actor cover type and resource (size 0: none)? */
struct capability_need {
    uint32_t actor;
    uint32_t space;
    enum event_type type;
    struct span resource;
    uint64_t time_ms;
};
bool capability_allows(const struct authority *authority, const struct capability_need *need);

#endif
