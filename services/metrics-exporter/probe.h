/*
 * probe - questions to one sibling's admin socket, one at a time, without waiting.
 *
 * An answer that does not come within PROBE_BUDGET_MS is given up, and the connection
 * with it: a late answer is nobody's. Whoever is asked is never asked again before it
 * answered or its time was over, so that a slow service is not made slower.
 * Embedded; probe_init, then probe_release. Needs the loop for as long as it lives.
 */
#ifndef APM2_PROBE_H
#define APM2_PROBE_H

#include "common/admin.h"
#include "common/err.h"
#include "common/loop.h"

#include <jansson.h>

#define PROBE_BUDGET_MS 200u

struct probe_config {
    void *zmq; /* context */
    struct loop *loop;
    const char *run_dir;
    const char *service; /* "apm2-consensus" */
    /* The one answer to each question. `body` is NULL unless err is APM_OK or the
     * service's own error; it dies with the call. May ask the next question. */
    void (*answered)(void *arg, enum apm_err err, const json_t *body);
    void *arg;
};

struct probe {
    struct probe_config config;
    char endpoint[ADMIN_PATH_MAX + 8];
    void *socket; /* NULL: not connected */
    uint64_t request;
    uint64_t deadline_ms; /* of the question under way; 0: none */
};

/* APM_ERR_CONFIG: the socket's path is too long. */
WARN_UNUSED enum apm_err probe_init(struct probe *probe, const struct probe_config *config);
void probe_release(struct probe *probe);

bool probe_is_asking(const struct probe *probe);

/* None may be under way. `args_json` NULL: none. */
void probe_ask(struct probe *probe, const char *verb, const char *args_json, uint64_t now_ms);

/* Gives up what is over time. */
void probe_turn(struct probe *probe, uint64_t now_ms);
uint64_t probe_deadline_ms(const struct probe *probe);

#endif
