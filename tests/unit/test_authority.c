#include "tests/support/authority_world.h"
#include "tests/support/unit.h"

static struct authority_refusal admit(struct world *world)
{
    struct bundle_view *bundle = &world->bundles[0];
    return authority_admit(world->authority, bundle, world->height + 1);
}

static struct span record(enum event_type type, const char *name, struct span payload)
{
    static uint8_t bytes[1024];
    struct wire_event event = {
        .type = text(name),
        .schema = schema_digest(type),
        .canonicalizer = text("apm2-msgpack"),
        .canonicalizer_version = 1,
        .payload = payload,
    };
    return span_of(bytes, wire_encode(WIRE_event, &event, bytes, sizeof(bytes)));
}

#define PAYLOAD(bytes)                                                                             \
    {                                                                                              \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                \
    }
#define RESOURCE "\xa8resource\xa1r"
#define HOLDER "\xa6holder\xa1h"
#define TTL "\xa6ttl_ms\x05"

static const struct payload_row {
    const char *label;
    struct span payload;
    enum outcome want;
    const char *field;
} payload_rows[] = {
    {"good", PAYLOAD("\x83" RESOURCE HOLDER TTL), OUTCOME_APPLIED, ""},
    {"another order", PAYLOAD("\x83" TTL RESOURCE HOLDER), OUTCOME_APPLIED, ""},
    {"missing", PAYLOAD("\x82" RESOURCE HOLDER), OUTCOME_BAD_PAYLOAD, "ttl_ms"},
    {"twice", PAYLOAD("\x84" RESOURCE HOLDER TTL TTL), OUTCOME_BAD_PAYLOAD, "ttl_ms"},
    {"unknown", PAYLOAD("\x84" RESOURCE HOLDER TTL "\xa1x\x01"), OUTCOME_BAD_PAYLOAD, ""},
    {"zero", PAYLOAD("\x83" RESOURCE HOLDER "\xa6ttl_ms\x00"), OUTCOME_BAD_PAYLOAD, "ttl_ms"},
    {"text for a number", PAYLOAD("\x83" RESOURCE HOLDER "\xa6ttl_ms\xa1x"), OUTCOME_BAD_PAYLOAD,
     "ttl_ms"},
    {"a blank", PAYLOAD("\x83\xa8resource\xa1 " HOLDER TTL), OUTCOME_BAD_PAYLOAD, "resource"},
    {"empty", PAYLOAD("\x83\xa8resource\xa0" HOLDER TTL), OUTCOME_BAD_PAYLOAD, "resource"},
    {"not a map", PAYLOAD("\x93\x01\x02\x03"), OUTCOME_BAD_PAYLOAD, ""},
    {"not shortest", PAYLOAD("\x83" RESOURCE HOLDER "\xa6ttl_ms\xcc\x05"), OUTCOME_BAD_PAYLOAD,
     "ttl_ms"},
    {"cut", PAYLOAD("\x83" RESOURCE HOLDER "\xa6ttl_ms\xcd\x05"), OUTCOME_BAD_PAYLOAD, "ttl_ms"},
    {"trailing", PAYLOAD("\x83" RESOURCE HOLDER TTL "\x01"), OUTCOME_BAD_PAYLOAD, ""},
    {"a number as key", PAYLOAD("\x84" RESOURCE HOLDER TTL "\x01\x01"), OUTCOME_BAD_PAYLOAD, ""},
};

START_TEST(door_and_execution_judge_payloads_alike)
{
    const struct payload_row *row = &payload_rows[_i];
    struct world *world = world_new();
    (void)world_bundle(world, 0);
    world_raw(world, record(EVENT_LeaseIssued, "LeaseIssued", row->payload));

    struct authority_refusal refusal = admit(world);
    ck_assert_msg(refusal.code == row->want, "%s: got %s", row->label,
                  outcome_name((uint8_t)refusal.code));
    ck_assert_str_eq(refusal.field, row->field);
    ck_assert_uint_eq(world_apply(world)->codes.data[0], row->want);
}
END_TEST

