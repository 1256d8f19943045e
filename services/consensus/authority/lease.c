#include "services/consensus/authority/lease.h"

#include "common/hash.h"
#include "services/consensus/authority/actor.h"

#define LEASE_TAG "apm2/lease/1"
#define LEASE_STATE_TAG "apm2/lease-state/1"

static struct span resource_of(const struct lease *lease)
{
    return span_of(lease->resource, lease->resource_size);
}

static struct span holder_of(const struct lease *lease)
{
    return span_of(lease->holder, lease->holder_size);
}

static struct hash key_of(const struct authority *authority, uint32_t space, struct span resource)
{
    return entry_key(LEASE_TAG, name_span(&authority->spaces[space]), resource);
}

uint32_t lease_find(const struct authority *authority, uint32_t space, struct span resource)
{
    struct hash key = key_of(authority, space, resource);
    return table_find(&authority->lease_table, &key);
}

static void put(struct authority *authority, uint32_t slot)
{
    const struct lease *lease = &authority->leases[slot];
    uint8_t bytes[512];
    struct writer writer = writer_of(bytes, sizeof(bytes));

    writer_bin(&writer, span_of(lease->id.b, sizeof(lease->id.b)));
    writer_bin(&writer, span_of(lease->issuer.b, sizeof(lease->issuer.b)));
    writer_str(&writer, holder_of(lease));
    writer_u64(&writer, lease->issued_at_ms);
    writer_u64(&writer, lease->renewed_at_ms);
    writer_u64(&writer, lease->expires_at_ms);
    writer_u64(&writer, lease->n_renewals);
    authority_put(authority, &authority->lease_table.keys[slot], LEASE_STATE_TAG, &writer);
}

static void drop(struct authority *authority, uint32_t slot)
{
    smap_remove(&authority->map, &authority->lease_table.keys[slot]);
    expiry_remove(&authority->lease_expiry, slot);
    table_remove(&authority->lease_table, slot);
}

static struct event_head head_of(const struct authority *authority, enum event_type type,
                                 const struct derived *derived)
{
    return (struct event_head){type, authority->schemas[type], derived->time_ms, 0};
}

static void expire(struct authority *authority, struct derived *derived, uint32_t slot)
{
    const struct lease *lease = &authority->leases[slot];
    const struct event_head head = head_of(authority, EVENT_LeaseExpired, derived);
    const union event_payload payload = {.LeaseExpired = {.resource = resource_of(lease),
                                                          .lease_id = lease->id,
                                                          .holder = holder_of(lease),
                                                          .expired_at_ms = lease->expires_at_ms}};

    derived_add(derived, name_span(&authority->spaces[lease->space]), &head, &payload);
    drop(authority, slot);
}

void lease_sweep(struct authority *authority, struct derived *derived, uint32_t max)
{
    uint32_t slot;

    for (uint32_t n = 0; n < max; n++) {
        if (!expiry_due(&authority->lease_expiry, derived->time_ms, &slot))
            return;
        expire(authority, derived, slot);
    }
}

static void note_conflict(const struct act *act, const struct lease *lease)
{
    const struct event_head head = head_of(act->authority, EVENT_LeaseConflict, act->derived);
    const union event_payload payload = {
        .LeaseConflict = {.resource = resource_of(lease),
                          .lease_id = lease->id,
                          .holder = holder_of(lease),
                          .claimant = act->payload->LeaseIssued.holder}};

    derived_add(act->derived, name_span(&act->authority->spaces[act->space]), &head, &payload);
}

static struct hash id_of(const struct act *act)
{
    uint8_t position[8];
    for (unsigned int i = 0; i < sizeof(position); i++)
        position[i] = (uint8_t)(act->position >> (56 - 8 * i));

    const struct span parts[] = {span_of(act->bundle->b, sizeof(act->bundle->b)),
                                 span_of(position, sizeof(position))};
    return hash_tagged("apm2/lease-id/1", parts, N_ELEMENTS(parts));
}

static uint64_t end_of(const struct act *act, uint64_t ttl_ms)
{
    return act->time_ms > UINT64_MAX - ttl_ms ? UINT64_MAX : act->time_ms + ttl_ms;
}

