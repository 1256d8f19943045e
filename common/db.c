/* Connecting, waiting, dropping. */
#include "common/db_conn.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/must.h"

#define CONNECT_TIMEOUT_MS 3000u
#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 5000u

struct db *db_new(const struct db_setup *setup)
{
    struct db *db = mem_new(1, sizeof(*db));
    db->setup = *setup;
    db->state = DB_WAITING;
    db->backoff_ms = BACKOFF_MIN_MS;
    db->random = setup->seed | 1;
    db->error = APM_ERR_DB_UNREACHABLE;
    (void)snprintf(db->detail, sizeof(db->detail), "not connected yet");
    return db;
}

void db_destroy(struct db **db)
{
    if (*db == NULL)
        return;
    PQfinish((*db)->conn);
    free(*db);
    *db = NULL;
}

bool db_is_final(enum apm_err err)
{
    return err == APM_ERR_FENCED || err == APM_ERR_SCHEMA_VERSION || err == APM_ERR_CONFIG ||
           err == APM_ERR_DENIED;
}

bool db_is_up(const struct db *db)
{
    return db->state == DB_UP && !db->must_drop;
}

const char *db_detail(const struct db *db)
{
    return db_is_up(db) ? "" : db->detail;
}

enum apm_err db_last_error(const struct db *db)
{
    return db_is_up(db) ? APM_OK : db->error;
}

uint64_t db_fence_epoch(const struct db *db)
{
    return db->epoch;
}

int db_fd(const struct db *db)
{
    return db->conn == NULL ? -1 : PQsocket(db->conn);
}

short db_events(const struct db *db)
{
    if (db->conn == NULL)
        return 0;
    if (db->state == DB_CONNECTING)
        return db->polling == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
    return db->wants_write ? POLLIN | POLLOUT : POLLIN;
}

uint64_t db_deadline_ms(const struct db *db)
{
    if (db->must_drop)
        return 0;
    switch (db->state) {
    case DB_WAITING:
        return db->retry_at_ms;
    case DB_CONNECTING:
        return db->started_ms + CONNECT_TIMEOUT_MS;
    case DB_SESSION:
    case DB_UP:
        if (db->n_pending == 0)
            return UINT64_MAX;
        return db->heard_ms == 0 ? 0 : db->heard_ms + db->setup.timeout_ms;
    case DB_STOPPED:
        break;
    }
    return UINT64_MAX;
}

/* Full jitter, so that four services do not knock at a restarted server together. */
static void schedule_retry(struct db *db)
{
    db->random ^= db->random << 13;
    db->random ^= db->random >> 7;
    db->random ^= db->random << 17;
    db->retry_at_ms = db->now_ms + BACKOFF_MIN_MS / 2 + db->random % db->backoff_ms;
    db->backoff_ms = db->backoff_ms * 2 < BACKOFF_MAX_MS ? db->backoff_ms * 2 : BACKOFF_MAX_MS;
}

void db_give_up(struct db *db, enum apm_err err, const char *detail)
{
    if (db->must_drop)
        return;
    db->must_drop = true;
    db->error = err;
    (void)snprintf(db->detail, sizeof(db->detail), "%s", detail);
    /* libpq ends its messages with a line feed. */
    size_t size = strlen(db->detail);
    while (size > 0 && db->detail[size - 1] == '\n')
        db->detail[--size] = '\0';
}

static void drop(struct db *db)
{
    /* A server that takes us in and then refuses every write (a full disk) must not
     * be asked at the shortest interval for ever. */
    if (db->state == DB_UP && db->now_ms - db->up_since_ms >= BACKOFF_MAX_MS)
        db->backoff_ms = BACKOFF_MIN_MS;
    PQfinish(db->conn);
    db->conn = NULL;
    db->state = db_is_final(db->error) ? DB_STOPPED : DB_WAITING;
    db->wants_write = false;
    db->heard_ms = 0;
    schedule_retry(db);
    db_call_off(db);
    db->must_drop = false;
    db->bumped = 0;
    if (db->setup.on_down != NULL)
        db->setup.on_down(db->setup.context, db->error);
}

