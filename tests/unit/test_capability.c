#include "tests/support/authority_world.h"
#include "tests/support/unit.h"

static bool may(struct world *world, unsigned int actor, enum event_type type, const char *resource)
{
    const struct authority_question question = {
        .space = text("kernel"),
        .actor = actor_key(actor),
        .type = type,
        .resource = text(resource),
        .time_ms = world->time_ms,
    };
    return authority_may(world->authority, &question);
}

static enum outcome delegate_part(struct world *world,
                                  const struct payload_CapabilityDelegated *part)
{
    union event_payload payload = {.CapabilityDelegated = *part};
    if (payload.CapabilityDelegated.rights.n == 0)
        add_rights(&payload.CapabilityDelegated.rights, "lease/issue");
    return world_do(world, 2, EVENT_CapabilityDelegated, &payload);
}

START_TEST(a_grant_makes_an_actor_with_exactly_its_rights)
{
    struct world *world = world_new();

    ck_assert_int_eq(do_issue(world, 2, "r", 1000), OUTCOME_UNKNOWN_ACTOR);
    world->nonces[2] = 0;
    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/issue"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_issue(world, 2, "r", 1000), OUTCOME_APPLIED);
    ck_assert_int_eq(do_renew(world, 2, "r", 1000), OUTCOME_NO_RIGHT);
    ck_assert_int_eq(do_grant(world, 2, "d", 3, "lease/issue"), OUTCOME_NO_RIGHT);
    ck_assert(may(world, 2, EVENT_LeaseIssued, "x"));
    ck_assert(!may(world, 2, EVENT_LeaseReleased, "x"));
}
END_TEST

START_TEST(ids_are_taken_once)
{
    struct world *world = world_new();

    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "c", 3, "lease/*"), OUTCOME_CAPABILITY_EXISTS);
    ck_assert_int_eq(do_revoke(world, 0, "c"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "c", 3, "lease/*"), OUTCOME_CAPABILITY_EXISTS);
}
END_TEST

static const struct row {
    const char *label;
    const char *rights;
    uint64_t lifetime_ms; /* 0: not given */
    const char *prefix;
    enum outcome want;
} rows[] = {
    {"the same", "lease/*", 1000, "db/", OUTCOME_APPLIED},
    {"less of each", "lease/issue", 500, "db/primary", OUTCOME_APPLIED},
    {"inherited expiry and prefix", "lease/issue", 0, "", OUTCOME_APPLIED},
    {"another verb", "work/open", 500, "db/", OUTCOME_CAPABILITY_NOT_SUBSET},
    {"all", "*/*", 500, "db/", OUTCOME_CAPABILITY_NOT_SUBSET},
    {"a longer life", "lease/issue", 1001, "db/", OUTCOME_CAPABILITY_NOT_SUBSET},
    {"a shorter prefix", "lease/issue", 500, "db", OUTCOME_CAPABILITY_NOT_SUBSET},
    {"another prefix", "lease/issue", 500, "dc/", OUTCOME_CAPABILITY_NOT_SUBSET},
    {"no such verb", "lease/fly", 500, "db/", OUTCOME_BAD_PAYLOAD},
    {"a derived verb", "lease/expire", 500, "db/", OUTCOME_BAD_PAYLOAD},
    {"no slash", "lease", 500, "db/", OUTCOME_BAD_PAYLOAD},
};

START_TEST(a_delegation_is_a_subset)
{
    const struct row *row = &rows[_i];
    struct world *world = world_new();
    union event_payload payload = {.CapabilityGranted = {.capability_id = text("c"),
                                                         .subject = actor_key(2),
                                                         .expires_at_ms = world->time_ms + 1000,
                                                         .resource_prefix = text("db/")}};
    struct event_list *rights = &payload.CapabilityGranted.rights;
    rights->n = 2;
    rights->items[0] = text("lease/*");
    rights->items[1] = text("capability/delegate");
    ck_assert_int_eq(world_do(world, 0, EVENT_CapabilityGranted, &payload), OUTCOME_APPLIED);

    struct payload_CapabilityDelegated part = {.from = text("c"),
                                               .capability_id = text("d"),
                                               .subject = actor_key(3),
                                               .resource_prefix = text(row->prefix)};
    add_rights(&part.rights, row->rights);
    if (row->lifetime_ms != 0)
        part.expires_at_ms = world->time_ms + row->lifetime_ms;
    enum outcome got = delegate_part(world, &part);
    ck_assert_msg(got == row->want, "%s: got %s", row->label, outcome_name((uint8_t)got));

    struct capability_view view;
    bool exists = authority_find_capability(world->authority, text("kernel"), text("d"), &view);
    ck_assert_int_eq(exists, got == OUTCOME_APPLIED);
    if (exists) {
        ck_assert_uint_le(view.expires_at_ms, world->time_ms + 1000);
        ck_assert_uint_ge(view.resource_prefix.size, 3);
        ck_assert(may(world, 3, EVENT_LeaseIssued, "db/primary"));
        ck_assert(!may(world, 3, EVENT_LeaseIssued, "other"));
    }
}
END_TEST

