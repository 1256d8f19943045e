/*
 * authority - who holds which lease and capability: the state that blocks change.
 *
 * Pure: no clock, allocation or I/O; time is block time. All memory is one arena
 * handed over at init; pages that hold nothing are never touched. The state is
 * bounded by genesis limits: what would exceed them is rejected (STATE_FULL).
 * execute.h changes it, block by block; everybody else only asks.
 *
 * Views borrow from the state and are good until the next block is executed.
 */
#ifndef APM2_AUTHORITY_H
#define APM2_AUTHORITY_H

#include "common/bundle.h"
#include "common/err.h"
#include "common/event.h"
#include "common/ledger/ledger.h"
#include "common/outcome.h"
#include "common/rights.h"

/* Genesis parameters; 0 = the default, which for the last two is the maximum too. */
struct authority_limits {
    uint32_t leases;             /* 65,536 */
    uint32_t capabilities;       /* 16,384, ended ones included while there is room */
    uint32_t actors;             /* 4,096 */
    uint32_t nonce_window;       /* NONCE_WINDOW */
    uint32_t expiry_heights_max; /* BUNDLE_EXPIRY_HEIGHTS_MAX */
};

/* A root capability: an actor's rights in a namespace, without expiry. */
struct authority_grant {
    struct span id;
    struct key actor;
    struct span space;
    struct rights rights;
};

/* The schema in force for an event type. */
struct authority_schema {
    struct span type;
    struct hash digest;
};

struct authority_genesis {
    struct authority_limits limits;
    const struct authority_grant *grants; /* namespaces are those named here, and kernel */
    uint32_t n_grants;
    const struct authority_schema *schemas;
    uint32_t n_schemas;
};

struct authority;

#define DELEGATION_DEPTH_MAX 16u
#define CAPABILITIES_PER_SUBJECT_MAX 64u /* live ones, of one actor in one namespace */

/* ---- what the door asks ---- */

/* Why a bundle would certainly be rejected: code APPLIED means nothing is certain. */
struct authority_refusal {
    enum outcome code;
    uint32_t event;     /* which of its events; n_events when the bundle itself */
    const char *field;  /* of its payload, or of the bundle itself; "" when none */
    const char *reason; /* what is wrong with it, "" when the code says all */
};

/* Judges a bundle for the block at `height` or a later one. */
struct authority_refusal authority_admit(const struct authority *authority,
                                         const struct bundle_view *bundle, uint64_t height);

/* The lowest nonce above all used ones (0 before the first). Lower ones that were
 * skipped stay usable while they are within NONCE_WINDOW. False: unknown actor, or
 * the actor used the last nonce there is. */
bool authority_next_nonce(const struct authority *authority, const struct key *actor,
                          uint64_t *ret_nonce);
bool authority_nonce_is_used(const struct authority *authority, const struct key *actor,
                             uint64_t nonce);

/* Does the actor hold a live capability for this type (and resource, or none)? */
struct authority_question {
    struct span space;
    struct key actor;
    enum event_type type;
    struct span resource; /* size 0: not about a resource */
    uint64_t time_ms;
};
bool authority_may(const struct authority *authority, const struct authority_question *question);

/* Zero when the type has none. */
struct hash authority_schema_of(const struct authority *authority, enum event_type type);

/* ---- what operators ask ---- */

struct lease_view {
    struct hash id;
    struct span space, resource, holder;
    struct key issuer;
    uint64_t issued_at_ms, renewed_at_ms, expires_at_ms;
    uint64_t n_renewals;
};

enum capability_state { CAPABILITY_LIVE, CAPABILITY_ENDED_REVOKED, CAPABILITY_ENDED_EXPIRED };

struct capability_view {
    struct span space, id, parent; /* parent: size 0 for a root, or when it is gone */
    struct key subject, granter;
    struct rights rights;
    struct span resource_prefix; /* size 0: any */
    uint64_t expires_at_ms;      /* 0: never */
    uint32_t depth;
    enum capability_state state;
};

bool authority_find_lease(const struct authority *authority, struct span space,
                          struct span resource, struct lease_view *ret_lease);
bool authority_find_capability(const struct authority *authority, struct span space, struct span id,
                               struct capability_view *ret_capability);

/* All of one namespace, in no order that means anything: start with *cursor = 0. */
bool authority_next_lease(const struct authority *authority, struct span space, uint32_t *cursor,
                          struct lease_view *ret_lease);
bool authority_next_capability(const struct authority *authority, struct span space,
                               uint32_t *cursor, struct capability_view *ret_capability);

/* Where an actor's authority comes from: delegation only goes down. */
enum actor_tier {
    ACTOR_TIER_NONE, /* holds nothing now */
    ACTOR_TIER_2,    /* a root capability, from genesis */
    ACTOR_TIER_3,    /* delegated ones only */
};

struct actor_view {
    struct key key;
    enum actor_tier tier;
    uint32_t n_capabilities; /* live ones, in all namespaces */
    uint64_t next_nonce;
    bool is_rotated;
    struct key successor;   /* when it is */
    uint64_t rotated_at_ms; /* likewise */
};

bool authority_find_actor(const struct authority *authority, const struct key *key,
                          struct actor_view *ret_actor);
/* In the order of their coming: start with *cursor = 0. */
bool authority_next_actor(const struct authority *authority, uint32_t *cursor,
                          struct actor_view *ret_actor);

struct authority_counts {
    uint32_t leases, capabilities, actors, namespaces;
    struct authority_limits limits;
};
struct authority_counts authority_count(const struct authority *authority);

#endif
