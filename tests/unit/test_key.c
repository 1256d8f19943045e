#include "tests/support/authority_world.h"
#include "tests/support/unit.h"

#include "common/rotation.h"

/* A key that can sign, as the new key of a rotation must. */
struct signer {
    struct key key;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

static struct signer signer_of(uint8_t n)
{
    uint8_t seed[crypto_sign_SEEDBYTES] = {n};
    struct signer signer;

    ck_assert_int_eq(crypto_sign_seed_keypair(signer.key.b, signer.secret, seed), 0);
    return signer;
}

static union event_payload rotation_of(const struct key *old, const struct signer *new)
{
    const struct rotation rotation = {.old_key = *old, .new_key = new->key};
    union event_payload payload = {.KeyRotated = {.new_key = new->key}};
    uint8_t statement[ROTATION_BYTES];

    rotation_statement(&rotation, statement);
    (void)crypto_sign_detached(payload.KeyRotated.possession.b, NULL, statement, sizeof(statement),
                               new->secret);
    return payload;
}

static enum outcome rotate(struct world *world, unsigned int actor, const struct signer *new)
{
    struct key old = actor_key(actor);
    union event_payload payload = rotation_of(&old, new);

    return world_do(world, actor, EVENT_KeyRotated, &payload);
}

/* Another's key. */
static enum outcome rotate_other(struct world *world, unsigned int actor, unsigned int other,
                                 const struct signer *new)
{
    struct key old = actor_key(other);
    union event_payload payload = rotation_of(&old, new);

    payload.KeyRotated.old_key = old;
    return world_do(world, actor, EVENT_KeyRotated, &payload);
}

/* One event by a key of ours. */
static enum outcome act_as(struct world *world, const struct signer *signer, uint64_t nonce,
                           enum event_type type, const union event_payload *payload)
{
    struct bundle_view *bundle = world_bundle(world, 99);
    bundle->body.actor = signer->key;
    bundle->body.nonce = nonce;
    world_event(world, type, payload);
    return (enum outcome)world_apply(world)->codes.data[0];
}

static struct actor_view look(struct world *world, const struct key *key)
{
    struct actor_view view;

    ck_assert(authority_find_actor(world->authority, key, &view));
    return view;
}

START_TEST(the_new_key_holds_what_the_old_one_held)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);
    struct key old = actor_key(0);
    union event_payload release = {.LeaseReleased = {.resource = text("r")}};
    union event_payload issue = issue_of("s", "svc", 1000);

    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate(world, 0, &new), OUTCOME_APPLIED);

    ck_assert_int_eq(do_issue(world, 0, "t", 1000), OUTCOME_KEY_ROTATED_AWAY);
    ck_assert_int_eq(act_as(world, &new, 0, EVENT_LeaseReleased, &release), OUTCOME_APPLIED);
    ck_assert_int_eq(act_as(world, &new, 1, EVENT_LeaseIssued, &issue), OUTCOME_APPLIED);
    ck_assert_int_eq(act_as(world, &new, 1, EVENT_LeaseIssued, &issue), OUTCOME_REPLAYED);

    struct actor_view before = look(world, &old), after = look(world, &new.key);
    ck_assert(before.is_rotated && key_eq(&before.successor, &new.key));
    ck_assert_uint_eq(before.rotated_at_ms, world->time_ms);
    ck_assert_uint_eq(before.n_capabilities, 0);
    ck_assert_int_eq(before.tier, ACTOR_TIER_NONE);
    ck_assert(!after.is_rotated);
    ck_assert_uint_eq(after.n_capabilities, 2); /* root-a and root-p */
    ck_assert_int_eq(after.tier, ACTOR_TIER_2);
}
END_TEST

START_TEST(what_was_cut_from_it_stays)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);
    union event_payload revoke = {.CapabilityRevoked = {.capability_id = text("c")}};

    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate(world, 0, &new), OUTCOME_APPLIED);
    ck_assert_int_eq(do_issue(world, 2, "r", 1000), OUTCOME_APPLIED);
    ck_assert_int_eq(act_as(world, &new, 0, EVENT_CapabilityRevoked, &revoke), OUTCOME_APPLIED);
    ck_assert_int_eq(do_issue(world, 2, "s", 1000), OUTCOME_NO_RIGHT);
}
END_TEST

