/*
 * authority_world - an execution with actors, for tests: bundles without signatures.
 *
 * The execution takes bundles as verified, so the views here are built straight
 * from their fields. worlds_end() is the teardown of every test that makes worlds.
 */
#ifndef APM2_TESTS_AUTHORITY_WORLD_H
#define APM2_TESTS_AUTHORITY_WORLD_H

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/hash.h"
#include "services/consensus/authority/execute.h"

#define WORLD_EVENTS_MAX 8192u
#define WORLD_BUNDLES_MAX 256u

struct world {
    struct world *next; /* of those that worlds_end() will free */
    void *arena;
    size_t arena_size;
    struct execution *execution;
    const struct authority *authority;
    uint64_t height;
    uint64_t time_ms;
    uint64_t nonces[256];
    struct executed executed;
    uint64_t random; /* state of authority_blocks.h */

    /* The block being put together. */
    struct bundle_view bundles[WORLD_BUNDLES_MAX];
    uint32_t n_bundles;
    struct span events[WORLD_EVENTS_MAX];
    uint32_t n_events;
    uint8_t bytes[1u << 21];
    size_t n_bytes;
};

static struct world *worlds;

static inline void worlds_end(void)
{
    while (worlds != NULL) {
        struct world *world = worlds;
        worlds = world->next;
        ck_assert_int_eq(munmap(world->arena, world->arena_size), 0);
        free(world);
    }
}

static inline struct span text(const char *string)
{
    return span_of(string, strlen(string));
}

static inline struct key actor_key(unsigned int n)
{
    struct key key = {{0}};
    key.b[0] = (uint8_t)(n + 1);
    key.b[31] = 0xac;
    return key;
}

static inline struct hash schema_digest(enum event_type type)
{
    struct span name = text(event_info(type)->name);
    return hash_tagged("test/schema", &name, 1);
}

/* Actors 0 and 1 hold the roots "root-a" and "root-b" of kernel, 0 also "root-p" of
 * "payments". */
static inline struct world *world_with(struct authority_limits limits)
{
    static const enum event_type types[] = {
        EVENT_LeaseIssued,         EVENT_LeaseRenewed,      EVENT_LeaseReleased,
        EVENT_LeaseExpired,        EVENT_LeaseConflict,     EVENT_CapabilityGranted,
        EVENT_CapabilityDelegated, EVENT_CapabilityRevoked, EVENT_KeyRotated,
    };
    struct authority_schema schemas[N_ELEMENTS(types)];
    for (size_t i = 0; i < N_ELEMENTS(types); i++) {
        schemas[i].type = text(event_info(types[i])->name);
        schemas[i].digest = schema_digest(types[i]);
    }
    const struct authority_grant grants[] = {
        {text("root-a"), actor_key(0), text("kernel"), RIGHTS_ALL},
        {text("root-b"), actor_key(1), text("kernel"), RIGHTS_ALL},
        {text("root-p"), actor_key(0), text("payments"), RIGHTS_ALL},
    };
    const struct authority_genesis genesis = {
        .limits = limits,
        .grants = grants,
        .n_grants = N_ELEMENTS(grants),
        .schemas = schemas,
        .n_schemas = N_ELEMENTS(schemas),
    };
    size_t size = execution_size(&limits);
    ck_assert_uint_gt(size, 0);
    void *arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(arena, MAP_FAILED);

    struct world *world = calloc(1, sizeof(*world));
    ck_assert_ptr_nonnull(world);
    world->arena = arena;
    world->arena_size = size;
    world->next = worlds;
    worlds = world;
    ck_assert_int_eq(execution_init(arena, size, &genesis, &world->execution), APM_OK);
    world->authority = execution_authority(world->execution);
    world->time_ms = 1000000;
    return world;
}

static inline struct world *world_new(void)
{
    return world_with((struct authority_limits){0});
}

/* Opens a bundle; what world_event adds goes into the newest. */
static inline struct bundle_view *world_bundle_in(struct world *world, unsigned int actor,
                                                  const char *space)
{
    ck_assert_uint_lt(world->n_bundles, WORLD_BUNDLES_MAX);
    struct bundle_view *bundle = &world->bundles[world->n_bundles++];
    *bundle = (struct bundle_view){
        .body.space = text(space),
        .body.actor = actor_key(actor),
        .body.nonce = world->nonces[actor]++,
        .body.expiry_height = world->height + 100,
        .events.items = &world->events[world->n_events],
    };
    const struct span parts[] = {span_of(bundle->body.actor.b, 32),
                                 span_of(&bundle->body.nonce, 8)};
    bundle->id = hash_tagged("test/bundle", parts, N_ELEMENTS(parts));
    return bundle;
}

