/*
 * admin - the operator's local socket, ipc://<run_dir>/<service>.sock, mode 0660.
 *
 * A ROUTER; clients are DEALERs. Each message is one frame: a wire message of
 * CLIENT_MESSAGES. `query` is answered from a table of verbs; every other message goes
 * to the service's client door (submit), which replies with admin_send.
 * Bind only under the run directory's flock: a second bind steals the path silently.
 * A message of a client that is garbage is dropped and logged; its sender waits.
 */
#ifndef APM2_ADMIN_H
#define APM2_ADMIN_H

#include "common/buf.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/loop.h"
#include "common/wire.h"

/* Frames from local clients, and queries answered later, at most. */
#define ADMIN_FRAME_BYTES_MAX (FRAME_BYTES_MAX + 4u * KIB) /* an offered range */
#define ADMIN_TICKETS_MAX 64u

/* What a socket path may be long: sun_path less its final 0. */
#define ADMIN_PATH_MAX 107u

/*
 * A row of a service's queries table, which ends with a row whose verb is NULL.
 * `answer` writes JSON to ret_body and returns at once. A row with `later` instead
 * answers by admin_answer(ticket), now or within ADMIN_LATER_MS; an unanswered ticket
 * is answered TIMED_OUT. On an error the body may stay empty: the error's text is
 * filled in; or it is {"message": ..., "hint": ...}.
 */
#define ADMIN_LATER_MS 60000u

struct admin_query {
    const char *verb;
    const char *help;
    enum apm_err (*answer)(void *state, struct span args_json, struct buf *ret_body);
    void (*later)(void *state, uint64_t ticket, struct span args_json);
};

struct admin;

struct admin_config {
    void *zmq; /* context */
    struct loop *loop;
    const char *run_dir;
    const char *service;               /* "apm2-consensus": the socket is consensus.sock */
    const struct admin_query *queries; /* NULL: none */
    /* What every service answers, with a state of its own; NULL: none. */
    const struct admin_query *frame_queries;
    void *frame_state;
    /* Any other message, by one client; `from` and `frame` die with the call. */
    void (*client)(void *state, struct span from, struct span frame);
    void *state;
};

/* APM_ERR_CONFIG when the path is too long, PORT_IN_USE when it cannot be bound. */
WARN_UNUSED enum apm_err admin_start(const struct admin_config *config, struct admin **ret_admin);
void admin_destroy(struct admin **admin);

/* The one answer to a `later` query. A ticket that timed out is ignored. */
void admin_answer(struct admin *admin, uint64_t ticket, enum apm_err err, struct span body);

/* To a client heard from, by its `from`. False when it is gone or its queue is full. */
bool admin_send(struct admin *admin, struct span to, struct span frame);

/* {"message": ..., "hint": ...} for an error's body; hint may be NULL. */
void admin_error_body(struct buf *body, const char *message, const char *hint);

/* <run_dir>/<service without "apm2-">.sock into out; APM_ERR_CONFIG when too long. */
WARN_UNUSED enum apm_err admin_path(const char *run_dir, const char *service,
                                    char ret_path[ADMIN_PATH_MAX + 1]);

/* ---- the client's half ---- */

/* UNREACHABLE when nobody listens on the path, DENIED; never waits. */
WARN_UNUSED enum apm_err admin_probe(const char *path);

struct admin_question {
    const char *run_dir;
    const char *service;
    const char *verb;
    const char *args_json; /* NULL: none */
    uint64_t timeout_ms;
};

/* Asks and waits. The error is the service's, or UNREACHABLE when nobody listens,
 * TIMED_OUT when nobody answers; ret_body holds the answer's body, empty in the last
 * two cases. ret_body is the caller's, initialised. */
WARN_UNUSED enum apm_err admin_ask(const struct admin_question *question, struct buf *ret_body);

/* One frame to the service, and the first message of id `reply` that comes back. */
struct admin_exchange {
    const char *run_dir;
    const char *service;
    struct span frame;
    enum wire_id reply;
    uint64_t timeout_ms;
};
WARN_UNUSED enum apm_err admin_exchange(const struct admin_exchange *exchange,
                                        struct buf *ret_frame);

/* The error of this name; FAILED for a newer program's. */
enum apm_err admin_err_named(struct span name);

#endif