static const struct type_row {
    const char *name;
    enum event_type schema_of;
    enum outcome want;
} type_rows[] = {
    {"LeaseIssued", EVENT_LeaseRenewed, OUTCOME_UNKNOWN_SCHEMA},
    {"LeaseExpired", EVENT_LeaseExpired, OUTCOME_DERIVED_TYPE},
    {"LeaseConflict", EVENT_LeaseConflict, OUTCOME_DERIVED_TYPE},
    {"WorkOpened", EVENT_WorkOpened, OUTCOME_UNKNOWN_TYPE},
    {"LeaseIssue", EVENT_LeaseIssued, OUTCOME_UNKNOWN_TYPE},
    {"", EVENT_LeaseIssued, OUTCOME_UNKNOWN_TYPE},
};

START_TEST(door_and_execution_judge_types_alike)
{
    const struct type_row *row = &type_rows[_i];
    struct world *world = world_new();
    (void)world_bundle(world, 0);
    world_raw(world, record(row->schema_of, row->name, payload_rows[0].payload));

    ck_assert_int_eq(admit(world).code, row->want);
    ck_assert_uint_eq(world_apply(world)->codes.data[0], row->want);
}
END_TEST

START_TEST(another_canonicalizer_is_refused)
{
    struct world *world = world_new();
    uint8_t bytes[512];
    struct wire_event event = {
        .type = text("LeaseIssued"),
        .schema = schema_digest(EVENT_LeaseIssued),
        .canonicalizer = text("apm2-msgpack"),
        .canonicalizer_version = 2,
        .payload = payload_rows[0].payload,
    };
    (void)world_bundle(world, 0);
    world_raw(world, span_of(bytes, wire_encode(WIRE_event, &event, bytes, sizeof(bytes))));
    ck_assert_ptr_nonnull(strstr(admit(world).reason, "canonicalizer"));
    ck_assert_uint_eq(world_apply(world)->codes.data[0], OUTCOME_BAD_PAYLOAD);
}
END_TEST

static void change_nothing(struct bundle_view *bundle)
{
    (void)bundle;
}

static void change_actor(struct bundle_view *bundle)
{
    bundle->body.actor = actor_key(9);
}

static void change_expiry_past(struct bundle_view *bundle)
{
    bundle->body.expiry_height = 1;
}

static void change_expiry_far(struct bundle_view *bundle)
{
    bundle->body.expiry_height = 3 + BUNDLE_EXPIRY_HEIGHTS_MAX;
}

static void change_expiry_last(struct bundle_view *bundle)
{
    bundle->body.expiry_height = 2 + BUNDLE_EXPIRY_HEIGHTS_MAX;
}

static void change_nonce(struct bundle_view *bundle)
{
    bundle->body.nonce = 0;
}

static void change_space(struct bundle_view *bundle)
{
    bundle->body.space = text("nowhere");
}

static const struct bundle_row {
    const char *label;
    void (*change)(struct bundle_view *);
    enum outcome want;
    const char *field;
} bundle_rows[] = {
    {"good", change_nothing, OUTCOME_APPLIED, ""},
    {"a stranger", change_actor, OUTCOME_UNKNOWN_ACTOR, "actor"},
    {"too late", change_expiry_past, OUTCOME_EXPIRED, "expiry_height"},
    {"too far ahead", change_expiry_far, OUTCOME_EXPIRED, "expiry_height"},
    {"as far ahead as allowed", change_expiry_last, OUTCOME_APPLIED, ""},
    {"a used nonce", change_nonce, OUTCOME_REPLAYED, "nonce"},
    {"no such namespace", change_space, OUTCOME_UNKNOWN_NAMESPACE, "namespace"},
};

