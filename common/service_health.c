#include "common/service_health.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#define STATUS_UNAVAILABLE 503u

void health_add(struct health *health, const char *name, bool is_ok, const char *format, ...)
{
    MUST(health->n < HEALTH_CHECKS_MAX);
    struct health_check *check = &health->check[health->n];
    health->n++;
    check->is_ok = is_ok;
    (void)snprintf(check->name, sizeof(check->name), "%s", name);

    va_list args;
    va_start(args, format);
    (void)vsnprintf(check->detail, sizeof(check->detail), format, args);
    va_end(args);
}

bool health_is_ok(const struct health *health)
{
    for (size_t i = 0; i < health->n; i++) {
        if (!health->check[i].is_ok) {
            return false;
        }
    }
    return true;
}

static void answer_livez(void *arg, const struct http_request *request, struct http_answer *answer)
{
    const struct service_health *health = arg;
    (void)request;
    bool is_live = clock_mono_ms() - loop_turned_ms(health->env->loop) < LIVE_WITHIN_MS;
    answer->status = is_live ? answer->status : STATUS_UNAVAILABLE;
    buf_text(&answer->body, is_live ? "ok\n" : "the loop does not turn\n");
}

/* Whether `name` stands in the comma-separated list. */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    while (*list != 0) {
        size_t size = strcspn(list, ",");
        if (size == length && memcmp(list, name, size) == 0) {
            return true;
        }
        list += size + (list[size] == ',' ? 1 : 0);
    }
    return false;
}

static void collect(const struct service_health *health, struct health *ret_checks)
{
    *ret_checks = (struct health){0};
    if (health->is_draining) {
        health_add(ret_checks, "serving", false, "draining after a stop was asked for");
    }
    if (health->service->health != NULL) {
        health->service->health(health->state, ret_checks);
    }
}

static const struct health_check *first_failing(const struct health *checks)
{
    size_t i = 0;
    while (i < checks->n && checks->check[i].is_ok) {
        i++;
    }
    return i < checks->n ? &checks->check[i] : NULL;
}

void service_health_say(struct service_health *health, uint64_t now_ms)
{
    struct health checks;
    collect(health, &checks);
    const struct health_check *failing = first_failing(&checks);
    if (failing == NULL) {
        if (health->has_said_unready) {
            LOG_INFO("ready_again", F_U64("after_ms", now_ms - health->unready_ms));
        }
        health->has_said_unready = false;
        health->unready_ms = 0;
    } else if (health->unready_ms == 0) {
        health->unready_ms = now_ms;
    } else if (!health->has_said_unready && !health->is_draining &&
               now_ms - health->unready_ms >= UNREADY_SAID_MS) {
        health->has_said_unready = true;
        LOG_WARN("not_ready", F_STR("check", failing->name), F_STR("detail", failing->detail));
    }
}

static void answer_readyz(void *arg, const struct http_request *request, struct http_answer *answer)
{
    struct health checks;
    collect(arg, &checks);
    bool is_ready = true;
    for (size_t i = 0; i < checks.n; i++) {
        const struct health_check *check = &checks.check[i];
        bool is_excluded = is_listed(request->exclude, check->name);
        is_ready = is_ready && (check->is_ok || is_excluded);
        if (request->verbose || (!check->is_ok && !is_excluded)) {
            buf_printf(&answer->body, "[%c] %s: %s%s\n", check->is_ok ? '+' : '-', check->name,
                       check->detail, is_excluded ? " (excluded)" : "");
        }
    }
    buf_text(&answer->body, is_ready ? "ready\n" : "not ready\n");
    answer->status = is_ready ? answer->status : STATUS_UNAVAILABLE;
}

static void answer_metrics(void *arg, const struct http_request *request,
                           struct http_answer *answer)
{
    const struct service_health *health = arg;
    enum metric_format format = metric_format_wanted(request->accept);
    answer->content_type = metric_content_type(format);
    metrics_print(health->env->metrics, format, &answer->body);
}

const struct http_route *service_health_routes(void)
{
    static const struct http_route routes[] = {{"/livez", answer_livez},
                                               {"/readyz", answer_readyz},
                                               {"/metrics", answer_metrics},
                                               {NULL, NULL}};
    return routes;
}

static void put_text(struct buf *json, const char *name, const char *text)
{
    buf_printf(json, "\"%s\":", name);
    buf_json_string(json, log_text(text));
}

static void put_checks(struct buf *json, const struct health *checks)
{
    buf_text(json, "\"checks\":[");
    for (size_t i = 0; i < checks->n; i++) {
        const struct health_check *check = &checks->check[i];
        buf_text(json, i > 0 ? ",{" : "{");
        put_text(json, "name", check->name);
        buf_printf(json, ",\"ok\":%s,", check->is_ok ? "true" : "false");
        put_text(json, "detail", check->detail);
        buf_char(json, '}');
    }
    buf_char(json, ']');
}

static enum apm_err query_service(void *state, struct span args_json, struct buf *ret_body)
{
    const struct service_health *health = state;
    struct health checks;
    (void)args_json;
    collect(health, &checks);
    buf_char(ret_body, '{');
    put_text(ret_body, "service", service_short_name(health->service));
    buf_char(ret_body, ',');
    put_text(ret_body, "node", health->env->node);
    buf_char(ret_body, ',');
    put_text(ret_body, "version", APM2_VERSION);
    buf_printf(ret_body, ",\"pid\":%d,\"uptime_ms\":%" PRIu64 ",\"draining\":%s,\"ready\":%s,",
               (int)getpid(), clock_mono_ms() - health->started_ms,
               health->is_draining ? "true" : "false", health_is_ok(&checks) ? "true" : "false");
    put_checks(ret_body, &checks);
    buf_text(ret_body, ",\"metrics\":");
    metrics_dump(health->env->metrics, ret_body);
    buf_char(ret_body, '}');
    return APM_OK;
}

const struct admin_query *service_health_queries(void)
{
    static const struct admin_query queries[] = {
        {"service", "is it ready, and everything it counts", query_service, NULL},
        {NULL, NULL, NULL, NULL}};
    return queries;
}
