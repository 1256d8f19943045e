#include "services/consensus/authority/actor.h"
#include "services/consensus/authority/capability.h"
#include "services/consensus/authority/lease.h"

bool authority_next_nonce(const struct authority *authority, const struct key *actor,
                          uint64_t *ret_nonce)
{
    uint32_t slot = actor_find(authority, actor);
    if (slot == SLOT_NONE || authority->actors[slot].nonces.next == UINT64_MAX)
        return false;

    *ret_nonce = authority->actors[slot].nonces.next;
    return true;
}

bool authority_nonce_is_used(const struct authority *authority, const struct key *actor,
                             uint64_t nonce)
{
    uint32_t slot = actor_find(authority, actor);

    return slot != SLOT_NONE &&
           nonce_is_used(&authority->actors[slot].nonces, authority->limits.nonce_window, nonce);
}

bool authority_may(const struct authority *authority, const struct authority_question *question)
{
    const struct capability_need need = {
        .actor = actor_find(authority, &question->actor),
        .space = authority_space(authority, question->space),
        .type = question->type,
        .resource = question->resource,
        .time_ms = question->time_ms,
    };

    return need.actor != SLOT_NONE && need.space != SLOT_NONE &&
           capability_allows(authority, &need);
}

struct hash authority_schema_of(const struct authority *authority, enum event_type type)
{
    return type < EVENT_NONE ? authority->schemas[type] : (struct hash){{0}};
}

static struct lease_view view_lease(const struct authority *authority, uint32_t slot)
{
    const struct lease *lease = &authority->leases[slot];

    return (struct lease_view){
        .id = lease->id,
        .space = name_span(&authority->spaces[lease->space]),
        .resource = span_of(lease->resource, lease->resource_size),
        .holder = span_of(lease->holder, lease->holder_size),
        .issuer = lease->issuer,
        .issued_at_ms = lease->issued_at_ms,
        .renewed_at_ms = lease->renewed_at_ms,
        .expires_at_ms = lease->expires_at_ms,
        .n_renewals = lease->n_renewals,
    };
}

static struct capability_view view_capability(const struct authority *authority, uint32_t slot)
{
    const struct capability *capability = &authority->capabilities[slot];
    struct span parent = {NULL, 0};

    if (capability->parent != SLOT_NONE)
        parent = name_span(&authority->capabilities[capability->parent].id);
    return (struct capability_view){
        .space = name_span(&authority->spaces[capability->space]),
        .id = name_span(&capability->id),
        .parent = parent,
        .subject = authority->actors[capability->subject].key,
        .granter = capability->granter,
        .rights = capability->rights,
        .resource_prefix = span_of(capability->prefix, capability->prefix_size),
        .expires_at_ms = capability->expires_at_ms,
        .depth = capability->depth,
        .state = capability->state,
    };
}

bool authority_find_lease(const struct authority *authority, struct span space,
                          struct span resource, struct lease_view *ret_lease)
{
    uint32_t at = authority_space(authority, space);
    uint32_t slot = at == SLOT_NONE ? SLOT_NONE : lease_find(authority, at, resource);
    if (slot == SLOT_NONE)
        return false;

    *ret_lease = view_lease(authority, slot);
    return true;
}

bool authority_find_capability(const struct authority *authority, struct span space, struct span id,
                               struct capability_view *ret_capability)
{
    uint32_t at = authority_space(authority, space);
    uint32_t slot = at == SLOT_NONE ? SLOT_NONE : capability_find(authority, at, id);
    if (slot == SLOT_NONE)
        return false;

    *ret_capability = view_capability(authority, slot);
    return true;
}

bool authority_next_lease(const struct authority *authority, struct span space, uint32_t *cursor,
                          struct lease_view *ret_lease)
{
    uint32_t at = authority_space(authority, space);
    uint32_t slot = table_next(&authority->lease_table, *cursor);

    while (slot != SLOT_NONE && authority->leases[slot].space != at)
        slot = table_next(&authority->lease_table, slot + 1);
    if (slot == SLOT_NONE)
        return false;
    *ret_lease = view_lease(authority, slot);
    *cursor = slot + 1;
    return true;
}

bool authority_next_capability(const struct authority *authority, struct span space,
                               uint32_t *cursor, struct capability_view *ret_capability)
{
    uint32_t at = authority_space(authority, space);
    uint32_t slot = table_next(&authority->capability_table, *cursor);

    while (slot != SLOT_NONE && authority->capabilities[slot].space != at)
        slot = table_next(&authority->capability_table, slot + 1);
    if (slot == SLOT_NONE)
        return false;
    *ret_capability = view_capability(authority, slot);
    *cursor = slot + 1;
    return true;
}

static struct actor_view view_actor(const struct authority *authority, uint32_t slot)
{
    const struct actor *actor = &authority->actors[slot];
    struct actor_view view = {
        .key = actor->key,
        .next_nonce = actor->nonces.next,
        .is_rotated = actor->successor != SLOT_NONE,
        .rotated_at_ms = actor->rotated_at_ms,
    };

    if (view.is_rotated)
        view.successor = authority->actors[actor->successor].key;
    for (uint32_t space = 0; space < authority->n_spaces; space++) {
        uint32_t at = actor->capabilities[space];
        for (; at != SLOT_NONE; at = authority->capabilities[at].next_of_subject) {
            bool is_root = authority->capabilities[at].depth == 0;
            view.n_capabilities++;
            if (view.tier != ACTOR_TIER_2)
                view.tier = is_root ? ACTOR_TIER_2 : ACTOR_TIER_3;
        }
    }
    return view;
}

bool authority_find_actor(const struct authority *authority, const struct key *key,
                          struct actor_view *ret_actor)
{
    uint32_t slot = actor_find(authority, key);
    if (slot == SLOT_NONE)
        return false;

    *ret_actor = view_actor(authority, slot);
    return true;
}

bool authority_next_actor(const struct authority *authority, uint32_t *cursor,
                          struct actor_view *ret_actor)
{
    uint32_t slot = table_next(&authority->actor_table, *cursor);
    if (slot == SLOT_NONE)
        return false;

    *ret_actor = view_actor(authority, slot);
    *cursor = slot + 1;
    return true;
}

struct authority_counts authority_count(const struct authority *authority)
{
    return (struct authority_counts){
        .leases = authority->lease_table.n,
        .capabilities = authority->capability_table.n,
        .actors = authority->actor_table.n,
        .namespaces = authority->n_spaces,
        .limits = authority->limits,
    };
}
