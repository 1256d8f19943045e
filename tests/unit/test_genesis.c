/* genesis: one document, one chain id, and nothing half right gets in. */
#include "tests/support/unit.h"

#include <sodium.h>
#include <unistd.h>

#include "common/canonical_json.h"
#include "common/genesis.h"
#include "common/hash.h"

#define VALIDATORS 4u
#define T0 5u

static struct genesis *plan;
static struct sign_pair t0[T0];
static struct sign_pair keys[VALIDATORS];
static struct why why;

/* From a seed: equal runs, equal documents. */
static void seeded_pair(unsigned n, struct sign_pair *ret_pair)
{
    uint8_t seed[32] = {(uint8_t)n};
    crypto_sign_seed_keypair(ret_pair->public_key.b, ret_pair->secret, seed);
}

static void add_validator(uint32_t i)
{
    struct card *card = &plan->cards[i];
    seeded_pair(100 + i, &keys[i]);
    card->key = keys[i].public_key;
    /* Written down in another order than that of the ids. */
    snprintf(card->id, sizeof(card->id), "n%u", VALIDATORS - i);
    snprintf(card->address, sizeof(card->address), "127.0.11.%u", i + 1);
    card->instance.b[0] = (uint8_t)(i + 1);
    card->feed.b[0] = (uint8_t)(i + 1);
    card->client_port = CARD_CLIENT_PORT;
    for (unsigned s = 0; s < CARD_SERVICES_N; s++) {
        card->services[s].port = card_service_port((enum card_service)s);
        card->services[s].curve.b[0] = (uint8_t)(i * CARD_SERVICES_N + s + 1);
    }
    card_sign(card, &keys[i]);
}

static void fixture(void)
{
    plan = genesis_new();
    snprintf(plan->name, sizeof(plan->name), "test");
    plan->created_ms = 1700000000000;
    plan->n_t0 = T0;
    plan->t0_threshold = 3;
    for (unsigned i = 0; i < T0; i++) {
        seeded_pair(200 + i, &t0[i]);
        plan->t0[i] = t0[i].public_key;
    }
    plan->n_validators = VALIDATORS;
    for (uint32_t i = 0; i < VALIDATORS; i++)
        add_validator(i);
    struct genesis_actor *actor = &plan->actors[plan->n_actors++];
    *actor = (struct genesis_actor){.capability = "root/kernel",
                                    .space = "kernel",
                                    .key = t0[0].public_key,
                                    .rights = {{"lease", "*"}, {"capability", "grant"}},
                                    .n_rights = 2};
    plan->n_schemas = 1;
    snprintf(plan->schemas[0].type, sizeof(plan->schemas[0].type), "LeaseIssued");
}

static void cleanup(void)
{
    genesis_destroy(&plan);
}

static json_t *created(void)
{
    json_t *json = NULL;
    ck_assert_msg(genesis_create(plan, &json, &why) == APM_OK, "%s", why.text);
    return json;
}

static void sign(json_t *json, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(genesis_sign(json, &t0[i], &why), APM_OK);
}

START_TEST(what_was_planned_is_read)
{
    json_t *json = created();
    sign(json, 3);
    char path[] = "/tmp/apm2-genesis-XXXXXX";
    close(mkstemp(path));
    ck_assert_int_eq(genesis_write(path, json, &why), APM_ERR_BUSY);
    unlink(path);
    ck_assert_int_eq(genesis_write(path, json, &why), APM_OK);
    struct genesis *read = NULL;
    ck_assert_msg(genesis_read(path, &read, &why) == APM_OK, "%s", why.text);
    unlink(path);

    struct hash chain;
    ck_assert_int_eq(genesis_chain(json, &chain), APM_OK);
    ck_assert(hash_eq(&read->chain, &chain));
    ck_assert_str_eq(read->name, "test");
    ck_assert_uint_eq(read->parameters.block_bytes_max, BLOCK_BYTES_MAX);
    ck_assert_uint_eq(read->t0_threshold, 3);
    ck_assert_str_eq(read->actors[0].capability, "root/kernel");
    ck_assert(!rights_cover(read->actors[0].allowed, RIGHTS_ALL));
    ck_assert(read->actors[0].allowed.bits != 0);

    ck_assert_uint_eq(read->set.n, VALIDATORS);
    ck_assert_uint_eq(read->set.epoch, 1);
    ck_assert(hash_eq(&read->set.root, &chain));
    ck_assert_uint_lt(read->set.offset, VALIDATORS);
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        char id[8];
        snprintf(id, sizeof(id), "n%u", i + 1);
        ck_assert_str_eq(read->cards[i].id, id);
        ck_assert(key_eq(&read->set.keys[i], &keys[VALIDATORS - 1 - i].public_key));
        ck_assert_uint_eq(genesis_index_of(read, &read->set.keys[i]), i);
    }
    ck_assert_uint_eq(genesis_index_of(read, &t0[0].public_key), VALIDATORS);
    genesis_destroy(&read);
    json_decref(json);
}
END_TEST

