#include "tests/support/authority_blocks.h"
#include "tests/support/unit.h"

static void check_same(const struct executed *a, const struct executed *b)
{
    ck_assert(span_eq(a->codes, b->codes));
    ck_assert(span_eq(a->outcomes, b->outcomes));
    ck_assert(hash_eq(&a->authority_root, &b->authority_root));
    ck_assert(hash_eq(&a->ledger_root, &b->ledger_root));
    ck_assert(hash_eq(&a->state_root, &b->state_root));
}

START_TEST(equal_blocks_give_equal_roots)
{
    struct world *a = world_new();
    struct world *b = world_new();
    struct hash root_a = execution_state_root(a->execution);
    struct hash root_b = execution_state_root(b->execution);
    ck_assert(hash_eq(&root_a, &root_b));

    for (uint64_t seed = 0; seed < 400; seed++) {
        add_random_block(a, seed);
        add_random_block(b, seed);
        check_same(world_apply(a), world_apply(b));
        struct hash root = execution_state_root(a->execution);
        ck_assert(hash_eq(&root, &a->executed.state_root));
    }
    ck_assert_uint_gt(execution_ledger(a->execution)->heads[0].n_records, 1000);
}
END_TEST

START_TEST(every_change_shows_in_the_root)
{
    struct world *world = world_new();
    struct hash roots[6];

    roots[0] = execution_state_root(world->execution);
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    roots[1] = world->executed.authority_root;
    ck_assert_int_eq(do_renew(world, 0, "r", 2000), OUTCOME_APPLIED);
    roots[2] = world->executed.authority_root;
    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    roots[3] = world->executed.authority_root;
    ck_assert_int_eq(do_revoke(world, 0, "c"), OUTCOME_APPLIED);
    roots[4] = world->executed.authority_root;
    world->time_ms += 2000;
    (void)world_apply(world);
    roots[5] = world->executed.authority_root;
    for (size_t i = 0; i < N_ELEMENTS(roots); i++) {
        for (size_t j = 0; j < i; j++)
            ck_assert(!hash_eq(&roots[i], &roots[j]));
    }
}
END_TEST

/* Two worlds that differ in one field of one entry, with the same bundle ids. */
static void lease_as(struct world *world, const char *holder, uint64_t ttl_ms)
{
    union event_payload payload = issue_of("r", holder, ttl_ms);
    ck_assert_int_eq(world_do(world, 0, EVENT_LeaseIssued, &payload), OUTCOME_APPLIED);
}

static void lease_holder(struct world *world, bool other)
{
    lease_as(world, other ? "x" : "y", 1000);
}

static void lease_expiry(struct world *world, bool other)
{
    lease_as(world, "x", other ? 1000 : 1001);
}

static void lease_renewal(struct world *world, bool other)
{
    lease_as(world, "x", 1000);
    ck_assert_int_eq(do_renew(world, 0, "r", other ? 2000 : 2001), OUTCOME_APPLIED);
}

static void lease_release_of(struct world *world, bool other)
{
    lease_as(world, "x", 1000);
    (void)do_release(world, 0, other ? "r" : "none");
}

static void capability_as(struct world *world, const struct payload_CapabilityGranted *part)
{
    union event_payload payload = {.CapabilityGranted = *part};
    add_rights(&payload.CapabilityGranted.rights, "lease/*");
    ck_assert_int_eq(world_do(world, 0, EVENT_CapabilityGranted, &payload), OUTCOME_APPLIED);
}

static void capability_subject(struct world *world, bool other)
{
    const struct payload_CapabilityGranted part = {.capability_id = text("c"),
                                                   .subject = actor_key(other)};
    capability_as(world, &part);
}

static void capability_prefix(struct world *world, bool other)
{
    const struct payload_CapabilityGranted part = {.capability_id = text("c"),
                                                   .subject = actor_key(1),
                                                   .resource_prefix = text(other ? "a" : "b")};
    capability_as(world, &part);
}

static void capability_expiry(struct world *world, bool other)
{
    const struct payload_CapabilityGranted part = {
        .capability_id = text("c"), .subject = actor_key(1), .expires_at_ms = 1000001u + other};
    capability_as(world, &part);
}

static void capability_rights(struct world *world, bool other)
{
    ck_assert_int_eq(do_grant(world, 0, "c", 1, other ? "lease/issue" : "lease/renew"),
                     OUTCOME_APPLIED);
}

static void capability_end_of(struct world *world, bool other)
{
    const struct payload_CapabilityGranted part = {.capability_id = text("c"),
                                                   .subject = actor_key(1)};
    capability_as(world, &part);
    (void)do_revoke(world, 0, other ? "c" : "none");
}

static void nonce_used(struct world *world, bool other)
{
    world->nonces[0] = 5u + other;
    (void)do_release(world, 0, "none");
    world->nonces[0] = 9;
    (void)do_release(world, 0, "none");
}

static const struct difference {
    const char *label;
    void (*make)(struct world *world, bool other);
} differences[] = {
    {"a lease's holder", lease_holder},
    {"a lease's expiry", lease_expiry},
    {"a renewal", lease_renewal},
    {"a release", lease_release_of},
    {"a capability's subject", capability_subject},
    {"a capability's prefix", capability_prefix},
    {"a capability's expiry", capability_expiry},
    {"a capability's rights", capability_rights},
    {"a revocation", capability_end_of},
    {"a used nonce", nonce_used},
};

