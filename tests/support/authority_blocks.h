/*
 * authority_blocks - random blocks of everything, for tests of execution and replay.
 *
 * Equal seeds put equal blocks into equal worlds.
 */
#ifndef APM2_TESTS_AUTHORITY_BLOCKS_H
#define APM2_TESTS_AUTHORITY_BLOCKS_H

#include "tests/support/authority_world.h"

static inline uint32_t roll(struct world *world, uint32_t n)
{
    world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(world->random >> 33) % n;
}

static inline void add_lease_event(struct world *world)
{
    char resource[16];
    (void)snprintf(resource, sizeof(resource), "r/%u", roll(world, 40));

    if (roll(world, 2) == 0) {
        union event_payload payload = issue_of(resource, "h", 1 + roll(world, 300));
        world_event(world, EVENT_LeaseIssued, &payload);
    } else if (roll(world, 2) == 0) {
        union event_payload payload = {
            .LeaseRenewed = {.resource = text(resource), .ttl_ms = 1 + roll(world, 300)}};
        world_event(world, EVENT_LeaseRenewed, &payload);
    } else {
        union event_payload payload = {.LeaseReleased = {.resource = text(resource)}};
        world_event(world, EVENT_LeaseReleased, &payload);
    }
}

static inline void add_capability_event(struct world *world)
{
    char id[16];
    (void)snprintf(id, sizeof(id), "c%u", roll(world, 30));
    union event_payload payload = {0};

    if (roll(world, 3) == 0) {
        payload.CapabilityRevoked.capability_id = text(id);
        world_event(world, EVENT_CapabilityRevoked, &payload);
        return;
    }
    payload.CapabilityGranted.capability_id = text(id);
    payload.CapabilityGranted.subject = actor_key(roll(world, 5));
    payload.CapabilityGranted.expires_at_ms = world->time_ms + 1 + roll(world, 500);
    add_rights(&payload.CapabilityGranted.rights, roll(world, 2) == 0 ? "*/*" : "lease/*");
    world_event(world, EVENT_CapabilityGranted, &payload);
}

/* A block of everything: both namespaces, known and unknown actors, replays. */
static inline void add_random_block(struct world *world, uint64_t seed)
{
    world->random = seed;
    static const char *const spaces[] = {"kernel", "payments", "nowhere"};

    world->time_ms += roll(world, 60);
    for (uint32_t i = roll(world, 6); i > 0; i--) {
        uint32_t space = roll(world, 10);
        struct bundle_view *bundle = world_bundle_in(world, roll(world, 6),
                                                     spaces[space < 7    ? 0
                                                            : space == 7 ? 2
                                                                         : 1]);
        if (roll(world, 10) == 0)
            bundle->body.nonce = 0;
        for (uint32_t n = 1 + roll(world, 8); n > 0; n--) {
            if (roll(world, 4) == 0)
                add_capability_event(world);
            else
                add_lease_event(world);
        }
    }
}

#endif
