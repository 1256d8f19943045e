/*
 * service - the frame of every service: flags, settings, log, lock, signals, loop,
 * health, metrics, admin socket, drain, exit code. A service's main is one call.
 *
 * Order: settings, log, run-directory lock, `prefork` (no thread and no ZeroMQ context
 * exists yet: the only place to fork), context, loop, HTTP, admin socket, `start`, READY.
 * SIGTERM or SIGINT: `drain` each turn until it is done or drain_timeout is over, then
 * `stop`, exit 0; a second one exits at once. SIGHUP: `reload` with the new settings, if
 * they are sound. /livez is the loop turning; /readyz is `health`; the verb `service`
 * on the admin socket says that and every metric at once, for the exporter.
 */
#ifndef APM2_SERVICE_H
#define APM2_SERVICE_H

#include "common/admin.h"
#include "common/conf.h"
#include "common/http.h"
#include "common/lock.h"
#include "common/loop.h"
#include "common/metric.h"

#define HEALTH_CHECKS_MAX 16u

struct health_check {
    char name[32];
    bool is_ok;
    char detail[160];
};

struct health {
    size_t n;
    struct health_check check[HEALTH_CHECKS_MAX];
};

/* One named check; the detail is shown by /readyz?verbose. */
void health_add(struct health *health, const char *name, bool is_ok, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool health_is_ok(const struct health *health);

/* What the frame gives a service; it outlives `stop`. */
struct service_env {
    const struct conf *conf; /* another one after a reload */
    struct loop *loop;       /* from here on NULL in prefork */
    void *zmq;               /* context */
    struct metrics *metrics;
    struct admin *admin;
    const char *name;
    const char *node;
    const char *run_dir;
    struct lock lock;     /* a child forked in prefork must lock_release its copy */
    enum apm_err failure; /* service_fail's */
};

/* NULL where a service has nothing to do. `state` is state_size zeroed bytes. */
struct service {
    const char *name;    /* "apm2-consensus" */
    const char *purpose; /* one line for --help */
    size_t state_size;
    uint32_t sets; /* enum conf_set, beside ALL */
    enum setting health_port;
    const struct admin_query *queries;
    const struct http_route *routes; /* on the health port, beside and before the frame's */

    enum apm_err (*prefork)(void *state, struct service_env *env);
    enum apm_err (*start)(void *state, struct service_env *env);
    void (*turn)(void *state, uint64_t now_ms);
    uint64_t (*deadline_ms)(void *state); /* clock_mono_ms, CLOCK_NEVER */
    bool (*drain)(void *state);           /* true: nothing is left to do */
    void (*stop)(void *state);            /* also after a `start` that failed */
    void (*reload)(void *state);          /* env->conf is the new one */
    void (*child_exited)(void *state);    /* SIGCHLD */
    void (*health)(void *state, struct health *health);
    void (*client)(void *state, struct span from, struct span frame); /* admin.h */
};

/* "consensus" of "apm2-consensus": the socket's name, and the label `service`. */
const char *service_short_name(const struct service *service);

/* Runs it to its end and returns the process's exit code (err.h). */
int service_main(const struct service *service, int argc, char **argv);

/* The world failed past repair (fenced, disk gone): log it, then `stop` and exit with
 * the error's code, without draining. */
void service_fail(struct service_env *env, enum apm_err err);

/* What the process is doing, for systemd's status line, e.g. "height 812; term 7; leader n2". */
void service_status(const char *text);

#endif
