/* From a plan to the document. */
#include "common/genesis.h"

#include "common/genesis_parse.h"
#include "common/json_field.h"
#include "common/must.h"

static void set_new(json_t *object, const char *key, json_t *value)
{
    MUST(json_object_set_new(object, key, value) == 0);
}

/* What is no UTF-8 becomes empty, which genesis_parse then refuses by its field. */
static json_t *text_json(const char *text)
{
    json_t *value = json_string(text);
    return value != NULL ? value : json_string("");
}

static json_t *parameters_json(const struct genesis_parameters *parameters)
{
    json_t *json = json_object();
#define SET_PARAMETER(name, max, min)                                                              \
    set_new(json, #name, json_integer((json_int_t)parameters->name));
    GENESIS_PARAMETERS(SET_PARAMETER)
#undef SET_PARAMETER
    return json;
}

static json_t *t0_json(const struct genesis *plan)
{
    json_t *keys = json_array();
    for (uint32_t i = 0; i < plan->n_t0; i++)
        MUST(json_array_append_new(keys, json_of_hex(plan->t0[i].b, 32)) == 0);
    json_t *json = json_object();
    set_new(json, "keys", keys);
    set_new(json, "threshold", json_integer(plan->t0_threshold));
    return json;
}

static int card_cmp(const void *a, const void *b)
{
    return strcmp((*(const struct card *const *)a)->id, (*(const struct card *const *)b)->id);
}

static json_t *validators_json(const struct genesis *plan)
{
    const struct card *by_id[VALIDATORS_MAX] = {NULL};
    for (uint32_t i = 0; i < plan->n_validators; i++)
        by_id[i] = &plan->cards[i];
    qsort(by_id, plan->n_validators, sizeof(const struct card *), card_cmp);

    json_t *json = json_array();
    for (uint32_t i = 0; i < plan->n_validators; i++)
        MUST(json_array_append_new(json, card_to_json(by_id[i])) == 0);
    return json;
}

static json_t *actor_json(const struct genesis_actor *actor)
{
    json_t *rights = json_array();
    for (uint32_t i = 0; i < actor->n_rights; i++) {
        char text[sizeof(actor->rights[i]) + 2];
        (void)snprintf(text, sizeof(text), "%s/%s", actor->rights[i].family, actor->rights[i].verb);
        MUST(json_array_append_new(rights, text_json(text)) == 0);
    }
    json_t *json = json_object();
    set_new(json, "capability", text_json(actor->capability));
    set_new(json, "key", json_of_hex(actor->key.b, sizeof(actor->key.b)));
    set_new(json, "namespace", text_json(actor->space));
    set_new(json, "rights", rights);
    return json;
}

static json_t *actors_json(const struct genesis *plan)
{
    json_t *json = json_array();
    for (uint32_t i = 0; i < plan->n_actors; i++)
        MUST(json_array_append_new(json, actor_json(&plan->actors[i])) == 0);
    return json;
}

static json_t *schemas_json(const struct genesis *plan)
{
    json_t *json = json_array();
    for (uint32_t i = 0; i < plan->n_schemas; i++) {
        json_t *one = json_object();
        set_new(one, "type", text_json(plan->schemas[i].type));
        set_new(one, "digest", json_of_hex(plan->schemas[i].digest.b, 32));
        MUST(json_array_append_new(json, one) == 0);
    }
    return json;
}

static json_t *plan_json(const struct genesis *plan)
{
    json_t *json = json_object();
    set_new(json, "name", text_json(plan->name));
    set_new(json, "rules_version", json_integer((json_int_t)plan->rules_version));
    set_new(json, "created_ms", json_integer((json_int_t)plan->created_ms));
    set_new(json, "parameters", parameters_json(&plan->parameters));
    set_new(json, "t0", t0_json(plan));
    set_new(json, "validators", validators_json(plan));
    set_new(json, "actors", actors_json(plan));
    set_new(json, "schemas", schemas_json(plan));
    set_new(json, "signatures", json_array());
    return json;
}

enum apm_err genesis_create(const struct genesis *plan, json_t **ret_json, struct why *ret_why)
{
    MUST(plan->n_t0 <= GENESIS_T0_MAX && plan->n_validators <= VALIDATORS_MAX &&
         plan->n_actors <= GENESIS_ACTORS_MAX && plan->n_schemas <= GENESIS_SCHEMAS_MAX);
    json_t *json = plan_json(plan);
    /* What a node would refuse to read is not written. */
    struct genesis *check = genesis_new();
    enum apm_err err = genesis_parse(json, check, ret_why);
    genesis_destroy(&check);
    if (err != APM_OK) {
        json_decref(json);
        return err;
    }
    *ret_json = json;
    return APM_OK;
}