START_TEST(a_chain_of_rotations_is_followed)
{
    struct world *world = world_new();
    struct signer first = signer_of(7), second = signer_of(8);
    union event_payload renew = {.LeaseRenewed = {.resource = text("r"), .ttl_ms = 1}};

    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate(world, 0, &first), OUTCOME_APPLIED);
    union event_payload again = rotation_of(&first.key, &second);
    ck_assert_int_eq(act_as(world, &first, 0, EVENT_KeyRotated, &again), OUTCOME_APPLIED);
    ck_assert_int_eq(act_as(world, &second, 0, EVENT_LeaseRenewed, &renew), OUTCOME_APPLIED);
    ck_assert_int_eq(act_as(world, &first, 1, EVENT_LeaseRenewed, &renew),
                     OUTCOME_KEY_ROTATED_AWAY);
}
END_TEST

START_TEST(a_holder_by_key_is_followed_too)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);
    struct key holder = actor_key(2);
    char hex[65];

    hex_encode(holder.b, sizeof(holder.b), hex);
    union event_payload issue = issue_of("r", hex, 1000);
    union event_payload release = {.LeaseReleased = {.resource = text("r")}};
    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(world_do(world, 0, EVENT_LeaseIssued, &issue), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate(world, 2, &new), OUTCOME_APPLIED);
    ck_assert_int_eq(act_as(world, &new, 0, EVENT_LeaseReleased, &release), OUTCOME_APPLIED);
}
END_TEST

START_TEST(an_actor_with_few_rights_may_rotate_its_own)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);

    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/issue"), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate(world, 2, &new), OUTCOME_APPLIED);
    ck_assert_int_eq(look(world, &new.key).tier, ACTOR_TIER_3);
}
END_TEST

START_TEST(who_stands_above_rotates_a_lost_key)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);
    union event_payload issue = issue_of("r", "svc", 1000);

    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate_other(world, 1, 2, &new), OUTCOME_KEY_NOT_OWNER);
    ck_assert_int_eq(rotate_other(world, 0, 2, &new), OUTCOME_APPLIED);
    ck_assert_int_eq(act_as(world, &new, 0, EVENT_LeaseIssued, &issue), OUTCOME_APPLIED);
    ck_assert_int_eq(do_issue(world, 2, "s", 1000), OUTCOME_KEY_ROTATED_AWAY);
}
END_TEST

/* Above one of two capabilities is not above the actor. */
START_TEST(above_means_above_all_it_holds)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);

    ck_assert_int_eq(do_grant(world, 0, "c", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 1, "d", 2, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate_other(world, 0, 2, &new), OUTCOME_KEY_NOT_OWNER);
    ck_assert_int_eq(rotate_other(world, 0, 1, &new), OUTCOME_KEY_NOT_OWNER);
    ck_assert_int_eq(do_revoke(world, 1, "d"), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate_other(world, 0, 2, &new), OUTCOME_APPLIED);
}
END_TEST

