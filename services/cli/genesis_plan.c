#include "services/cli/genesis_plan.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/kernel_schema.h"
#include "common/must.h"

static enum apm_err add_schemas(struct genesis *plan, struct why *why)
{
    MUST(n_kernel_schemas <= GENESIS_SCHEMAS_MAX);
    for (uint32_t i = 0; i < n_kernel_schemas; i++) {
        struct genesis_schema *row = &plan->schemas[plan->n_schemas++];
        (void)snprintf(row->type, sizeof(row->type), "%s", kernel_schemas[i].type);
        enum apm_err err = kernel_schema_digest(kernel_schemas[i].text, &row->digest);
        if (err != APM_OK)
            return explain(why, err, "schema %s: not canonical JSON", kernel_schemas[i].type);
    }
    return APM_OK;
}

static void add_operator(struct genesis *plan, const struct key *key)
{
    struct genesis_actor *actor = &plan->actors[plan->n_actors++];
    actor->key = *key;
    (void)snprintf(actor->capability, sizeof(actor->capability), "root/kernel");
    (void)snprintf(actor->space, sizeof(actor->space), "kernel");
    (void)snprintf(actor->rights[0].family, sizeof(actor->rights[0].family), "*");
    (void)snprintf(actor->rights[0].verb, sizeof(actor->rights[0].verb), "*");
    actor->n_rights = 1;
}

static enum apm_err fill(struct genesis *plan, const struct genesis_files *files,
                         struct sign_pair t0[GENESIS_T0_MAX], struct why *why)
{
    (void)snprintf(plan->name, sizeof(plan->name), "%s", files->name);
    plan->created_ms = clock_wall_ms();
    plan->t0_threshold = files->threshold;
    for (uint32_t i = 0; i < files->n_cards; i++) {
        enum apm_err err = card_read(files->cards[i], &plan->cards[i], why);
        if (err != APM_OK)
            return err;
    }
    plan->n_validators = files->n_cards;
    for (uint32_t i = 0; i < files->n_t0; i++) {
        enum apm_err err = keyfile_read_sign(files->t0_keys[i], &t0[i], why);
        if (err != APM_OK)
            return err;
        plan->t0[i] = t0[i].public_key;
    }
    plan->n_t0 = files->n_t0;

    struct sign_pair actor;
    enum apm_err err = keyfile_read_sign(files->actor_key, &actor, why);
    if (err != APM_OK)
        return err;
    add_operator(plan, &actor.public_key);
    sign_pair_wipe(&actor);
    return add_schemas(plan, why);
}

static enum apm_err sign_and_write(const struct genesis *plan, const struct genesis_files *files,
                                   const struct sign_pair t0[GENESIS_T0_MAX],
                                   struct hash *ret_chain, struct why *why)
{
    json_t *json = NULL;
    enum apm_err err = genesis_create(plan, &json, why);
    for (uint32_t i = 0; err == APM_OK && i < files->n_t0; i++)
        err = genesis_sign(json, &t0[i], why);
    struct hash chain;
    if (err == APM_OK)
        err = genesis_chain(json, &chain);
    if (err == APM_OK)
        err = genesis_write(files->output, json, why);
    if (err == APM_OK)
        *ret_chain = chain;
    json_decref(json);
    return err;
}

enum apm_err genesis_from_files(const struct genesis_files *files, struct hash *ret_chain,
                                struct complaint *ret_complaint)
{
    struct why why = {""};
    struct sign_pair t0[GENESIS_T0_MAX];
    struct genesis *plan = genesis_new();

    enum apm_err err = fill(plan, files, t0, &why);
    if (err == APM_OK)
        err = sign_and_write(plan, files, t0, ret_chain, &why);
    for (uint32_t i = 0; i < files->n_t0; i++)
        sign_pair_wipe(&t0[i]);
    genesis_destroy(&plan);
    if (err != APM_OK)
        return complain(ret_complaint, err, "%s", why.text[0] != 0 ? why.text : apm_err_text(err));
    return APM_OK;
}
