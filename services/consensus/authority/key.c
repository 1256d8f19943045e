#include "services/consensus/authority/key.h"

#include "common/cert/cert.h"
#include "common/rotation.h"
#include "services/consensus/authority/actor.h"
#include "services/consensus/authority/capability.h"
#include "services/consensus/authority/capability_tree.h"

static bool is_proved(const struct act *act, uint32_t old)
{
    const struct payload_KeyRotated *asked = &act->payload->KeyRotated;
    const struct rotation rotation = {*act->chain, act->authority->actors[old].key, asked->new_key};
    uint8_t statement[ROTATION_BYTES];

    rotation_statement(&rotation, statement);
    return sig_check_ed25519(&asked->new_key, span_of(statement, sizeof(statement)),
                             &asked->possession);
}

/* Whose key is replaced, when the signer may do it. */
static enum outcome find_old(const struct act *act, uint32_t *ret_old)
{
    const struct key *asked = &act->payload->KeyRotated.old_key;
    if (key_is_zero(asked) || key_eq(asked, &act->authority->actors[act->actor].key)) {
        *ret_old = act->actor;
        return OUTCOME_APPLIED;
    }

    uint32_t old = actor_find(act->authority, asked);
    if (old == SLOT_NONE)
        return OUTCOME_UNKNOWN_ACTOR;
    if (actor_is_rotated(act->authority, old))
        return OUTCOME_KEY_ROTATED_AWAY;
    if (!capability_all_below(act->authority, act->actor, old))
        return OUTCOME_KEY_NOT_OWNER;
    *ret_old = old;
    return OUTCOME_APPLIED;
}

enum outcome key_rotate(const struct act *act)
{
    const struct key *new_key = &act->payload->KeyRotated.new_key;
    uint32_t old = SLOT_NONE;
    enum outcome outcome = find_old(act, &old);
    if (outcome != OUTCOME_APPLIED)
        return outcome;
    if (actor_find(act->authority, new_key) != SLOT_NONE)
        return OUTCOME_KEY_IN_USE;
    if (!is_proved(act, old))
        return OUTCOME_KEY_NOT_PROVED;

    uint32_t new = actor_add(act->authority, new_key);
    if (new == SLOT_NONE)
        return OUTCOME_STATE_FULL;
    capability_move(act->authority, old, new);
    actor_succeed(act->authority, old, new, act->time_ms);
    return OUTCOME_APPLIED;
}