START_TEST(the_chain_id_covers_all_but_the_signatures)
{
    struct hash before;
    struct hash after;
    json_t *json = created();
    ck_assert_int_eq(genesis_chain(json, &before), APM_OK);
    sign(json, 2);
    ck_assert_int_eq(genesis_chain(json, &after), APM_OK);
    ck_assert(hash_eq(&before, &after));
    json_object_set_new(json, "name", json_string("other"));
    ck_assert_int_eq(genesis_chain(json, &after), APM_OK);
    ck_assert(!hash_eq(&before, &after));
    json_decref(json);
}
END_TEST

START_TEST(signatures_are_counted_once_per_key)
{
    json_t *json = created();
    struct genesis *read = NULL;
    ck_assert_uint_eq(genesis_signatures_missing(json), 3);
    sign(json, 2);
    sign(json, 2);
    ck_assert_uint_eq(genesis_signatures_missing(json), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "signatures")), 2);
    /* The same entry again is no third voice. */
    json_t *signatures = json_object_get(json, "signatures");
    json_array_append(signatures, json_array_get(signatures, 0));
    ck_assert_uint_eq(genesis_signatures_missing(json), 1);
    ck_assert_int_eq(genesis_from_json(json, &read, &why), APM_ERR_GENESIS);
    ck_assert_ptr_nonnull(strstr(why.text, "1 of 3 T0 signatures"));
    ck_assert_int_eq(genesis_sign(json, &keys[0], &why), APM_ERR_DENIED);
    sign(json, 3);
    ck_assert_uint_eq(genesis_signatures_missing(json), 0);
    ck_assert_int_eq(genesis_from_json(json, &read, &why), APM_OK);
    genesis_destroy(&read);

    json_object_set_new(json, "created_ms", json_integer(5));
    ck_assert_uint_eq(genesis_signatures_missing(json), 3);
    json_decref(json);
}
END_TEST

/* Plans that must not become a document. */
static void three_validators(void)
{
    plan->n_validators = 3;
}
static void same_id(void)
{
    memcpy(plan->cards[0].id, plan->cards[1].id, 3);
    card_sign(&plan->cards[0], &keys[0]);
}
static void same_key(void)
{
    plan->cards[0].key = plan->cards[1].key;
    card_sign(&plan->cards[0], &keys[1]);
}
static void same_address(void)
{
    memcpy(plan->cards[0].address, plan->cards[1].address, sizeof(plan->cards[0].address));
    card_sign(&plan->cards[0], &keys[0]);
}
static void same_instance(void)
{
    plan->cards[0].instance = plan->cards[1].instance;
    card_sign(&plan->cards[0], &keys[0]);
}
static void same_feed(void)
{
    plan->cards[0].feed = plan->cards[1].feed;
    card_sign(&plan->cards[0], &keys[0]);
}
static void same_curve(void)
{
    plan->cards[0].services[2].curve = plan->cards[1].services[0].curve;
    card_sign(&plan->cards[0], &keys[0]);
}
static void own_curve_twice(void)
{
    plan->cards[0].services[2].curve = plan->cards[0].services[0].curve;
    card_sign(&plan->cards[0], &keys[0]);
}
static void unsigned_card(void)
{
    plan->cards[2].client_port++;
}
static void threshold_zero(void)
{
    plan->t0_threshold = 0;
}
static void threshold_over(void)
{
    plan->t0_threshold = T0 + 1;
}
static void no_t0(void)
{
    plan->n_t0 = 0;
}
static void same_t0(void)
{
    plan->t0[4] = plan->t0[0];
}
static void no_actor(void)
{
    plan->n_actors = 0;
}
static void right_of_nothing(void)
{
    plan->actors[0].rights[1] = (struct genesis_right){"lease", "paint"};
}
static void same_capability(void)
{
    plan->actors[plan->n_actors++] = plan->actors[0];
}
static void parameter_above(void)
{
    plan->parameters.block_bytes_max = BLOCK_BYTES_MAX + 1;
}
static void parameter_below(void)
{
    plan->parameters.nonce_window = 0;
}
static void same_schema(void)
{
    plan->schemas[plan->n_schemas++] = plan->schemas[0];
}
static void blank_name(void)
{
    plan->name[1] = ' ';
}
static void later_rules(void)
{
    plan->rules_version = GENESIS_RULES_VERSION + 1;
}