static void make(const struct act *act, uint32_t slot)
{
    struct authority *authority = act->authority;
    const struct payload_LeaseIssued *asked = &act->payload->LeaseIssued;
    struct lease *lease = &authority->leases[slot];

    *lease = (struct lease){
        .id = id_of(act),
        .issuer = authority->actors[act->actor].key,
        .space = act->space,
        .resource_size = (uint32_t)asked->resource.size,
        .holder_size = (uint32_t)asked->holder.size,
        .issued_at_ms = act->time_ms,
        .renewed_at_ms = act->time_ms,
        .expires_at_ms = end_of(act, asked->ttl_ms),
    };
    memcpy(lease->resource, asked->resource.data, asked->resource.size);
    memcpy(lease->holder, asked->holder.data, asked->holder.size);
    expiry_set(&authority->lease_expiry, slot, lease->expires_at_ms);
    put(authority, slot);
}

enum outcome lease_issue(const struct act *act)
{
    struct authority *authority = act->authority;
    struct hash key = key_of(authority, act->space, act->payload->LeaseIssued.resource);
    uint32_t slot = table_find(&authority->lease_table, &key);

    if (slot != SLOT_NONE) {
        if (authority->leases[slot].expires_at_ms > act->time_ms) {
            note_conflict(act, &authority->leases[slot]);
            return OUTCOME_LEASE_CONFLICT;
        }
        expire(authority, act->derived, slot);
    }
    /* The sweep is bounded, so lapsed leases may still take the room. */
    if (table_is_full(&authority->lease_table))
        lease_sweep(authority, act->derived, 1);

    slot = table_add(&authority->lease_table, &key);
    if (slot == SLOT_NONE)
        return OUTCOME_STATE_FULL;
    make(act, slot);
    return OUTCOME_APPLIED;
}

/* A holder that is an actor's key in hex. */
static bool is_held_by(const struct authority *authority, const struct lease *lease, uint32_t actor)
{
    struct span holder = holder_of(lease);
    char hex[2 * sizeof(struct key) + 1] = "";
    struct key key;

    if (holder.size != sizeof(hex) - 1)
        return false;
    memcpy(hex, holder.data, holder.size);
    return hex_decode(hex, sizeof(key.b), key.b) && actor_answers_to(authority, actor, &key);
}

/* The lease that a renewal or release is about, when the actor may touch it. */
static enum outcome look_up(const struct act *act, struct span resource, const struct hash *id,
                            uint32_t *ret_slot)
{
    const struct authority *authority = act->authority;
    uint32_t slot = lease_find(authority, act->space, resource);
    if (slot == SLOT_NONE)
        return OUTCOME_LEASE_NOT_FOUND;

    const struct lease *lease = &authority->leases[slot];
    if (!hash_is_zero(id) && !hash_eq(id, &lease->id))
        return OUTCOME_LEASE_NOT_FOUND;
    if (lease->expires_at_ms <= act->time_ms)
        return OUTCOME_LEASE_LAPSED;

    if (!actor_answers_to(authority, act->actor, &lease->issuer) &&
        !is_held_by(authority, lease, act->actor))
        return OUTCOME_LEASE_NOT_HOLDER;
    *ret_slot = slot;
    return OUTCOME_APPLIED;
}

enum outcome lease_renew(const struct act *act)
{
    const struct payload_LeaseRenewed *asked = &act->payload->LeaseRenewed;
    uint32_t slot;
    enum outcome outcome = look_up(act, asked->resource, &asked->lease_id, &slot);
    if (outcome != OUTCOME_APPLIED)
        return outcome;

    struct lease *lease = &act->authority->leases[slot];
    lease->renewed_at_ms = act->time_ms;
    lease->expires_at_ms = end_of(act, asked->ttl_ms);
    lease->n_renewals++;
    expiry_set(&act->authority->lease_expiry, slot, lease->expires_at_ms);
    put(act->authority, slot);
    return OUTCOME_APPLIED;
}

enum outcome lease_release(const struct act *act)
{
    const struct payload_LeaseReleased *asked = &act->payload->LeaseReleased;
    uint32_t slot;
    enum outcome outcome = look_up(act, asked->resource, &asked->lease_id, &slot);

    if (outcome == OUTCOME_APPLIED)
        drop(act->authority, slot);
    return outcome;
}