START_TEST(only_the_owner_delegates_and_only_with_that_right)
{
    struct world *world = world_new();
    ck_assert_int_eq(do_grant(world, 0, "c", 2, "*/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "l", 2, "lease/*"), OUTCOME_APPLIED);

    ck_assert_int_eq(DELEGATE(world, 2, "none", "d", 3, "lease/*"), OUTCOME_CAPABILITY_NOT_FOUND);
    ck_assert_int_eq(DELEGATE(world, 1, "c", "d", 3, "lease/*"), OUTCOME_CAPABILITY_NOT_OWNER);
    ck_assert_int_eq(DELEGATE(world, 2, "l", "d", 3, "lease/*"), OUTCOME_NO_RIGHT);
    ck_assert_int_eq(DELEGATE(world, 2, "c", "d", 3, "lease/*"), OUTCOME_APPLIED);
}
END_TEST

START_TEST(revoking_ends_everything_below)
{
    struct world *world = world_new();
    ck_assert_int_eq(do_grant(world, 0, "a", 2, "*/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(DELEGATE(world, 2, "a", "b", 3, "*/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(DELEGATE(world, 3, "b", "c", 4, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(DELEGATE(world, 3, "b", "d", 5, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "other", 6, "lease/*"), OUTCOME_APPLIED);

    ck_assert_int_eq(do_revoke(world, 1, "a"), OUTCOME_CAPABILITY_NOT_OWNER);
    ck_assert_int_eq(do_revoke(world, 2, "b"), OUTCOME_APPLIED); /* from above */
    ck_assert(may(world, 2, EVENT_LeaseIssued, "r"));
    ck_assert(may(world, 6, EVENT_LeaseIssued, "r"));
    for (unsigned int actor = 3; actor <= 5; actor++)
        ck_assert(!may(world, actor, EVENT_LeaseIssued, "r"));
    ck_assert_int_eq(do_issue(world, 4, "r", 1000), OUTCOME_NO_RIGHT);
    ck_assert_int_eq(do_revoke(world, 0, "c"), OUTCOME_CAPABILITY_REVOKED);
    ck_assert_int_eq(DELEGATE(world, 2, "b", "e", 3, "lease/*"), OUTCOME_CAPABILITY_REVOKED);
}
END_TEST

START_TEST(roots_stay)
{
    struct world *world = world_new();

    ck_assert_int_eq(do_revoke(world, 0, "root-a"), OUTCOME_NO_RIGHT);
    ck_assert_int_eq(do_revoke(world, 0, "root-b"), OUTCOME_CAPABILITY_NOT_OWNER);
    ck_assert(may(world, 0, EVENT_LeaseIssued, "r"));
}
END_TEST

START_TEST(expiry_ends_at_the_block_s_time)
{
    struct world *world = world_new();
    union event_payload payload = {.CapabilityGranted = {.capability_id = text("c"),
                                                         .subject = actor_key(2),
                                                         .expires_at_ms = world->time_ms + 100}};
    add_rights(&payload.CapabilityGranted.rights, "*/*");
    ck_assert_int_eq(world_do(world, 0, EVENT_CapabilityGranted, &payload), OUTCOME_APPLIED);
    ck_assert_int_eq(DELEGATE(world, 2, "c", "d", 3, "lease/*"), OUTCOME_APPLIED);

    world->time_ms += 99;
    ck_assert_int_eq(do_issue(world, 3, "a", 1000), OUTCOME_APPLIED);
    world->time_ms += 1;
    ck_assert_int_eq(do_issue(world, 3, "b", 1000), OUTCOME_NO_RIGHT);
    ck_assert_int_eq(do_revoke(world, 0, "c"), OUTCOME_CAPABILITY_EXPIRED);
    payload.CapabilityGranted.capability_id = text("late");
    ck_assert_int_eq(world_do(world, 0, EVENT_CapabilityGranted, &payload),
                     OUTCOME_CAPABILITY_EXPIRED);
}
END_TEST

START_TEST(the_chain_of_delegations_is_bounded)
{
    struct world *world = world_new();
    char from[16] = "root-a";
    char id[16];

    for (unsigned int depth = 1; depth <= DELEGATION_DEPTH_MAX; depth++) {
        (void)snprintf(id, sizeof(id), "d%u", depth);
        ck_assert_int_eq(DELEGATE(world, 0, from, id, 0, "*/*"), OUTCOME_APPLIED);
        memcpy(from, id, sizeof(from));
    }
    ck_assert_int_eq(DELEGATE(world, 0, from, "x", 0, "*/*"), OUTCOME_CAPABILITY_TOO_DEEP);
}
END_TEST

START_TEST(ended_ones_make_room_oldest_first)
{
    struct world *world = world_with((struct authority_limits){.capabilities = 6});

    ck_assert_int_eq(do_grant(world, 0, "a", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "b", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "d", 2, "lease/*"), OUTCOME_STATE_FULL);
    ck_assert_int_eq(do_revoke(world, 0, "b"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_revoke(world, 0, "a"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "d", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_revoke(world, 0, "b"), OUTCOME_CAPABILITY_NOT_FOUND);
    ck_assert_int_eq(do_revoke(world, 0, "a"), OUTCOME_CAPABILITY_REVOKED);
    ck_assert_int_eq(do_grant(world, 0, "e", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "f", 2, "lease/*"), OUTCOME_STATE_FULL);
}
END_TEST

START_TEST(one_actor_holds_a_bounded_number)
{
    struct world *world = world_new();
    char id[16];

    for (uint32_t i = 0; i < CAPABILITIES_PER_SUBJECT_MAX; i++) {
        (void)snprintf(id, sizeof(id), "c%u", i);
        ck_assert_int_eq(do_grant(world, 0, id, 2, "lease/*"), OUTCOME_APPLIED);
    }
    ck_assert_int_eq(do_grant(world, 0, "more", 2, "lease/*"), OUTCOME_STATE_FULL);
    ck_assert_int_eq(do_grant(world, 0, "more", 3, "lease/*"), OUTCOME_APPLIED);
}
END_TEST

START_TEST(actors_are_bounded)
{
    struct world *world = world_with((struct authority_limits){.actors = 3});

    ck_assert_int_eq(do_grant(world, 0, "a", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 0, "b", 3, "lease/*"), OUTCOME_STATE_FULL);
    ck_assert_int_eq(do_grant(world, 0, "b", 2, "lease/*"), OUTCOME_APPLIED);
}
END_TEST

START_TEST(rights_print_what_they_parse)
{
    struct event_list list = {.n = 2, .items = {text("lease/*"), text("work/open")}};
    struct rights rights;
    char out[512];

    ck_assert(rights_parse(&list, &rights));
    ck_assert_uint_gt(rights_print(rights, out, sizeof(out)), 0);
    ck_assert_str_eq(out, "lease/issue lease/renew lease/release work/open");
    ck_assert_uint_eq(rights_print(rights, out, 10), 0);
    ck_assert_uint_eq(rights_print(RIGHTS_ALL, out, sizeof(out)), 3);
}
END_TEST

/* ---- against a naive model: a table of everything ever granted ---- */

#define MODEL_MAX 400u
#define MODEL_ACTORS 6u

struct model_capability {
    int parent; /* -1: a root */
    unsigned int subject;
    bool is_ended;
    bool may_lease;
    bool may_pass_on;
    uint32_t depth;
};

static struct model_capability models[MODEL_MAX];
static uint32_t n_models;
static uint64_t random_state;

static uint32_t roll(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

static bool model_may(unsigned int actor, bool lease)
{
    for (uint32_t i = 0; i < n_models; i++) {
        const struct model_capability *model = &models[i];
        bool has_right = lease ? model->may_lease : model->may_pass_on;
        if (model->subject == actor && !model->is_ended && has_right)
            return true;
    }
    return false;
}

static bool model_is_above(int above, int below)
{
    for (int at = below; at >= 0; at = models[at].parent) {
        if (at == above)
            return true;
    }
    return false;
}

static void name_of(uint32_t i, char *out, size_t size)
{
    static const char *roots[] = {"root-a", "root-b"};

    if (i < 2)
        (void)snprintf(out, size, "%s", roots[i]);
    else
        (void)snprintf(out, size, "m%u", i);
}

static bool is_known[MODEL_ACTORS];

static enum outcome model_delegate(unsigned int actor, uint32_t from, unsigned int subject,
                                   bool pass_on)
{
    const struct model_capability *above = &models[from];
    if (!is_known[actor])
        return OUTCOME_UNKNOWN_ACTOR;
    if (!model_may(actor, false))
        return OUTCOME_NO_RIGHT;
    if (above->is_ended)
        return OUTCOME_CAPABILITY_REVOKED;
    if (above->subject != actor)
        return OUTCOME_CAPABILITY_NOT_OWNER;
    if (!above->may_pass_on)
        return OUTCOME_NO_RIGHT;
    if (above->depth == DELEGATION_DEPTH_MAX)
        return OUTCOME_CAPABILITY_TOO_DEEP;
    models[n_models++] =
        (struct model_capability){(int)from, subject, false, true, pass_on, above->depth + 1};
    is_known[subject] = true;
    return OUTCOME_APPLIED;
}

static enum outcome model_revoke(unsigned int actor, uint32_t which)
{
    bool is_above = false;
    if (!is_known[actor])
        return OUTCOME_UNKNOWN_ACTOR;
    if (!model_may(actor, false))
        return OUTCOME_NO_RIGHT;
    if (models[which].is_ended)
        return OUTCOME_CAPABILITY_REVOKED;
    for (int at = (int)which; at >= 0; at = models[at].parent)
        is_above = is_above || models[at].subject == actor;
    if (!is_above)
        return OUTCOME_CAPABILITY_NOT_OWNER;
    if (models[which].parent < 0)
        return OUTCOME_NO_RIGHT;
    for (uint32_t i = 0; i < n_models; i++)
        models[i].is_ended = models[i].is_ended || model_is_above((int)which, (int)i);
    return OUTCOME_APPLIED;
}

static void step(struct world *world)
{
    unsigned int actor = roll(MODEL_ACTORS);
    uint32_t which = roll(n_models);
    char name[16];
    char fresh[16];
    name_of(which, name, sizeof(name));
    name_of(n_models, fresh, sizeof(fresh));

    if (!is_known[actor])
        world->nonces[actor] = 0;
    if (roll(4) != 0) {
        unsigned int subject = roll(MODEL_ACTORS);
        bool pass_on = roll(2) != 0;
        enum outcome got = do_delegate(
            world, (struct delegation){actor, name, fresh, subject, pass_on ? "*/*" : "lease/*"});
        ck_assert_int_eq(got, model_delegate(actor, which, subject, pass_on));
    } else {
        enum outcome got = do_revoke(world, actor, name);
        ck_assert_int_eq(got, model_revoke(actor, which));
    }
    for (unsigned int i = 0; i < MODEL_ACTORS; i++)
        ck_assert_int_eq(model_may(i, true), may(world, i, EVENT_LeaseIssued, "r"));
}

START_TEST(random_histories_match_the_model)
{
    struct world *world = world_new();

    random_state = (uint64_t)_i;
    models[0] = (struct model_capability){-1, 0, false, true, true, 0};
    models[1] = (struct model_capability){-1, 1, false, true, true, 0};
    n_models = 2;
    is_known[0] = is_known[1] = true;
    for (uint32_t n = 0; n < 1200 && n_models < MODEL_MAX; n++)
        step(world);
    ck_assert_uint_gt(n_models, 20);
}
END_TEST

UNIT_MAIN("capability", NULL, worlds_end, {
    tcase_add_test(tc, a_grant_makes_an_actor_with_exactly_its_rights);
    tcase_add_test(tc, ids_are_taken_once);
    tcase_add_loop_test(tc, a_delegation_is_a_subset, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, only_the_owner_delegates_and_only_with_that_right);
    tcase_add_test(tc, revoking_ends_everything_below);
    tcase_add_test(tc, roots_stay);
    tcase_add_test(tc, expiry_ends_at_the_block_s_time);
    tcase_add_test(tc, the_chain_of_delegations_is_bounded);
    tcase_add_test(tc, ended_ones_make_room_oldest_first);
    tcase_add_test(tc, one_actor_holds_a_bounded_number);
    tcase_add_test(tc, actors_are_bounded);
    tcase_add_test(tc, rights_print_what_they_parse);
    tcase_add_loop_test(tc, random_histories_match_the_model, 0, 8);
})
