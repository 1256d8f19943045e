#include "tests/support/authority_world.h"
#include "tests/support/unit.h"

static struct lease_view find(struct world *world, const char *resource)
{
    struct lease_view lease;
    ck_assert(authority_find_lease(world->authority, text("kernel"), text(resource), &lease));
    return lease;
}

static bool exists(struct world *world, const char *resource)
{
    struct lease_view lease;
    return authority_find_lease(world->authority, text("kernel"), text(resource), &lease);
}

/* The derived facts of the last block, by type. */
static uint32_t count_derived(const struct world *world, const char *type)
{
    struct outcomes_view view;
    ck_assert(outcomes_parse(world->executed.outcomes, &view));
    uint32_t n = 0;
    size_t cursor = 0;
    struct outcomes_derived derived;
    while (outcomes_next(&view, &cursor, &derived)) {
        struct wire_event event;
        ck_assert_int_eq(wire_decode_as(WIRE_event, derived.event, &event), WIRE_OK);
        n += span_eq(event.type, text(type));
    }
    return n;
}

START_TEST(an_issued_lease_is_found_as_asked_for)
{
    struct world *world = world_new();

    ck_assert_int_eq(do_issue(world, 0, "db/primary", 60000), OUTCOME_APPLIED);
    struct lease_view lease = find(world, "db/primary");
    ck_assert(span_eq(lease.holder, text("svc-a")));
    ck_assert(span_eq(lease.space, text("kernel")));
    ck_assert_uint_eq(lease.issued_at_ms, world->time_ms);
    ck_assert_uint_eq(lease.expires_at_ms, world->time_ms + 60000);
    struct key issuer = actor_key(0);
    ck_assert(key_eq(&lease.issuer, &issuer));
}
END_TEST

START_TEST(a_held_resource_conflicts_and_leaves_a_record)
{
    struct world *world = world_new();
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    struct lease_view before = find(world, "r");

    ck_assert_int_eq(do_issue(world, 1, "r", 9000), OUTCOME_LEASE_CONFLICT);
    ck_assert_uint_eq(count_derived(world, "LeaseConflict"), 1);
    ck_assert_uint_eq(world->executed.segments.list[0].n_records, 2);
    struct lease_view after = find(world, "r");
    ck_assert(hash_eq(&before.id, &after.id));
    ck_assert_uint_eq(before.expires_at_ms, after.expires_at_ms);
}
END_TEST

START_TEST(a_rejection_leaves_leases_and_rights_as_they_were)
{
    struct world *world = world_new();
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    struct authority_counts before = authority_count(world->authority);

    ck_assert_int_eq(do_issue(world, 0, "r", 1), OUTCOME_LEASE_CONFLICT);
    ck_assert_int_eq(do_renew(world, 0, "none", 1), OUTCOME_LEASE_NOT_FOUND);
    struct authority_counts after = authority_count(world->authority);
    ck_assert_uint_eq(before.leases, after.leases);
    ck_assert_uint_eq(before.capabilities, after.capabilities);
}
END_TEST

START_TEST(a_lease_ends_at_its_expiry_with_a_record)
{
    struct world *world = world_new();
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);

    world->time_ms += 999;
    (void)world_apply(world);
    ck_assert(exists(world, "r"));
    ck_assert_uint_eq(world->executed.n_derived, 0);

    world->time_ms += 1;
    (void)world_apply(world);
    ck_assert(!exists(world, "r"));
    ck_assert_uint_eq(count_derived(world, "LeaseExpired"), 1);
    ck_assert_int_eq(do_renew(world, 0, "r", 1), OUTCOME_LEASE_NOT_FOUND);
}
END_TEST

START_TEST(renewal_counts_from_its_own_block)
{
    struct world *world = world_new();
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);

    world->time_ms += 900;
    ck_assert_int_eq(do_renew(world, 0, "r", 500), OUTCOME_APPLIED);
    struct lease_view lease = find(world, "r");
    ck_assert_uint_eq(lease.expires_at_ms, world->time_ms + 500);
    ck_assert_uint_eq(lease.n_renewals, 1);

    world->time_ms += 499;
    ck_assert_int_eq(do_renew(world, 0, "r", 1), OUTCOME_APPLIED);
}
END_TEST

START_TEST(only_issuer_and_a_holder_by_key_may_touch_it)
{
    struct world *world = world_new();
    char hex[65];
    struct key holder = actor_key(1);
    hex_encode(holder.b, sizeof(holder.b), hex);
    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    union event_payload payload = issue_of("r", hex, 1000);
    ck_assert_int_eq(world_do(world, 0, EVENT_LeaseIssued, &payload), OUTCOME_APPLIED);

    ck_assert_int_eq(do_renew(world, 2, "r", 1000), OUTCOME_LEASE_NOT_HOLDER);
    ck_assert_int_eq(do_release(world, 2, "r"), OUTCOME_LEASE_NOT_HOLDER);
    ck_assert_int_eq(do_renew(world, 1, "r", 1000), OUTCOME_APPLIED);
    ck_assert_int_eq(do_release(world, 0, "r"), OUTCOME_APPLIED);
    ck_assert(!exists(world, "r"));
}
END_TEST