static const struct row {
    const char *label;
    void (*spoil)(void);
    const char *says;
} rows[] = {
    {"three validators", three_validators, "3 validators"},
    {"one id twice", same_id, "same id"},
    {"one key twice", same_key, "same key"},
    {"one address twice", same_address, "same address"},
    {"one instance twice", same_instance, "same instance"},
    {"one feed key twice", same_feed, "same feed key"},
    {"one CURVE key twice", same_curve, "same CURVE key"},
    {"one CURVE key twice in a card", own_curve_twice, "same CURVE key"},
    {"a card changed after signing", unsigned_card, "bad signature"},
    {"threshold 0", threshold_zero, "t0"},
    {"threshold above the set", threshold_over, "t0"},
    {"no T0", no_t0, "t0"},
    {"one T0 key twice", same_t0, "same key"},
    {"no actor", no_actor, "0 actors"},
    {"a right that names nothing", right_of_nothing, "actors[0]"},
    {"one capability twice", same_capability, "same id"},
    {"a parameter above its limit", parameter_above, "block_bytes_max"},
    {"a parameter below its least", parameter_below, "nonce_window"},
    {"one schema twice", same_schema, "same type"},
    {"a name with a blank", blank_name, "name"},
    {"rules of a later program", later_rules, "rules_version"},
};

START_TEST(spoiled_plans_are_refused)
{
    const struct row *row = &rows[_i];
    row->spoil();
    json_t *json = NULL;
    enum apm_err err = genesis_create(plan, &json, &why);
    ck_assert_msg(err == APM_ERR_GENESIS, "%s: got %d", row->label, err);
    ck_assert_msg(strstr(why.text, row->says) != NULL, "%s: says %s", row->label, why.text);
}
END_TEST

/* Documents of another shape than ours, however well signed. */
static const struct edit {
    const char *label;
    const char *field;
    const char *value; /* NULL: removed */
} edits[] = {
    {"one member more", "extra", "1"},
    {"no actors", "actors", NULL},
    {"schemas not a list", "schemas", "{}"},
    {"schemas missing", "schemas", NULL},
    {"a real", "created_ms", "1.5"},
    {"a negative time", "created_ms", "-1"},
    {"validators not a list", "validators", "7"},
    {"an actor that is no object", "actors", "[1]"},
    {"parameters missing", "parameters", "{}"},
    {"t0 missing", "t0", "null"},
};

START_TEST(edited_documents_are_refused)
{
    const struct edit *row = &edits[_i];
    json_t *json = created();
    if (row->value == NULL)
        json_object_del(json, row->field);
    else
        json_object_set_new(json, row->field, json_loads(row->value, JSON_DECODE_ANY, NULL));
    for (unsigned i = 0; i < T0; i++)
        (void)!genesis_sign(json, &t0[i], &why);
    struct genesis *read = NULL;
    enum apm_err err = genesis_from_json(json, &read, &why);
    ck_assert_msg(err == APM_ERR_GENESIS, "%s: got %d", row->label, err);
    ck_assert_msg(strstr(why.text, "signatures") == NULL, "%s: says %s", row->label, why.text);
    json_decref(json);
}
END_TEST

START_TEST(an_order_other_than_the_ids_is_refused)
{
    json_t *json = created();
    json_t *validators = json_object_get(json, "validators");
    json_t *first = json_incref(json_array_get(validators, 0));
    json_array_remove(validators, 0);
    json_array_append_new(validators, first);
    sign(json, 3);
    struct genesis *read = NULL;
    ck_assert_int_eq(genesis_from_json(json, &read, &why), APM_ERR_GENESIS);
    ck_assert_ptr_nonnull(strstr(why.text, "order"));
    json_decref(json);
}
END_TEST

UNIT_MAIN("genesis", fixture, cleanup, {
    tcase_add_test(tc, what_was_planned_is_read);
    tcase_add_test(tc, the_chain_id_covers_all_but_the_signatures);
    tcase_add_test(tc, signatures_are_counted_once_per_key);
    tcase_add_loop_test(tc, spoiled_plans_are_refused, 0, (int)N_ELEMENTS(rows));
    tcase_add_loop_test(tc, edited_documents_are_refused, 0, (int)N_ELEMENTS(edits));
    tcase_add_test(tc, an_order_other_than_the_ids_is_refused);
})