/* Ours come first, so that the operator's conninfo overrides them; the name, by
 * which operators find our sessions, comes last. */
static void connect_start(struct db *db)
{
    const char *const keywords[] = {
        "connect_timeout",      "keepalives",
        "keepalives_idle",      "keepalives_interval",
        "keepalives_count",     "tcp_user_timeout",
        "target_session_attrs", "dbname",
        "application_name",     NULL,
    };
    const char *const values[] = {
        "3",
        "1",
        "5",
        "2",
        "3",
        "6000",
        "read-write",
        db->setup.conninfo,
        db->setup.application_name,
        NULL,
    };

    db->state = DB_CONNECTING;
    db->started_ms = db->now_ms;
    db->conn = PQconnectStartParams(keywords, values, 1);
    MUST(db->conn != NULL);
    PQsetNoticeReceiver(db->conn, db_on_notice, db);
    db->polling = PGRES_POLLING_WRITING;
    if (PQstatus(db->conn) == CONNECTION_BAD)
        db_give_up(db, APM_ERR_DB_UNREACHABLE, PQerrorMessage(db->conn));
}

/* libpq takes an unanswered connect for a made one when asked too early. */
static bool is_socket_ready(const struct db *db)
{
    struct pollfd fd = {.fd = PQsocket(db->conn), .events = db_events(db)};
    return poll(&fd, 1, 0) > 0;
}

static void connect_step(struct db *db)
{
    if (!is_socket_ready(db)) {
        if (db->now_ms - db->started_ms >= CONNECT_TIMEOUT_MS)
            db_give_up(db, APM_ERR_DB_UNREACHABLE, "no answer to the connection attempt");
        return;
    }
    db->polling = PQconnectPoll(db->conn);
    if (db->polling == PGRES_POLLING_FAILED) {
        db_give_up(db, APM_ERR_DB_UNREACHABLE, PQerrorMessage(db->conn));
        return;
    }
    if (db->polling == PGRES_POLLING_OK) {
        if (PQsetnonblocking(db->conn, 1) != 0 || PQenterPipelineMode(db->conn) != 1) {
            db_give_up(db, APM_ERR_DB_FAILED, PQerrorMessage(db->conn));
            return;
        }
        db->state = DB_SESSION;
        db->step = 0;
        db_session_start(db);
    }
}

void db_set_up(struct db *db)
{
    db->state = DB_UP;
    db->up_since_ms = db->now_ms;
    db->error = APM_OK;
    if (db->setup.on_up != NULL)
        db->setup.on_up(db->setup.context);
}

/* A server that is silent with work in flight is gone for us, whatever TCP
 * thinks: statement_timeout cannot fire on a host that is dead. */
static void check_silence(struct db *db)
{
    if (db->n_pending == 0)
        db->heard_ms = 0;
    else if (db->heard_ms == 0)
        db->heard_ms = db->now_ms;
    else if (db->now_ms - db->heard_ms >= db->setup.timeout_ms)
        db_give_up(db, APM_ERR_DB_UNREACHABLE, "the server does not answer");
}

static void session_step(struct db *db)
{
    if (PQconsumeInput(db->conn) != 1) {
        db_give_up(db, APM_ERR_DB_UNREACHABLE, PQerrorMessage(db->conn));
        return;
    }
    db_take_answers(db);
    int unsent = PQflush(db->conn);
    if (unsent < 0)
        db_give_up(db, APM_ERR_DB_UNREACHABLE, PQerrorMessage(db->conn));
    db->wants_write = unsent == 1;
    check_silence(db);
}

void db_ready(struct db *db, uint64_t now_ms)
{
    db->now_ms = now_ms;
    switch (db->state) {
    case DB_WAITING:
        if (now_ms >= db->retry_at_ms)
            connect_start(db);
        break;
    case DB_CONNECTING:
        connect_step(db);
        break;
    case DB_SESSION:
    case DB_UP:
        session_step(db);
        break;
    case DB_STOPPED:
        break;
    }
    if (db->must_drop)
        drop(db);
}
