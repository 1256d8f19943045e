#include "services/consensus/authority/admit.h"

#include "services/consensus/authority/actor.h"

enum outcome admit_bundle(const struct authority *authority, const struct wire_bundle_body *body,
                          uint64_t height, uint32_t *ret_actor)
{
    uint32_t actor = actor_find(authority, &body->actor);
    if (actor == SLOT_NONE)
        return OUTCOME_UNKNOWN_ACTOR;
    if (actor_is_rotated(authority, actor))
        return OUTCOME_KEY_ROTATED_AWAY;

    if (body->expiry_height < height ||
        body->expiry_height - height > authority->limits.expiry_heights_max)
        return OUTCOME_EXPIRED;
    if (nonce_is_used(&authority->actors[actor].nonces, authority->limits.nonce_window,
                      body->nonce))
        return OUTCOME_REPLAYED;
    *ret_actor = actor;
    return OUTCOME_APPLIED;
}

static struct admit_fault fault(enum outcome code, const char *field, const char *reason)
{
    return (struct admit_fault){code, field, reason};
}

static struct admit_fault check_type(const struct authority *authority, enum event_type type,
                                     const struct hash *schema)
{
    if (type == EVENT_NONE)
        return fault(OUTCOME_UNKNOWN_TYPE, "", "no such type");
    if (event_info(type)->status == EVENT_DERIVED)
        return fault(OUTCOME_DERIVED_TYPE, "", "type made by execution only");
    if (event_info(type)->status == EVENT_LATER)
        return fault(OUTCOME_UNKNOWN_TYPE, "", "type not yet supported");
    if (hash_is_zero(schema) || !hash_eq(schema, &authority->schemas[type]))
        return fault(OUTCOME_UNKNOWN_SCHEMA, "", "schema is not the one in force");
    return fault(OUTCOME_APPLIED, "", "");
}

static bool is_canonical(const struct wire_event *event)
{
    return span_eq(event->canonicalizer,
                   span_of(EVENT_CANONICALIZER, sizeof(EVENT_CANONICALIZER) - 1)) &&
           event->canonicalizer_version == EVENT_CANONICALIZER_VERSION;
}

/* What the field tables cannot say. */
static bool has_good_rights(const struct admit_event *event)
{
    struct rights rights;

    if (event->type == EVENT_CapabilityGranted)
        return rights_parse(&event->payload.CapabilityGranted.rights, &rights);
    if (event->type == EVENT_CapabilityDelegated)
        return rights_parse(&event->payload.CapabilityDelegated.rights, &rights);
    return true;
}

struct admit_fault admit_event(const struct authority *authority, struct span bytes,
                               struct admit_event *ret_event)
{
    struct wire_event event;
    if (wire_decode_as(WIRE_event, bytes, &event) != WIRE_OK)
        return fault(OUTCOME_BAD_PAYLOAD, "", "not an event record");

    enum event_type type = event_type_of(event.type);
    struct admit_fault found = check_type(authority, type, &event.schema);
    if (found.code != OUTCOME_APPLIED)
        return found;
    if (!is_canonical(&event))
        return fault(OUTCOME_BAD_PAYLOAD, "", "canonicalizer must be apm2-msgpack, version 1");

    struct admit_event admitted = {.type = type};
    struct payload_fault payload = event_payload_decode(type, event.payload, &admitted.payload);
    if (payload.verdict != PAYLOAD_OK)
        return fault(OUTCOME_BAD_PAYLOAD, payload.field, payload_verdict_text(payload.verdict));
    if (!has_good_rights(&admitted))
        return fault(OUTCOME_BAD_PAYLOAD, "rights", "names no right of any event type");
    *ret_event = admitted;
    return fault(OUTCOME_APPLIED, "", "");
}

static struct authority_refusal refuse_bundle(const struct bundle_view *bundle, enum outcome code,
                                              const char *field)
{
    return (struct authority_refusal){code, bundle->events.n, field, ""};
}

static const char *bundle_field(enum outcome code)
{
    if (code == OUTCOME_UNKNOWN_ACTOR || code == OUTCOME_KEY_ROTATED_AWAY)
        return "actor";
    return code == OUTCOME_EXPIRED ? "expiry_height" : "nonce";
}

struct authority_refusal authority_admit(const struct authority *authority,
                                         const struct bundle_view *bundle, uint64_t height)
{
    uint32_t actor;
    enum outcome code = admit_bundle(authority, &bundle->body, height, &actor);
    if (code != OUTCOME_APPLIED)
        return refuse_bundle(bundle, code, bundle_field(code));
    if (authority_space(authority, bundle->body.space) == SLOT_NONE)
        return refuse_bundle(bundle, OUTCOME_UNKNOWN_NAMESPACE, "namespace");

    size_t cursor = 0;
    struct span bytes;
    for (uint32_t i = 0; blobs_next(&bundle->events, &cursor, &bytes); i++) {
        struct admit_event event;
        struct admit_fault found = admit_event(authority, bytes, &event);
        if (found.code != OUTCOME_APPLIED)
            return (struct authority_refusal){found.code, i, found.field, found.reason};
    }
    return (struct authority_refusal){OUTCOME_APPLIED, bundle->events.n, "", ""};
}
