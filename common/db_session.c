/*
 * What happens between libpq's handshake and `up`: settings proved, schema
 * version, fence, prepared statements. One pipeline per step; the next step starts
 * when the server has answered the last.
 */
#include "common/db_conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/hash.h"
#include "common/must.h"

/* How long another session may hold our advisory lock before it counts as another
 * process: the server notices a dead client of ours late. */
#define LOCK_WAIT_MAX_MS 5000u

static void ask(struct db *db, enum db_pending_kind kind, const char *sql, const char *param)
{
    db_expect(db, kind, NULL, NULL);
    const char *const params[] = {param};
    int n_params = param == NULL ? 0 : 1;
    if (PQsendQueryParams(db->conn, sql, n_params, NULL, params, NULL, NULL, 0) != 1)
        db_give_up(db, APM_ERR_DB_UNREACHABLE, PQerrorMessage(db->conn));
}

/* The session's own settings win over what was set for role and database. A
 * transaction left open by a frozen process would hold the fence row's lock, and
 * the session of a host that died would hold the advisory lock for hours. Every statement of
 * ours is meant to go by an index; a plan is made once, perhaps while a table is empty and
 * reading all of it is cheapest, and has to do when it holds millions of rows. */
void db_session_start(struct db *db)
{
    ask(db, DB_ASKED_SETTINGS,
        "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
        " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),"
        " current_setting('fsync'), current_setting('full_page_writes'),"
        " set_config('idle_in_transaction_session_timeout', '10s', false),"
        " set_config('client_connection_check_interval', '5s', false),"
        " set_config('tcp_keepalives_idle', '10', false),"
        " set_config('tcp_keepalives_interval', '5', false),"
        " set_config('tcp_keepalives_count', '3', false),"
        " set_config('plan_cache_mode', $1, false),"
        " set_config('enable_seqscan', 'off', false),"
        " set_config('enable_hashjoin', 'off', false),"
        " set_config('enable_mergejoin', 'off', false)",
        db->setup.plans_once ? "force_generic_plan" : "auto");
    ask(db, DB_ASKED_VERSION, "SELECT coalesce(max(version), 0) FROM schema_migration", NULL);
    db_flush(db);
}

static bool is_text(const PGresult *result, int column, const char *text)
{
    return strcmp(PQgetvalue(result, 0, column), text) == 0;
}

static void on_settings(struct db *db, const PGresult *result)
{
    bool is_durable = is_text(result, 0, "on") || is_text(result, 0, "remote_apply");
    if (!is_durable)
        db_give_up(db, APM_ERR_CONFIG,
                   "the server does not grant synchronous_commit = on to this session");
    else if (!is_text(result, 1, "on"))
        db_give_up(db, APM_ERR_CONFIG,
                   "fsync is off: a power cut would lose votes; set fsync = on in postgresql.conf");
    else if (!is_text(result, 2, "on"))
        db_give_up(db, APM_ERR_CONFIG,
                   "full_page_writes is off: a power cut would corrupt tables; set "
                   "full_page_writes = on in postgresql.conf");
}

static uint64_t number(const PGresult *result, int column)
{
    return strtoull(PQgetvalue(result, 0, column), NULL, 10);
}

static void bad_version(struct db *db, uint64_t version)
{
    char detail[DB_DETAIL_MAX];
    const char *what = version < db->setup.schema_min ? "run `apm2 db migrate`"
                                                      : "this program is older: upgrade it";
    (void)snprintf(detail, sizeof(detail),
                   "the database's schema version is %" PRIu64 ", this program works with %" PRIu64
                   " to %" PRIu64 ": %s",
                   version, db->setup.schema_min, db->setup.schema_max, what);
    db_give_up(db, APM_ERR_SCHEMA_VERSION, detail);
}

static void on_epoch(struct db *db, const PGresult *result)
{
    if (PQntuples(result) != 1)
        db_give_up(db, APM_ERR_SCHEMA_VERSION,
                   "no fence row for this service: run `apm2 db migrate`");
    else if (db->epoch != 0 && number(result, 0) != db->epoch)
        db_give_up(db, APM_ERR_FENCED, "another process has taken this node's database");
}

