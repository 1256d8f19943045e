/* The exporter's life: started, turned, stopped by the service's frame. */
#include "services/metrics-exporter/exporter.h"

#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

/* Whoever asks for metrics, and however often: votes go first. */
#define NICENESS 10

static void name_services(struct exporter *exporter)
{
    const char *names[SIBLINGS_N];

    for (enum sibling i = 0; i < SIBLINGS_N; i++)
        names[i] = sibling_table[i].name;
    metrics_name_series(exporter->env->metrics, names, SIBLINGS_N);
    metric_set_at(exporter->env->metrics, METRIC_service_up, SIBLING_METRICS_EXPORTER, 1);
}

static void describe_self(struct exporter *exporter)
{
    struct service_view *self = &exporter->snapshot.services[SIBLING_METRICS_EXPORTER];

    self->is_up = true;
    self->was_up = true;
    self->is_ready = true;
    self->pid = (uint64_t)getpid();
    (void)snprintf(self->version, sizeof(self->version), "%s", APM2_VERSION);
    (void)snprintf(exporter->snapshot.node, sizeof(exporter->snapshot.node), "%s",
                   exporter->env->node);
    (void)snprintf(exporter->snapshot.version, sizeof(exporter->snapshot.version), "%s",
                   APM2_VERSION);
}

enum apm_err exporter_start(void *state, struct service_env *env)
{
    struct exporter *exporter = state;

    exporter->env = env;
    exporter->started_ms = clock_mono_ms();
    if (setpriority(PRIO_PROCESS, 0, NICENESS) != 0)
        LOG_WARN("priority", F_STR("detail", "cannot be lowered"));
    name_services(exporter);
    describe_self(exporter);
    return polls_start(exporter);
}

void exporter_turn(void *state, uint64_t now_ms)
{
    polls_turn(state, now_ms);
}

uint64_t exporter_deadline_ms(void *state)
{
    return polls_deadline_ms(state);
}

void exporter_stop(void *state)
{
    struct exporter *exporter = state;

    if (exporter->env != NULL)
        polls_stop(exporter);
}

/* The whole node's readiness, service by service: ?exclude= says which do not matter. */
void exporter_health(void *state, struct health *health)
{
    const struct exporter *exporter = state;

    for (enum sibling i = 0; i < SIBLINGS_ASKED; i++) {
        const struct service_view *view = &exporter->snapshot.services[i];
        const char *detail = !view->is_up      ? "does not answer"
                             : !view->is_ready ? view->detail
                                               : "ready";
        health_add(health, sibling_table[i].name, view->is_ready, "%s", detail);
    }
}
