/* The monitor's life, and what its tables tell it. */
#include "services/byzantine-monitor/monitor.h"

#include <sodium.h>

#include "common/log.h"

const struct validator_set *monitor_set(const struct monitor *monitor, uint64_t epoch)
{
    return epoch == monitor->genesis->set.epoch ? &monitor->genesis->set : NULL;
}

const char *monitor_name_of(const struct monitor *monitor, uint64_t epoch, uint64_t validator)
{
    if (monitor_set(monitor, epoch) == NULL || validator >= monitor->genesis->n_validators)
        return "";
    return monitor->genesis->cards[validator].id;
}

static void on_up(void *context, uint64_t source, uint64_t number, uint64_t cursor)
{
    struct monitor *monitor = context;

    monitor->source = source;
    monitor->number = number;
    monitor->cursor = cursor;
    monitor->is_loaded = true;
}

/* The table is the truth: a restart or another process before us changes no count. */
static void on_counted(void *context, const struct store_counts *counts)
{
    static const enum metric_label labels[STORE_KINDS] = {
        [EVIDENCE_EQUIVOCATION] = LABEL_equivocation,
        [EVIDENCE_INVALID_SIGNATURE] = LABEL_invalid_signature,
        [EVIDENCE_QUORUM_FORGERY] = LABEL_quorum_forgery,
        [EVIDENCE_REPLAY] = LABEL_replay,
    };
    struct monitor *monitor = context;

    monitor->counts = *counts;
    for (size_t kind = EVIDENCE_EQUIVOCATION; kind < STORE_KINDS; kind++)
        metric_count_to(monitor->env->metrics, METRIC_evidence_total, labels[kind],
                        counts->kept[kind]);
    metric_set(monitor->env->metrics, METRIC_evidence_unacknowledged,
               (double)counts->unacknowledged);
}

static void on_failed(void *context, enum apm_err err, const char *detail)
{
    struct monitor *monitor = context;

    LOG_ERROR("database", F_ERR(err), F_STR("detail", detail));
    service_fail(monitor->env, err);
}

enum apm_err monitor_start(void *state, struct service_env *env)
{
    struct monitor *monitor = state;
    struct why why = {""};

    monitor->env = env;
    enum apm_err err = genesis_read(conf_str(env->conf, SETTING_genesis), &monitor->genesis, &why);
    if (err != APM_OK) {
        LOG_ERROR("start_failed", F_STR("error", apm_err_name(err)), F_STR("detail", why.text));
        return err;
    }
    struct store_config config = {.conninfo = conf_str(env->conf, SETTING_database),
                                  .node = env->node};
    randombytes_buf(&config.seed, sizeof(config.seed));
    const struct store_events events = {monitor, on_up, on_counted, on_failed};
    monitor->store = store_new(&config, &events, env->loop);
    spread_start(monitor);
    return APM_OK;
}

void monitor_stop(void *state)
{
    struct monitor *monitor = state;

    spread_stop(monitor);
    store_destroy(&monitor->store);
    genesis_destroy(&monitor->genesis);
}

void monitor_turn(void *state, uint64_t now_ms)
{
    struct monitor *monitor = state;

    metric_set(monitor->env->metrics, METRIC_pg_up, store_is_up(monitor->store));
    spread_turn(monitor, now_ms);
}

uint64_t monitor_deadline_ms(void *state)
{
    return spread_deadline_ms(state);
}

void monitor_health(void *state, struct health *health)
{
    const struct monitor *monitor = state;
    bool is_up = store_is_up(monitor->store) && monitor->is_loaded;

    health_add(health, "database", is_up, "%s", is_up ? "up" : store_detail(monitor->store));
}
