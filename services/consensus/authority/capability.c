#include "services/consensus/authority/capability.h"

#include "services/consensus/authority/actor.h"
#include "services/consensus/authority/capability_tree.h"

uint32_t capability_find(const struct authority *authority, uint32_t space, struct span id)
{
    struct hash key = capability_key(authority, space, id);
    return table_find(&authority->capability_table, &key);
}

/* Is everything that starts with `part` also what starts with `whole`? */
static bool starts_with(struct span part, struct span whole)
{
    return part.size >= whole.size && span_eq(span_of(part.data, whole.size), whole);
}

static struct span prefix_of(const struct capability *capability)
{
    return span_of(capability->prefix, capability->prefix_size);
}

/* The sweep is bounded: what has run out may still wait for it. */
static bool has_lapsed(const struct capability *capability, uint64_t time_ms)
{
    return capability->expires_at_ms != 0 && capability->expires_at_ms <= time_ms;
}

bool capability_allows(const struct authority *authority, const struct capability_need *need)
{
    uint32_t slot = authority->actors[need->actor].capabilities[need->space];

    while (slot != SLOT_NONE) {
        const struct capability *capability = &authority->capabilities[slot];
        bool is_about =
            need->resource.size == 0 || starts_with(need->resource, prefix_of(capability));
        if (is_about && rights_allow(capability->rights, need->type) &&
            !has_lapsed(capability, need->time_ms))
            return true;
        slot = capability->next_of_subject;
    }
    return false;
}

/* What a grant and a delegation have in common: the part that is asked for. */
static bool plan_of(const struct act *act, const struct payload_CapabilityGranted *asked,
                    struct capability_plan *ret_plan)
{
    struct capability_plan plan = {
        .id = asked->capability_id,
        .space = act->space,
        .subject = asked->subject,
        .granter = act->authority->actors[act->actor].key,
        .expires_at_ms = asked->expires_at_ms,
        .prefix = asked->resource_prefix,
        .parent = SLOT_NONE,
    };

    if (!rights_parse(&asked->rights, &plan.rights))
        return false;
    *ret_plan = plan;
    return true;
}

/* What is not asked for comes from above. */
static struct capability_plan inherit(const struct capability_plan *plan,
                                      const struct capability *above)
{
    struct capability_plan whole = *plan;

    if (whole.expires_at_ms == 0)
        whole.expires_at_ms = above->expires_at_ms;
    if (whole.prefix.size == 0)
        whole.prefix = prefix_of(above);
    return whole;
}

static bool is_subset(const struct capability_plan *plan, const struct capability *above)
{
    bool ends_in_time = above->expires_at_ms == 0 || plan->expires_at_ms <= above->expires_at_ms;

    return ends_in_time && rights_cover(above->rights, plan->rights) &&
           starts_with(plan->prefix, prefix_of(above));
}

static bool actor_is_gone(const struct authority *authority, const struct key *key)
{
    uint32_t slot = actor_find(authority, key);
    return slot != SLOT_NONE && actor_is_rotated(authority, slot);
}

/* Makes the plan come true, cut from the live capability `from`. */
static enum outcome cut(const struct act *act, uint32_t from, const struct capability_plan *asked)
{
    struct authority *authority = act->authority;
    const struct capability *above = &authority->capabilities[from];
    struct capability_plan plan = inherit(asked, above);
    plan.parent = from;

    if (!is_subset(&plan, above))
        return OUTCOME_CAPABILITY_NOT_SUBSET;
    if (above->depth == DELEGATION_DEPTH_MAX)
        return OUTCOME_CAPABILITY_TOO_DEEP;
    if (plan.expires_at_ms != 0 && plan.expires_at_ms <= act->time_ms)
        return OUTCOME_CAPABILITY_EXPIRED;
    if (capability_find(authority, act->space, plan.id) != SLOT_NONE)
        return OUTCOME_CAPABILITY_EXISTS;
    if (actor_is_gone(authority, &plan.subject))
        return OUTCOME_KEY_ROTATED_AWAY;
    return capability_make(authority, &plan) ? OUTCOME_APPLIED : OUTCOME_STATE_FULL;
}

/* The granter's first live capability that may grant and covers the plan. */
static uint32_t find_source(const struct act *act, const struct capability_plan *asked)
{
    const struct authority *authority = act->authority;
    uint32_t slot = authority->actors[act->actor].capabilities[act->space];

    while (slot != SLOT_NONE) {
        const struct capability *capability = &authority->capabilities[slot];
        struct capability_plan plan = inherit(asked, capability);
        if (rights_allow(capability->rights, EVENT_CapabilityGranted) &&
            !has_lapsed(capability, act->time_ms) && is_subset(&plan, capability))
            return slot;
        slot = capability->next_of_subject;
    }
    return SLOT_NONE;
}