static void on_lock(struct db *db, const PGresult *result)
{
    if (is_text(result, 0, "t")) {
        db->lock_wait_ms = 0;
        return;
    }
    if (db->lock_wait_ms == 0)
        db->lock_wait_ms = db->now_ms;
    /* On a reconnect the epoch is still ours, so the holder is our own old session.
     * Wait for its end: only then is it settled what its last transaction did. */
    bool is_other = db->epoch == 0 && db->now_ms - db->lock_wait_ms >= LOCK_WAIT_MAX_MS;
    db_give_up(db, is_other ? APM_ERR_FENCED : APM_ERR_DB_UNREACHABLE,
               is_other ? "another process holds this node's database"
                        : "another session still holds the lock of this service");
}

static void refused(struct db *db, enum db_pending_kind kind, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool is_undefined = state != NULL && strncmp(state, "42P01", 5) == 0;
    if (is_undefined && kind == DB_ASKED_VERSION)
        bad_version(db, 0);
    else if (state != NULL && strcmp(state, "42501") == 0)
        db_give_up(db, APM_ERR_DENIED, PQresultErrorMessage(result));
    else
        db_give_up(db, APM_ERR_DB_UNREACHABLE, PQresultErrorMessage(result));
}

void db_session_answer(struct db *db, enum db_pending_kind kind, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        refused(db, kind, result);
        return;
    }
    switch (kind) {
    case DB_ASKED_SETTINGS:
        on_settings(db, result);
        break;
    case DB_ASKED_VERSION:
        if (number(result, 0) < db->setup.schema_min || number(result, 0) > db->setup.schema_max)
            bad_version(db, number(result, 0));
        break;
    case DB_ASKED_EPOCH:
        on_epoch(db, result);
        break;
    case DB_ASKED_LOCK:
        on_lock(db, result);
        break;
    case DB_ASKED_BUMP:
        db->bumped = number(result, 0);
        break;
    case DB_ASKED_PREPARE:
    case DB_ASKED_STATEMENT:
    case DB_ASKED_BEGIN:
    case DB_ASKED_COMMIT:
    case DB_ASKED_SYNC:
        break;
    }
}

/* The lock is courtesy: it keeps a second process from fencing a healthy first
 * one. It is lost with the session and by poolers; only the epoch is safe. */
static void ask_lock(struct db *db)
{
    struct hash digest = hash_bytes(span_of(db->setup.fence, strlen(db->setup.fence)));
    int64_t lock;
    memcpy(&lock, digest.b, sizeof(lock));
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRId64, lock);
    ask(db, DB_ASKED_EPOCH, "SELECT epoch FROM fence WHERE service = $1", db->setup.fence);
    ask(db, DB_ASKED_LOCK, "SELECT pg_try_advisory_lock($1::bigint)", text);
    db_flush(db);
}

static void prepare(struct db *db, const char *name, const char *sql)
{
    db_expect(db, DB_ASKED_PREPARE, NULL, NULL);
    if (PQsendPrepare(db->conn, name, sql, 0, NULL) != 1)
        db_give_up(db, APM_ERR_DB_UNREACHABLE, PQerrorMessage(db->conn));
}

static void ask_rest(struct db *db)
{
    /* Only the first connection of a process takes an epoch: a later one that did
     * could take it from a successor. */
    if (db->setup.fence != NULL && db->epoch == 0)
        ask(db, DB_ASKED_BUMP,
            "UPDATE fence SET epoch = epoch + 1 WHERE service = $1 RETURNING epoch",
            db->setup.fence);
    prepare(db, "begin", "BEGIN");
    prepare(db, "commit", "COMMIT");
    for (uint32_t i = 0; i < db->setup.n_statements; i++)
        prepare(db, db->setup.statements[i].name, db->setup.statements[i].sql);
    db_flush(db);
}

void db_session_step_done(struct db *db)
{
    switch (db->step++) {
    case 0:
        if (db->setup.fence != NULL) {
            ask_lock(db);
            return;
        }
        db->step++;
        ask_rest(db);
        return;
    case 1:
        ask_rest(db);
        return;
    default:
        /* Not before: a statement that cannot be prepared takes the bump back with it. */
        if (db->bumped != 0)
            db->epoch = db->bumped;
        db->bumped = 0;
        db_set_up(db);
    }
}