static inline struct bundle_view *world_bundle(struct world *world, unsigned int actor)
{
    return world_bundle_in(world, actor, "kernel");
}

static inline void world_raw(struct world *world, struct span event)
{
    ck_assert_uint_lt(world->n_events, WORLD_EVENTS_MAX);
    ck_assert_uint_le(event.size, sizeof(world->bytes) - world->n_bytes);
    uint8_t *at = world->bytes + world->n_bytes;
    memcpy(at, event.data, event.size);
    world->n_bytes += event.size;
    world->events[world->n_events++] = span_of(at, event.size);
    struct bundle_view *bundle = &world->bundles[world->n_bundles - 1];
    bundle->events.n++;
    bundle->body.n_events++;
}

static inline void world_event(struct world *world, enum event_type type,
                               const union event_payload *payload)
{
    const struct event_head head = {type, schema_digest(type), world->time_ms, 0};
    uint8_t bytes[EVENT_ENCODED_MAX];
    size_t size = event_encode(&head, payload, bytes, sizeof(bytes));
    ck_assert_uint_gt(size, 0);
    world_raw(world, span_of(bytes, size));
}

/* Executes the block put together and starts the next. */
static inline const struct executed *world_apply(struct world *world)
{
    const struct wire_header header = {.height = world->height + 1, .time_ms = world->time_ms};

    execution_apply(world->execution, &header, world->bundles, world->n_bundles, &world->executed);
    world->height++;
    world->n_bundles = world->n_events = 0;
    world->n_bytes = 0;
    return &world->executed;
}

/* One event, alone in its block. */
static inline enum outcome world_do_in(struct world *world, const char *space, unsigned int actor,
                                       enum event_type type, const union event_payload *payload)
{
    world_bundle_in(world, actor, space);
    world_event(world, type, payload);
    return (enum outcome)world_apply(world)->codes.data[0];
}

static inline enum outcome world_do(struct world *world, unsigned int actor, enum event_type type,
                                    const union event_payload *payload)
{
    return world_do_in(world, "kernel", actor, type, payload);
}

static inline union event_payload issue_of(const char *resource, const char *holder,
                                           uint64_t ttl_ms)
{
    return (union event_payload){
        .LeaseIssued = {.resource = text(resource), .holder = text(holder), .ttl_ms = ttl_ms}};
}

static inline enum outcome do_issue(struct world *world, unsigned int actor, const char *resource,
                                    uint64_t ttl_ms)
{
    union event_payload payload = issue_of(resource, "svc-a", ttl_ms);
    return world_do(world, actor, EVENT_LeaseIssued, &payload);
}

static inline enum outcome do_renew(struct world *world, unsigned int actor, const char *resource,
                                    uint64_t ttl_ms)
{
    union event_payload payload = {.LeaseRenewed = {.resource = text(resource), .ttl_ms = ttl_ms}};
    return world_do(world, actor, EVENT_LeaseRenewed, &payload);
}

static inline enum outcome do_release(struct world *world, unsigned int actor, const char *resource)
{
    union event_payload payload = {.LeaseReleased = {.resource = text(resource)}};
    return world_do(world, actor, EVENT_LeaseReleased, &payload);
}

static inline void add_rights(struct event_list *list, const char *rights)
{
    list->n = 1;
    list->items[0] = text(rights);
}

static inline enum outcome do_grant(struct world *world, unsigned int actor, const char *id,
                                    unsigned int subject, const char *rights)
{
    union event_payload payload = {
        .CapabilityGranted = {.capability_id = text(id), .subject = actor_key(subject)}};
    add_rights(&payload.CapabilityGranted.rights, rights);
    return world_do(world, actor, EVENT_CapabilityGranted, &payload);
}

struct delegation {
    unsigned int actor;
    const char *from, *id;
    unsigned int subject;
    const char *rights;
};

static inline enum outcome do_delegate(struct world *world, struct delegation wanted)
{
    union event_payload payload = {.CapabilityDelegated = {.from = text(wanted.from),
                                                           .capability_id = text(wanted.id),
                                                           .subject = actor_key(wanted.subject)}};
    add_rights(&payload.CapabilityDelegated.rights, wanted.rights);
    return world_do(world, wanted.actor, EVENT_CapabilityDelegated, &payload);
}

#define DELEGATE(world, ...) do_delegate((world), (struct delegation){__VA_ARGS__})

static inline enum outcome do_revoke(struct world *world, unsigned int actor, const char *id)
{
    union event_payload payload = {.CapabilityRevoked = {.capability_id = text(id)}};
    return world_do(world, actor, EVENT_CapabilityRevoked, &payload);
}

#endif
