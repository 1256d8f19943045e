/* From the document to the struct: every member by name, form and bounds. */
#include "common/genesis_parse.h"

#include "common/json_field.h"
#include "common/must.h"

#define GENESIS_FIELDS 8u /* and `signatures` */
#define CREATED_MAX_MS ((1ull << 53) - 1)

static enum apm_err refuse(struct why *ret_why, const char *field)
{
    return explain(ret_why, APM_ERR_GENESIS, "genesis: %s is missing, malformed or out of bounds",
                   field);
}

/* Printable ASCII without blanks: names that stand in logs and command lines. */
static bool is_label(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~')
            return false;
    }
    return true;
}

static bool label(const json_t *object, const char *name, char ret_text[ID_BYTES_MAX + 1])
{
    return json_field_text(object, name, ret_text, ID_BYTES_MAX + 1) && is_label(ret_text);
}

/* Returns the name of the parameter that is wrong; NULL if all are right. */
static const char *parse_parameters(const json_t *json, struct genesis_parameters *ret_parameters)
{
    size_t n = 0;
#define PARSE_PARAMETER(name, max, min)                                                            \
    if (!json_field_u64(json, #name, max, &ret_parameters->name) || ret_parameters->name < (min))  \
        return "parameters." #name;                                                                \
    n++;
    GENESIS_PARAMETERS(PARSE_PARAMETER)
#undef PARSE_PARAMETER
    return json_object_size(json) == n ? NULL : "parameters";
}

bool genesis_parse_t0(const json_t *json, struct genesis *ret_genesis)
{
    const json_t *t0 = json_object_get(json, "t0");
    const json_t *keys = json_object_get(t0, "keys");
    size_t n = json_array_size(keys);
    uint64_t threshold;
    if (n == 0 || n > GENESIS_T0_MAX || !json_field_u64(t0, "threshold", n, &threshold) ||
        threshold == 0 || json_object_size(t0) != 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!json_hex(json_array_get(keys, i), sizeof(struct key), ret_genesis->t0[i].b))
            return false;
    }
    ret_genesis->n_t0 = (uint32_t)n;
    ret_genesis->t0_threshold = (uint32_t)threshold;
    return true;
}

static enum apm_err parse_validators(const json_t *json, struct genesis *ret_genesis,
                                     struct why *ret_why)
{
    size_t n = json_array_size(json);
    if (n < GENESIS_VALIDATORS_MIN || n > VALIDATORS_MAX)
        return explain(ret_why, APM_ERR_GENESIS, "genesis: %zu validators; %u to %u are possible",
                       n, GENESIS_VALIDATORS_MIN, VALIDATORS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct card *card = &ret_genesis->cards[i];
        if (card_from_json(json_array_get(json, i), card, ret_why) != APM_OK)
            return APM_ERR_GENESIS;
        if (!card_verify(card))
            return explain(ret_why, APM_ERR_GENESIS, "genesis: card %s: bad signature", card->id);
        if (i > 0 && strcmp(card[-1].id, card->id) > 0)
            return explain(ret_why, APM_ERR_GENESIS,
                           "genesis: validators are not in the order of their ids at %s", card->id);
    }
    ret_genesis->n_validators = (uint32_t)n;
    return APM_OK;
}

static bool parse_right(const json_t *json, struct genesis_actor *actor)
{
    struct genesis_right *right = &actor->rights[actor->n_rights++];
    const char *text = json_string_value(json);
    const char *slash = text != NULL ? strchr(text, '/') : NULL;
    if (slash == NULL)
        return false;
    size_t family_size = (size_t)(slash - text);
    size_t verb_size = strlen(slash + 1);
    if (family_size >= sizeof(right->family) || verb_size >= sizeof(right->verb))
        return false;
    memcpy(right->family, text, family_size);
    memcpy(right->verb, slash + 1, verb_size);
    return rights_add(&actor->allowed, span_of(right->family, family_size),
                      span_of(right->verb, verb_size));
}

static bool parse_actor(const json_t *json, struct genesis_actor *ret_actor)
{
    const json_t *rights = json_object_get(json, "rights");
    size_t n = json_array_size(rights);
    if (json_object_size(json) != 4 || n == 0 || n > GENESIS_RIGHTS_MAX ||
        !label(json, "capability", ret_actor->capability) ||
        !json_field_hex(json, "key", sizeof(struct key), ret_actor->key.b) ||
        !label(json, "namespace", ret_actor->space) || !card_id_is_valid(ret_actor->space))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!parse_right(json_array_get(rights, i), ret_actor))
            return false;
    }
    return true;
}