START_TEST(every_field_stands_in_the_authority_root)
{
    struct world *a = world_new();
    struct world *b = world_new();

    differences[_i].make(a, false);
    differences[_i].make(b, true);
    ck_assert_msg(!hash_eq(&a->executed.authority_root, &b->executed.authority_root), "%s",
                  differences[_i].label);
}
END_TEST

START_TEST(an_empty_block_changes_nothing_but_the_height)
{
    struct world *world = world_new();
    struct hash before = execution_state_root(world->execution);

    const struct executed *executed = world_apply(world);
    ck_assert(hash_eq(&before, &executed->state_root));
    ck_assert_uint_eq(executed->segments.n, 0);
    ck_assert_uint_eq(execution_height(world->execution), 1);
}
END_TEST

START_TEST(genesis_stands_in_the_root)
{
    struct world *a = world_new();
    struct world *b = world_with((struct authority_limits){.leases = 100});
    struct hash root_a = execution_state_root(a->execution);
    struct hash root_b = execution_state_root(b->execution);

    ck_assert(hash_eq(&root_a, &root_b)); /* limits stand in the chain id */
    ck_assert(!hash_is_zero(&root_a));
}
END_TEST

static const struct authority_grant good = {
    {(const uint8_t *)"c", 1}, {{1}}, {(const uint8_t *)"kernel", 6}, {1}};
static const struct authority_grant no_space = {
    {(const uint8_t *)"c", 1}, {{1}}, {(const uint8_t *)"", 0}, {1}};
static const struct authority_grant no_id = {
    {(const uint8_t *)"", 0}, {{1}}, {(const uint8_t *)"kernel", 6}, {1}};

static enum apm_err try_genesis(const struct authority_genesis *genesis)
{
    size_t size = execution_size(&genesis->limits);
    void *arena = calloc(1, size == 0 ? 1u << 20 : size);
    struct execution *execution;
    enum apm_err err = execution_init(arena, size, genesis, &execution);
    free(arena);
    return err;
}

START_TEST(a_bad_genesis_is_refused)
{
    const struct authority_grant twice[] = {good, good};
    const struct authority_schema unknown = {{(const uint8_t *)"Nothing", 7}, {{1}}};
    const struct authority_genesis rows[] = {
        {.grants = &no_space, .n_grants = 1}, {.grants = &no_id, .n_grants = 1},
        {.grants = twice, .n_grants = 2},     {.schemas = &unknown, .n_schemas = 1},
        {.limits.leases = UINT32_MAX},        {.limits.nonce_window = NONCE_WINDOW + 1},
    };
    const struct authority_genesis plain = {.grants = &good, .n_grants = 1};

    ck_assert_int_eq(try_genesis(&plain), APM_OK);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        ck_assert_int_eq(try_genesis(&rows[i]), APM_ERR_GENESIS);
}
END_TEST

START_TEST(heights_follow_one_another)
{
    struct world *world = world_new();
    world->height = 1;
    (void)world_apply(world);
}
END_TEST

START_TEST(records_stand_in_the_order_of_the_block)
{
    struct world *world = world_new();
    ck_assert_int_eq(do_issue(world, 0, "old", 10), OUTCOME_APPLIED);
    world->time_ms += 10;
    (void)world_bundle(world, 0);
    union event_payload payload = issue_of("a", "h", 100);
    world_event(world, EVENT_LeaseIssued, &payload);
    world_event(world, EVENT_LeaseIssued, &payload);
    (void)world_bundle(world, 1);
    payload = issue_of("b", "h", 100);
    world_event(world, EVENT_LeaseIssued, &payload);

    const struct executed *executed = world_apply(world);
    struct outcomes_view view;
    ck_assert(outcomes_parse(executed->outcomes, &view));
    size_t cursor = 0;
    struct outcomes_derived derived;
    ck_assert(outcomes_next(&view, &cursor, &derived));
    ck_assert_uint_eq(derived.after, 0); /* LeaseExpired, before everything */
    ck_assert(outcomes_next(&view, &cursor, &derived));
    ck_assert_uint_eq(derived.after, 2); /* LeaseConflict, after the second event */
    ck_assert(!outcomes_next(&view, &cursor, &derived));
    ck_assert_uint_eq(executed->segments.list[0].first_seq, 1);
    ck_assert_uint_eq(executed->segments.list[0].n_records, 5);
    ck_assert_uint_eq(executed->n_applied, 2);
    ck_assert_uint_eq(executed->n_rejected, 1);
}
END_TEST

UNIT_MAIN("execute", NULL, worlds_end, {
    tcase_add_test(tc, equal_blocks_give_equal_roots);
    tcase_add_test(tc, every_change_shows_in_the_root);
    tcase_add_loop_test(tc, every_field_stands_in_the_authority_root, 0, N_ELEMENTS(differences));
    tcase_add_test(tc, an_empty_block_changes_nothing_but_the_height);
    tcase_add_test(tc, genesis_stands_in_the_root);
    tcase_add_test(tc, a_bad_genesis_is_refused);
    tcase_add_test_raise_signal(tc, heights_follow_one_another, SIGABRT);
    tcase_add_test(tc, records_stand_in_the_order_of_the_block);
})