START_TEST(a_lease_id_fences)
{
    struct world *world = world_new();
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    struct hash old = find(world, "r").id;
    ck_assert_int_eq(do_release(world, 0, "r"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    struct hash now = find(world, "r").id;
    ck_assert(!hash_eq(&old, &now));

    union event_payload payload = {.LeaseReleased = {.resource = text("r"), .lease_id = old}};
    ck_assert_int_eq(world_do(world, 0, EVENT_LeaseReleased, &payload), OUTCOME_LEASE_NOT_FOUND);
    payload.LeaseReleased.lease_id = now;
    ck_assert_int_eq(world_do(world, 0, EVENT_LeaseReleased, &payload), OUTCOME_APPLIED);
}
END_TEST

START_TEST(namespaces_do_not_see_one_another)
{
    struct world *world = world_new();
    union event_payload payload = issue_of("r", "h", 1000);

    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    ck_assert_int_eq(world_do_in(world, "payments", 0, EVENT_LeaseIssued, &payload),
                     OUTCOME_APPLIED);
    ck_assert_int_eq(world_do_in(world, "payments", 1, EVENT_LeaseIssued, &payload),
                     OUTCOME_NO_RIGHT);
    uint32_t cursor = 0;
    uint32_t n = 0;
    struct lease_view lease;
    while (authority_next_lease(world->authority, text("payments"), &cursor, &lease))
        n++;
    ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(full_state_rejects_until_there_is_room)
{
    struct world *world = world_with((struct authority_limits){.leases = 2});

    ck_assert_int_eq(do_issue(world, 0, "a", 1000), OUTCOME_APPLIED);
    ck_assert_int_eq(do_issue(world, 0, "b", 5000), OUTCOME_APPLIED);
    ck_assert_int_eq(do_issue(world, 0, "c", 1000), OUTCOME_STATE_FULL);
    ck_assert_int_eq(do_release(world, 0, "b"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_issue(world, 0, "c", 1000), OUTCOME_APPLIED);
}
END_TEST

static void add_many(struct world *world, const char *name, uint32_t n)
{
    char resource[32];

    for (uint32_t i = 0; i < n; i++) {
        if (i % 1000 == 0)
            (void)world_bundle(world, 0);
        (void)snprintf(resource, sizeof(resource), "%s/%u", name, i);
        union event_payload payload = issue_of(resource, "h", 1000);
        world_event(world, EVENT_LeaseIssued, &payload);
    }
}

START_TEST(the_sweep_is_bounded_and_never_blocks_a_new_lease)
{
    uint32_t n = BLOCK_EXPIRIES_MAX + 3;
    struct world *world = world_with((struct authority_limits){.leases = n});
    add_many(world, "many", n);
    (void)world_apply(world);
    ck_assert_uint_eq(authority_count(world->authority).leases, n);

    world->time_ms += 1000;
    (void)world_apply(world);
    ck_assert_uint_eq(count_derived(world, "LeaseExpired"), BLOCK_EXPIRIES_MAX);
    ck_assert_uint_eq(authority_count(world->authority).leases, 3);
    (void)world_apply(world);
    ck_assert_uint_eq(count_derived(world, "LeaseExpired"), 3);
}
END_TEST

/* In one block the sweep leaves three of them: in the way of the same resources
 * once more, or, with all slots taken, of others. */
START_TEST(a_lapsed_lease_beyond_the_sweep_gives_way)
{
    static const char *const names[] = {"many", "new"};
    uint32_t n = BLOCK_EXPIRIES_MAX + 3;
    struct world *world = world_with((struct authority_limits){.leases = n});
    add_many(world, "many", n);
    (void)world_apply(world);
    world->time_ms += 1000;

    add_many(world, names[_i], n);
    (void)world_apply(world);
    ck_assert_uint_eq(world->executed.n_rejected, 0);
    ck_assert_uint_eq(count_derived(world, "LeaseConflict"), 0);
    ck_assert_uint_eq(count_derived(world, "LeaseExpired"), n);
    ck_assert_uint_eq(authority_count(world->authority).leases, n);
}
END_TEST

START_TEST(expiries_come_by_time_then_key)
{
    struct world *world = world_new();
    const uint64_t ttls[] = {300, 100, 200, 100, 100};
    const char *resources[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < N_ELEMENTS(ttls); i++)
        ck_assert_int_eq(do_issue(world, 0, resources[i], ttls[i]), OUTCOME_APPLIED);

    world->time_ms += 1000;
    (void)world_apply(world);
    struct outcomes_view view;
    ck_assert(outcomes_parse(world->executed.outcomes, &view));
    ck_assert_uint_eq(view.n_derived, 5);
    size_t cursor = 0;
    uint64_t last = 0;
    struct outcomes_derived derived;
    while (outcomes_next(&view, &cursor, &derived)) {
        struct wire_event event;
        union event_payload payload;
        ck_assert_int_eq(wire_decode_as(WIRE_event, derived.event, &event), WIRE_OK);
        ck_assert_int_eq(event_payload_decode(EVENT_LeaseExpired, event.payload, &payload).verdict,
                         PAYLOAD_OK);
        ck_assert_uint_ge(payload.LeaseExpired.expired_at_ms, last);
        ck_assert_uint_eq(derived.after, 0);
        last = payload.LeaseExpired.expired_at_ms;
    }
}
END_TEST

/* ---- against a naive model ---- */

#define MODEL_RESOURCES 24u

struct model {
    bool is_held;
    uint64_t expires_at_ms;
    unsigned int issuer;
};

static uint64_t random_state;

static uint32_t roll(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

static enum outcome model_touch(struct model *lease, unsigned int actor)
{
    if (!lease->is_held)
        return OUTCOME_LEASE_NOT_FOUND;
    return lease->issuer == actor ? OUTCOME_APPLIED : OUTCOME_LEASE_NOT_HOLDER;
}

static enum outcome model_issue(struct model *lease, unsigned int actor, uint64_t end_ms)
{
    if (lease->is_held)
        return OUTCOME_LEASE_CONFLICT;
    *lease = (struct model){true, end_ms, actor};
    return OUTCOME_APPLIED;
}

static enum outcome model_renew(struct model *lease, unsigned int actor, uint64_t end_ms)
{
    enum outcome outcome = model_touch(lease, actor);
    if (outcome == OUTCOME_APPLIED)
        lease->expires_at_ms = end_ms;
    return outcome;
}

static enum outcome model_release(struct model *lease, unsigned int actor)
{
    enum outcome outcome = model_touch(lease, actor);
    if (outcome == OUTCOME_APPLIED)
        lease->is_held = false;
    return outcome;
}

static void step(struct world *world, struct model *models)
{
    unsigned int actor = roll(2);
    uint32_t i = roll(MODEL_RESOURCES);
    uint64_t ttl = 1 + roll(400);
    char resource[8];
    (void)snprintf(resource, sizeof(resource), "r%u", i);

    world->time_ms += roll(30);
    for (uint32_t j = 0; j < MODEL_RESOURCES; j++)
        models[j].is_held = models[j].is_held && models[j].expires_at_ms > world->time_ms;
    switch (roll(3)) {
    case 0:
        ck_assert_int_eq(model_issue(&models[i], actor, world->time_ms + ttl),
                         do_issue(world, actor, resource, ttl));
        break;
    case 1:
        ck_assert_int_eq(model_renew(&models[i], actor, world->time_ms + ttl),
                         do_renew(world, actor, resource, ttl));
        break;
    case 2:
        ck_assert_int_eq(model_release(&models[i], actor), do_release(world, actor, resource));
        break;
    }
    ck_assert_int_eq(models[i].is_held, exists(world, resource));
}

START_TEST(random_histories_match_the_model)
{
    struct world *world = world_new();
    struct model models[MODEL_RESOURCES] = {{0}};

    random_state = (uint64_t)_i;
    for (uint32_t n = 0; n < 3000; n++)
        step(world, models);
    uint32_t n_held = 0;
    for (uint32_t i = 0; i < MODEL_RESOURCES; i++)
        n_held += models[i].is_held;
    ck_assert_uint_eq(authority_count(world->authority).leases, n_held);
}
END_TEST

UNIT_MAIN("lease", NULL, worlds_end, {
    tcase_add_test(tc, an_issued_lease_is_found_as_asked_for);
    tcase_add_test(tc, a_held_resource_conflicts_and_leaves_a_record);
    tcase_add_test(tc, a_rejection_leaves_leases_and_rights_as_they_were);
    tcase_add_test(tc, a_lease_ends_at_its_expiry_with_a_record);
    tcase_add_test(tc, renewal_counts_from_its_own_block);
    tcase_add_test(tc, only_issuer_and_a_holder_by_key_may_touch_it);
    tcase_add_test(tc, a_lease_id_fences);
    tcase_add_test(tc, namespaces_do_not_see_one_another);
    tcase_add_test(tc, full_state_rejects_until_there_is_room);
    tcase_add_test(tc, the_sweep_is_bounded_and_never_blocks_a_new_lease);
    tcase_add_loop_test(tc, a_lapsed_lease_beyond_the_sweep_gives_way, 0, 2);
    tcase_add_test(tc, expiries_come_by_time_then_key);
    tcase_add_loop_test(tc, random_histories_match_the_model, 0, 8);
})