static enum apm_err parse_actors(const json_t *json, struct genesis *ret_genesis,
                                 struct why *ret_why)
{
    size_t n = json_array_size(json);
    if (n == 0 || n > GENESIS_ACTORS_MAX)
        return explain(ret_why, APM_ERR_GENESIS, "genesis: %zu actors; 1 to %u are possible", n,
                       GENESIS_ACTORS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!parse_actor(json_array_get(json, i), &ret_genesis->actors[i]))
            return explain(ret_why, APM_ERR_GENESIS,
                           "genesis: actors[%zu] is malformed, or a right of it names nothing", i);
    }
    ret_genesis->n_actors = (uint32_t)n;
    return APM_OK;
}

static bool parse_schema(const json_t *json, struct genesis_schema *ret_schema)
{
    return json_object_size(json) == 2 && label(json, "type", ret_schema->type) &&
           json_field_hex(json, "digest", sizeof(struct hash), ret_schema->digest.b);
}

static enum apm_err parse_schemas(const json_t *json, struct genesis *ret_genesis,
                                  struct why *ret_why)
{
    size_t n = json_array_size(json);
    if (!json_is_array(json) || n > GENESIS_SCHEMAS_MAX)
        return refuse(ret_why, "schemas");
    for (size_t i = 0; i < n; i++) {
        if (!parse_schema(json_array_get(json, i), &ret_genesis->schemas[i]))
            return explain(ret_why, APM_ERR_GENESIS, "genesis: schemas[%zu] is malformed", i);
    }
    ret_genesis->n_schemas = (uint32_t)n;
    return APM_OK;
}

/* The members that are plain values, and that there are no others. */
static const char *parse_head(const json_t *json, struct genesis *ret_genesis)
{
    size_t n_fields = json_object_size(json);
    n_fields -= json_object_get(json, "signatures") != NULL ? 1 : 0;
    if (!json_is_object(json) || n_fields != GENESIS_FIELDS)
        return "the list of members";
    if (!json_field_u64(json, "rules_version", GENESIS_RULES_VERSION,
                        &ret_genesis->rules_version) ||
        ret_genesis->rules_version == 0)
        return "rules_version (is this program older than the genesis?)";
    if (!label(json, "name", ret_genesis->name))
        return "name";
    if (!json_field_u64(json, "created_ms", CREATED_MAX_MS, &ret_genesis->created_ms))
        return "created_ms";
    if (!genesis_parse_t0(json, ret_genesis))
        return "t0";
    return parse_parameters(json_object_get(json, "parameters"), &ret_genesis->parameters);
}

static void derive(struct genesis *genesis)
{
    struct validator_set *set = &genesis->set;
    set->chain = genesis->chain;
    set->root = genesis->chain; /* genesis is the root of epoch 1 */
    set->epoch = 1;
    set->n = genesis->n_validators;
    set->check = sig_check_ed25519;
    set->offset = schedule_offset(&set->root, set->n);
    for (uint32_t i = 0; i < set->n; i++)
        set->keys[i] = genesis->cards[i].key;
    set->t0.n = genesis->n_t0;
    set->t0.threshold = genesis->t0_threshold;
    memcpy(set->t0.keys, genesis->t0, genesis->n_t0 * sizeof(genesis->t0[0]));
}

enum apm_err genesis_parse(const json_t *json, struct genesis *ret_genesis, struct why *ret_why)
{
    const char *wrong = parse_head(json, ret_genesis);
    if (wrong != NULL)
        return refuse(ret_why, wrong);
    enum apm_err err = parse_validators(json_object_get(json, "validators"), ret_genesis, ret_why);
    if (err == APM_OK)
        err = parse_actors(json_object_get(json, "actors"), ret_genesis, ret_why);
    if (err == APM_OK)
        err = parse_schemas(json_object_get(json, "schemas"), ret_genesis, ret_why);
    if (err == APM_OK)
        err = genesis_check_unique(ret_genesis, ret_why);
    if (err == APM_OK && genesis_chain(json, &ret_genesis->chain) != APM_OK)
        err = refuse(ret_why, "its canonical form");
    if (err == APM_OK)
        derive(ret_genesis);
    return err;
}
