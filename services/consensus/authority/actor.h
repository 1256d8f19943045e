/*
 * actor - the keys that may sign bundles, with the nonces they have used.
 *
 * Pure. Actors come with genesis or with their first capability and stay, because
 * their used nonces must not be forgotten.
 */
#ifndef APM2_AUTHORITY_ACTOR_H
#define APM2_AUTHORITY_ACTOR_H

#include "services/consensus/authority/state.h"

uint32_t actor_find(const struct authority *authority, const struct key *key);
/* Finds or makes it. SLOT_NONE: no room. */
uint32_t actor_add(struct authority *authority, const struct key *key);
/* Does what the key once signed for belong to the actor now: is it its key, or one
 * that was rotated, in one step or many, to it? */
bool actor_answers_to(const struct authority *authority, uint32_t slot, const struct key *key);
/* From now on `to` acts for `from`, whose key is never good again. */
void actor_succeed(struct authority *authority, uint32_t from, uint32_t to, uint64_t time_ms);
static inline bool actor_is_rotated(const struct authority *authority, uint32_t slot)
{
    return authority->actors[slot].successor != SLOT_NONE;
}
void actor_use_nonce(struct authority *authority, uint32_t slot, uint64_t nonce);
/* Takes every changed actor into the map. */
void actor_flush(struct authority *authority);

#endif
