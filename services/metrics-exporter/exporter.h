/*
 * exporter - the node's services asked in turn, and what they said served over HTTP.
 *
 * Private to services/metrics-exporter. Only reads: one question at a time to each
 * service, none to PostgreSQL. What was heard last is served until it is STALE_MS old;
 * of a service that is gone nothing is served but that it is gone (sibling.h: and what
 * must outlast it).
 */
#ifndef APM2_EXPORTER_H
#define APM2_EXPORTER_H

#include "common/service.h"
#include "services/metrics-exporter/history.h"
#include "services/metrics-exporter/probe.h"
#include "services/metrics-exporter/snapshot.h"
#include "services/metrics-exporter/verdict.h"

#define STALE_MS 5000u

struct exporter;

/* One service being asked. */
struct poll {
    struct exporter *exporter;
    enum sibling which;
    struct probe probe;
    struct metrics *mirror;
    uint32_t question; /* of the round under way */
    uint64_t heard_ms; /* 0: never */
};

struct exporter {
    struct service_env *env;
    struct poll polls[SIBLINGS_ASKED];
    uint64_t started_ms;
    uint64_t round_ms; /* when the last round began */
    struct snapshot snapshot;
    struct history history;
};

/* poll.c: the questions. */
WARN_UNUSED enum apm_err polls_start(struct exporter *exporter);
void polls_stop(struct exporter *exporter);
void polls_turn(struct exporter *exporter, uint64_t now_ms);
uint64_t polls_deadline_ms(const struct exporter *exporter);

/* serve.c: the answers. */
extern const struct http_route exporter_routes[];
extern const struct admin_query exporter_queries[];
/* The snapshot as of now, and what to think of it. */
void exporter_look(struct exporter *exporter, struct verdict *ret_verdict);

/* exporter.c: what the frame calls. */
enum apm_err exporter_start(void *state, struct service_env *env);
void exporter_turn(void *state, uint64_t now_ms);
uint64_t exporter_deadline_ms(void *state);
void exporter_stop(void *state);
void exporter_health(void *state, struct health *health);

#endif