START_TEST(rotating_anothers_needs_the_right)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);

    ck_assert_int_eq(do_grant(world, 0, "c", 2, "*/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(do_grant(world, 2, "d", 3, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(DELEGATE(world, 2, "c", "e", 4, "lease/*"), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate_other(world, 3, 4, &new), OUTCOME_NO_RIGHT);
    ck_assert_int_eq(rotate_other(world, 2, 4, &new), OUTCOME_APPLIED);
}
END_TEST

START_TEST(the_new_key_must_have_signed_for_this_rotation)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);
    struct key old = actor_key(0), other = actor_key(1);
    union event_payload flipped = rotation_of(&old, &new), elsewhere = rotation_of(&other, &new);

    flipped.KeyRotated.possession.b[5] ^= 1;
    ck_assert_int_eq(world_do(world, 0, EVENT_KeyRotated, &flipped), OUTCOME_KEY_NOT_PROVED);
    ck_assert_int_eq(world_do(world, 0, EVENT_KeyRotated, &elsewhere), OUTCOME_KEY_NOT_PROVED);
    ck_assert_int_eq(rotate(world, 0, &new), OUTCOME_APPLIED);
}
END_TEST

START_TEST(a_key_in_use_or_gone_is_no_new_key)
{
    struct world *world = world_new();
    struct signer new = signer_of(7), third = signer_of(8);

    ck_assert_int_eq(rotate(world, 0, &new), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate(world, 1, &new), OUTCOME_KEY_IN_USE);
    ck_assert_int_eq(rotate_other(world, 1, 0, &third), OUTCOME_KEY_ROTATED_AWAY);
    ck_assert_int_eq(rotate_other(world, 1, 9, &third), OUTCOME_UNKNOWN_ACTOR);
    ck_assert_int_eq(do_grant(world, 1, "c", 0, "lease/*"), OUTCOME_KEY_ROTATED_AWAY);
}
END_TEST

START_TEST(the_rest_of_its_bundle_is_of_the_old_key)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);
    struct key old = actor_key(0);
    union event_payload payload = rotation_of(&old, &new), issue = issue_of("r", "svc", 1000);

    world_bundle(world, 0);
    world_event(world, EVENT_KeyRotated, &payload);
    world_event(world, EVENT_LeaseIssued, &issue);
    const struct executed *executed = world_apply(world);
    ck_assert_uint_eq(executed->codes.data[0], OUTCOME_APPLIED);
    ck_assert_uint_eq(executed->codes.data[1], OUTCOME_KEY_ROTATED_AWAY);
}
END_TEST

START_TEST(no_room_for_another_actor_is_said)
{
    struct world *world = world_with((struct authority_limits){.actors = 2});
    struct signer new = signer_of(7);

    ck_assert_int_eq(rotate(world, 0, &new), OUTCOME_STATE_FULL);
    ck_assert_int_eq(do_issue(world, 0, "r", 1000), OUTCOME_APPLIED);
}
END_TEST

START_TEST(a_rotation_stands_in_the_root)
{
    struct world *a = world_new(), *b = world_new();
    struct signer one = signer_of(7), two = signer_of(8);

    ck_assert_int_eq(rotate(a, 0, &one), OUTCOME_APPLIED);
    ck_assert_int_eq(rotate(b, 0, &two), OUTCOME_APPLIED);
    ck_assert(!hash_eq(&a->executed.authority_root, &b->executed.authority_root));
}
END_TEST

START_TEST(actors_are_listed_in_the_order_of_their_coming)
{
    struct world *world = world_new();
    struct signer new = signer_of(7);
    struct key want[] = {actor_key(0), actor_key(1), new.key};
    struct actor_view view;
    uint32_t cursor = 0, n = 0;

    ck_assert_int_eq(rotate(world, 1, &new), OUTCOME_APPLIED);
    while (authority_next_actor(world->authority, &cursor, &view)) {
        ck_assert_uint_lt(n, N_ELEMENTS(want));
        ck_assert(key_eq(&view.key, &want[n++]));
    }
    ck_assert_uint_eq(n, N_ELEMENTS(want));
}
END_TEST

UNIT_MAIN("key", NULL, worlds_end, {
    tcase_add_test(tc, the_new_key_holds_what_the_old_one_held);
    tcase_add_test(tc, what_was_cut_from_it_stays);
    tcase_add_test(tc, a_chain_of_rotations_is_followed);
    tcase_add_test(tc, a_holder_by_key_is_followed_too);
    tcase_add_test(tc, an_actor_with_few_rights_may_rotate_its_own);
    tcase_add_test(tc, who_stands_above_rotates_a_lost_key);
    tcase_add_test(tc, above_means_above_all_it_holds);
    tcase_add_test(tc, rotating_anothers_needs_the_right);
    tcase_add_test(tc, the_new_key_must_have_signed_for_this_rotation);
    tcase_add_test(tc, a_key_in_use_or_gone_is_no_new_key);
    tcase_add_test(tc, the_rest_of_its_bundle_is_of_the_old_key);
    tcase_add_test(tc, no_room_for_another_actor_is_said);
    tcase_add_test(tc, a_rotation_stands_in_the_root);
    tcase_add_test(tc, actors_are_listed_in_the_order_of_their_coming);
})