enum outcome capability_grant(const struct act *act)
{
    struct capability_plan plan;
    if (!plan_of(act, &act->payload->CapabilityGranted, &plan))
        return OUTCOME_BAD_PAYLOAD;

    uint32_t from = find_source(act, &plan);
    return from == SLOT_NONE ? OUTCOME_CAPABILITY_NOT_SUBSET : cut(act, from, &plan);
}

/* Whether the named capability can be used or ended at all. */
static enum outcome look_up(const struct act *act, struct span id, uint32_t *ret_slot)
{
    uint32_t slot = capability_find(act->authority, act->space, id);
    if (slot == SLOT_NONE)
        return OUTCOME_CAPABILITY_NOT_FOUND;

    const struct capability *capability = &act->authority->capabilities[slot];
    if (capability->state == CAPABILITY_ENDED_REVOKED)
        return OUTCOME_CAPABILITY_REVOKED;
    if (capability->state == CAPABILITY_ENDED_EXPIRED || has_lapsed(capability, act->time_ms))
        return OUTCOME_CAPABILITY_EXPIRED;
    *ret_slot = slot;
    return OUTCOME_APPLIED;
}

enum outcome capability_delegate(const struct act *act)
{
    const struct payload_CapabilityDelegated *asked = &act->payload->CapabilityDelegated;
    const struct payload_CapabilityGranted part = {
        .capability_id = asked->capability_id,
        .subject = asked->subject,
        .rights = asked->rights,
        .expires_at_ms = asked->expires_at_ms,
        .resource_prefix = asked->resource_prefix,
    };
    struct capability_plan plan;
    if (!plan_of(act, &part, &plan))
        return OUTCOME_BAD_PAYLOAD;

    uint32_t from;
    enum outcome outcome = look_up(act, asked->from, &from);
    if (outcome != OUTCOME_APPLIED)
        return outcome;

    const struct capability *above = &act->authority->capabilities[from];
    if (above->subject != act->actor)
        return OUTCOME_CAPABILITY_NOT_OWNER;
    if (!rights_allow(above->rights, EVENT_CapabilityDelegated))
        return OUTCOME_NO_RIGHT;
    return cut(act, from, &plan);
}

/* Does the actor own it, or one above it? */
static bool owns_from(const struct authority *authority, uint32_t actor, uint32_t slot)
{
    while (slot != SLOT_NONE) {
        const struct capability *capability = &authority->capabilities[slot];
        if (capability->subject == actor)
            return true;
        slot = capability->parent;
    }
    return false;
}

bool capability_all_below(const struct authority *authority, uint32_t actor, uint32_t other)
{
    uint32_t n = 0;

    for (uint32_t space = 0; space < authority->n_spaces; space++) {
        uint32_t slot = authority->actors[other].capabilities[space];
        for (; slot != SLOT_NONE; slot = authority->capabilities[slot].next_of_subject, n++) {
            if (!owns_from(authority, actor, authority->capabilities[slot].parent))
                return false;
        }
    }
    return n > 0;
}

enum outcome capability_revoke(const struct act *act)
{
    uint32_t slot;
    enum outcome outcome = look_up(act, act->payload->CapabilityRevoked.capability_id, &slot);
    if (outcome != OUTCOME_APPLIED)
        return outcome;
    if (!owns_from(act->authority, act->actor, slot))
        return OUTCOME_CAPABILITY_NOT_OWNER;
    /* A root comes with genesis. Were it revocable, one slip of its owner would
     * leave a namespace that nobody can ever act in. */
    if (act->authority->capabilities[slot].parent == SLOT_NONE)
        return OUTCOME_NO_RIGHT;
    capability_end(act->authority, slot, CAPABILITY_ENDED_REVOKED);
    return OUTCOME_APPLIED;
}

bool capability_root(struct authority *authority, const struct authority_grant *grant)
{
    const struct capability_plan plan = {
        .id = grant->id,
        .space = authority_space(authority, grant->space),
        .subject = grant->actor,
        .granter = grant->actor,
        .rights = grant->rights,
        .parent = SLOT_NONE,
    };

    return capability_find(authority, plan.space, plan.id) == SLOT_NONE &&
           capability_make(authority, &plan);
}

void capability_sweep(struct authority *authority, uint64_t now_ms, uint32_t max)
{
    uint32_t slot;

    for (uint32_t n = 0; n < max; n++) {
        if (!expiry_due(&authority->capability_expiry, now_ms, &slot))
            return;
        capability_end(authority, slot, CAPABILITY_ENDED_EXPIRED);
    }
}
