/*
 * db_conn - what db.c, db_pipeline.c and db_session.c share; nobody else includes it.
 *
 * A connection goes WAITING -> CONNECTING -> SESSION -> UP and back to WAITING
 * when it is dropped. Dropping happens only at the end of db_ready, so that no
 * callback sees the connection vanish under it.
 */
#ifndef APM2_DB_CONN_H
#define APM2_DB_CONN_H

#include <libpq-fe.h>

#include "common/db.h"

enum db_state {
    DB_WAITING,    /* for retry_at_ms */
    DB_CONNECTING, /* libpq's handshake */
    DB_SESSION,    /* our own: checks, fence, prepared statements */
    DB_UP,
    DB_STOPPED, /* a final error */
};

/* What the server's next answer belongs to. */
enum db_pending_kind {
    DB_ASKED_SETTINGS,
    DB_ASKED_VERSION,
    DB_ASKED_EPOCH,
    DB_ASKED_LOCK,
    DB_ASKED_BUMP,
    DB_ASKED_PREPARE,
    DB_ASKED_STATEMENT,
    DB_ASKED_BEGIN,
    DB_ASKED_COMMIT,
    DB_ASKED_SYNC,
};

struct db_pending {
    enum db_pending_kind kind;
    bool is_answered; /* only the end marker of its results is still to come */
    db_done *done;
    void *context;
};

struct db {
    struct db_setup setup;
    enum db_state state;
    PGconn *conn;
    PostgresPollingStatusType polling;
    bool wants_write;

    uint64_t now_ms;       /* of the latest db_ready */
    uint64_t retry_at_ms;  /* WAITING */
    uint64_t up_since_ms;  /* UP */
    uint64_t started_ms;   /* CONNECTING: when */
    uint64_t heard_ms;     /* the server's last sign of life; 0 = take the next db_ready's time */
    uint64_t lock_wait_ms; /* since when another session holds the lock; 0 = it does not */
    uint64_t backoff_ms;
    uint64_t random;

    uint32_t step;      /* SESSION: pipelines the server has answered */
    uint64_t epoch;     /* of the fence; 0 = not taken yet */
    uint64_t bumped;    /* the same while its transaction is under way */
    enum apm_err error; /* why it must be, or was, dropped */
    bool must_drop;
    bool commit_warned; /* the server warned while committing */
    char detail[DB_DETAIL_MAX];

    uint32_t first_pending;
    uint32_t n_pending;
    struct db_pending pending[DB_PENDING_MAX];
};

struct db_rows {
    const PGresult *result;
};

/* ---- db.c ---- */

/* Marks the connection to be dropped, with the reason. The first reason stands. */
void db_give_up(struct db *db, enum apm_err err, const char *detail);
void db_set_up(struct db *db);

/* ---- db_pipeline.c ---- */

void db_expect(struct db *db, enum db_pending_kind kind, db_done *done, void *context);
void db_take_answers(struct db *db);
/* Every pending callback gets DB_UNREACHABLE. */
void db_call_off(struct db *db);
void db_on_notice(void *context, const PGresult *notice);

/* ---- db_session.c ---- */

void db_session_start(struct db *db);
void db_session_answer(struct db *db, enum db_pending_kind kind, const PGresult *result);
void db_session_step_done(struct db *db);

#endif
