/*
 * service_health - /livez, /readyz and /metrics of every service, and its answer to the
 * verb `service` on the admin socket, which says the same at once.
 *
 * The inner half of service. /livez asks nothing but whether the loop turns: a check
 * of the database or the quorum there would restart a waiting cluster to death.
 */
#ifndef APM2_SERVICE_HEALTH_H
#define APM2_SERVICE_HEALTH_H

#include "common/http.h"
#include "common/service.h"

#define LIVE_WITHIN_MS 10000u

/* What the handlers ask; it outlives the HTTP server. */
struct service_health {
    const struct service *service;
    const struct service_env *env;
    void *state;
    uint64_t started_ms; /* clock_mono_ms */
    bool is_draining;
    bool has_said_unready;
    uint64_t unready_ms; /* since when; 0 = ready */
};

/* Logs once when the service has not been ready for UNREADY_SAID_MS, with the first check
 * that fails, and once when it is ready again. Called now and then. */
#define UNREADY_SAID_MS 2000u
void service_health_say(struct service_health *health, uint64_t now_ms);

/* The routes; their arg is a struct service_health. */
const struct http_route *service_health_routes(void);

/* The verbs every service answers; their state is a struct service_health.
 *
 * `service`: {"service": "consensus", "node", "version", "pid", "uptime_ms", "draining",
 * "ready", "checks": [{"name", "ok", "detail"}], "metrics": as metrics_dump}. Cheap, and
 * asks nobody else: the exporter polls it. */
const struct admin_query *service_health_queries(void);

#endif