/* The second block of a world: nonce 0 is used, the height is 2. */
START_TEST(door_and_execution_judge_bundles_alike)
{
    const struct bundle_row *row = &bundle_rows[_i];
    struct world *world = world_new();
    ck_assert_int_eq(do_issue(world, 0, "first", 1000), OUTCOME_APPLIED);
    struct authority_counts before = authority_count(world->authority);

    row->change(world_bundle(world, 0));
    for (uint32_t i = 0; i < 2; i++) {
        char resource[2] = {(char)('a' + i), '\0'};
        union event_payload payload = issue_of(resource, "h", 1000);
        world_event(world, EVENT_LeaseIssued, &payload);
    }
    struct authority_refusal refusal = admit(world);
    ck_assert_msg(refusal.code == row->want, "%s: got %s", row->label,
                  outcome_name((uint8_t)refusal.code));
    ck_assert_str_eq(refusal.field, row->field);
    ck_assert_uint_eq(refusal.event, 2);

    const struct executed *executed = world_apply(world);
    ck_assert_uint_eq(executed->codes.size, 2);
    ck_assert_uint_eq(executed->codes.data[0], row->want);
    ck_assert_uint_eq(executed->codes.data[1], row->want);
    /* Rejections are records too, a stranger's in kernel. */
    ck_assert_uint_eq(executed->segments.n, 1);
    ck_assert_str_eq(executed->segments.list[0].head->space, "kernel");
    ck_assert_uint_eq(executed->segments.list[0].first_seq, 1);
    ck_assert_uint_eq(executed->segments.list[0].n_records, 2);
    struct authority_counts after = authority_count(world->authority);
    ck_assert_uint_eq(before.actors, after.actors);
    ck_assert_uint_eq(after.leases - before.leases, row->want == OUTCOME_APPLIED ? 2 : 0);
}
END_TEST

START_TEST(the_door_knows_the_next_nonce)
{
    struct world *world = world_new();
    struct key known = actor_key(0);
    struct key stranger = actor_key(9);
    uint64_t nonce;

    ck_assert(authority_next_nonce(world->authority, &known, &nonce));
    ck_assert_uint_eq(nonce, 0);
    ck_assert(!authority_next_nonce(world->authority, &stranger, &nonce));
    world->nonces[0] = 7;
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    ck_assert(authority_next_nonce(world->authority, &known, &nonce));
    ck_assert_uint_eq(nonce, 8);
    ck_assert(authority_nonce_is_used(world->authority, &known, 7));
    ck_assert(!authority_nonce_is_used(world->authority, &known, 6));
}
END_TEST

START_TEST(a_nonce_is_spent_even_when_every_event_is_rejected)
{
    struct world *world = world_new();

    ck_assert_int_eq(do_renew(world, 0, "none", 1), OUTCOME_LEASE_NOT_FOUND);
    world->nonces[0] = 0;
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_REPLAYED);
}
END_TEST

START_TEST(queries_list_a_namespace)
{
    struct world *world = world_new();
    uint32_t cursor = 0;
    uint32_t n = 0;
    struct capability_view view;

    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    while (authority_next_capability(world->authority, text("kernel"), &cursor, &view))
        n++;
    ck_assert_uint_eq(n, 3);
    ck_assert(authority_find_capability(world->authority, text("kernel"), text("c"), &view));
    ck_assert(span_eq(view.parent, text("root-a")));
    ck_assert_uint_eq(view.depth, 1);
    ck_assert(!authority_find_capability(world->authority, text("payments"), text("c"), &view));
    ck_assert(!authority_find_capability(world->authority, text("nowhere"), text("c"), &view));
    struct hash digest = authority_schema_of(world->authority, EVENT_LeaseIssued);
    struct hash want = schema_digest(EVENT_LeaseIssued);
    ck_assert(hash_eq(&digest, &want));
}
END_TEST

UNIT_MAIN("authority", NULL, worlds_end, {
    tcase_add_loop_test(tc, door_and_execution_judge_payloads_alike, 0, N_ELEMENTS(payload_rows));
    tcase_add_loop_test(tc, door_and_execution_judge_types_alike, 0, N_ELEMENTS(type_rows));
    tcase_add_test(tc, another_canonicalizer_is_refused);
    tcase_add_loop_test(tc, door_and_execution_judge_bundles_alike, 0, N_ELEMENTS(bundle_rows));
    tcase_add_test(tc, the_door_knows_the_next_nonce);
    tcase_add_test(tc, a_nonce_is_spent_even_when_every_event_is_rejected);
    tcase_add_test(tc, queries_list_a_namespace);
})
