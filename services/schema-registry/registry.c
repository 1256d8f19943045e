#include "services/schema-registry/registry.h"

#include <sodium.h>

#include "common/log.h"

/* ---- what the store tells ---- */

static void on_up(void *context)
{
    struct registry *registry = context;

    registry->is_stored = false;
    for (uint32_t i = 0; i < registry->n_entries; i++) {
        const struct schema_entry *entry = &registry->entries[i];
        const struct store_schema row = {.digest = entry->digest,
                                         .space = log_text(NAMESPACE_KERNEL),
                                         .type = log_text(entry->schema->type),
                                         .version = 1,
                                         .text = log_text(entry->schema->text)};
        store_put(registry->store, &row);
    }
    store_check(registry->store);
}

static void on_checked(void *context, uint64_t n_rows)
{
    struct registry *registry = context;

    registry->is_stored = true;
    LOG_INFO("schema_texts", F_U64("stored", n_rows), F_U64("in_force", registry->n_entries));
}

static void on_failed(void *context, enum apm_err err, const char *detail)
{
    struct registry *registry = context;

    LOG_ERROR("database", F_ERR(err), F_STR("detail", detail));
    service_fail(registry->env, err);
}

/* ---- life ---- */

static enum apm_err take_entries(struct registry *registry, struct why *why)
{
    struct genesis *genesis = NULL;
    enum apm_err err = genesis_read(conf_str(registry->env->conf, SETTING_genesis), &genesis, why);

    if (err == APM_OK)
        err = kernel_schema_check(genesis, why);
    for (uint32_t i = 0; err == APM_OK && i < genesis->n_schemas; i++)
        registry->entries[registry->n_entries++] = (struct schema_entry){
            genesis->schemas[i].digest, kernel_schema_of(genesis->schemas[i].type)};
    genesis_destroy(&genesis);
    return err;
}

enum apm_err registry_start(void *state, struct service_env *env)
{
    struct registry *registry = state;
    struct why why = {""};

    registry->env = env;
    enum apm_err err = take_entries(registry, &why);
    if (err != APM_OK) {
        LOG_ERROR("start_failed", F_STR("error", apm_err_name(err)), F_STR("detail", why.text));
        return err;
    }
    metric_set(env->metrics, METRIC_schema_entries, registry->n_entries);
    struct store_config config = {.conninfo = conf_str(env->conf, SETTING_database),
                                  .node = env->node};
    randombytes_buf(&config.seed, sizeof(config.seed));
    const struct store_events events = {registry, on_up, on_checked, on_failed};
    registry->store = store_new(&config, &events, env->loop);
    return APM_OK;
}

void registry_stop(void *state)
{
    struct registry *registry = state;

    store_destroy(&registry->store);
}

void registry_turn(void *state, uint64_t now_ms)
{
    const struct registry *registry = state;

    (void)now_ms;
    metric_set(registry->env->metrics, METRIC_pg_up, store_is_up(registry->store));
}

void registry_health(void *state, struct health *health)
{
    const struct registry *registry = state;
    bool is_up = store_is_up(registry->store);

    health_add(health, "schemas", registry->n_entries > 0, "%u in force", registry->n_entries);
    health_add(health, "database", is_up && registry->is_stored, "%s",
               !is_up                ? store_detail(registry->store)
               : registry->is_stored ? "up"
                                     : "up, texts are being checked");
}
