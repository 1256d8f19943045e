/* Statements on their way, and the server's answers in the same order. */
#include "common/db_conn.h"

#include <endian.h>

#include "common/must.h"

static struct db_pending *head(struct db *db)
{
    return &db->pending[db->first_pending];
}

static void pop(struct db *db)
{
    db->first_pending = (db->first_pending + 1) % DB_PENDING_MAX;
    db->n_pending--;
}

void db_expect(struct db *db, enum db_pending_kind kind, db_done *done, void *context)
{
    MUST(db->n_pending < DB_PENDING_MAX);
    uint32_t at = (db->first_pending + db->n_pending) % DB_PENDING_MAX;
    db->pending[at] = (struct db_pending){.kind = kind, .done = done, .context = context};
    db->n_pending++;
}

/* ---- sending ---- */

static void sent(struct db *db, int is_queued)
{
    if (is_queued != 1)
        db_give_up(db, APM_ERR_DB_UNREACHABLE, PQerrorMessage(db->conn));
}

struct bound {
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX];
    int formats[DB_PARAMS_MAX];
    uint64_t numbers[DB_PARAMS_MAX]; /* big endian */
};

static void bind_param(struct bound *bound, uint32_t i, const struct db_param *param)
{
    bound->formats[i] = 1;
    if (param->type == DB_NULL)
        return;
    if (param->type == DB_U64) {
        bound->numbers[i] = htobe64(param->u64);
        bound->values[i] = (const char *)&bound->numbers[i];
        bound->lengths[i] = sizeof(uint64_t);
        return;
    }
    MUST(param->bytes.size <= INT32_MAX);
    /* NULL would stand for NULL. */
    bound->values[i] = param->bytes.data == NULL ? "" : (const char *)param->bytes.data;
    bound->lengths[i] = (int)param->bytes.size;
}

void db_run(struct db *db, const struct db_call *call)
{
    MUST(db->state == DB_UP && call->statement < db->setup.n_statements);
    MUST(call->n_params <= DB_PARAMS_MAX);

    struct bound bound = {.values = {NULL}};
    for (uint32_t i = 0; i < call->n_params; i++)
        bind_param(&bound, i, &call->params[i]);
    db_expect(db, DB_ASKED_STATEMENT, call->done, call->context);
    sent(db,
         PQsendQueryPrepared(db->conn, db->setup.statements[call->statement].name,
                             (int)call->n_params, bound.values, bound.lengths, bound.formats, 1));
}

void db_flush(struct db *db)
{
    db_expect(db, DB_ASKED_SYNC, NULL, NULL);
    sent(db, PQpipelineSync(db->conn));
    db->wants_write = PQflush(db->conn) == 1;
}

void db_begin(struct db *db)
{
    MUST(db->state == DB_UP);
    db_expect(db, DB_ASKED_BEGIN, NULL, NULL);
    sent(db, PQsendQueryPrepared(db->conn, "begin", 0, NULL, NULL, NULL, 1));
}

void db_commit(struct db *db, db_done *done, void *context)
{
    db_expect(db, DB_ASKED_COMMIT, done, context);
    sent(db, PQsendQueryPrepared(db->conn, "commit", 0, NULL, NULL, NULL, 1));
    db_flush(db);
}

/* ---- answers ---- */

/* A warning while committing means the commit may not be what it says: a
 * cancelled wait for a standby commits here only, a COMMIT outside a transaction
 * commits nothing. */
void db_on_notice(void *context, const PGresult *notice)
{
    struct db *db = context;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    bool is_warning = severity != NULL && strcmp(severity, "WARNING") == 0;
    if (is_warning && db->n_pending > 0 && head(db)->kind == DB_ASKED_COMMIT)
        db->commit_warned = true;
}

static enum apm_err failure_of(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL)
        return APM_ERR_DB_UNREACHABLE; /* libpq's own: the connection broke */
    if (strcmp(state, "42501") == 0)
        return APM_ERR_DENIED;
    if (strcmp(state, "53100") == 0)
        return APM_ERR_NO_SPACE;
    if (strncmp(state, "57P", 3) == 0)
        return APM_ERR_DB_UNREACHABLE; /* the server is going down */
    return APM_ERR_DB_FAILED;
}

static enum apm_err judge(struct db *db, const struct db_pending *pending, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        enum apm_err err = failure_of(result);
        db_give_up(db, err, PQresultErrorMessage(result));
        return err;
    }
    if (pending->kind != DB_ASKED_COMMIT)
        return APM_OK;
    /* PQcmdStatus wants a PGresult it may change; it does not. */
    bool is_committed = strcmp(PQcmdStatus((PGresult *)(uintptr_t)result), "COMMIT") == 0;
    if (is_committed && !db->commit_warned)
        return APM_OK;
    db->commit_warned = false;
    db_give_up(db, APM_ERR_DB_FAILED, "the server did not commit the transaction");
    return APM_ERR_DB_FAILED;
}

static void on_answer(struct db *db, const PGresult *result)
{
    struct db_pending *pending = head(db);
    pending->is_answered = true;

    if (pending->kind < DB_ASKED_STATEMENT) {
        db_session_answer(db, pending->kind, result);
        return;
    }
    enum apm_err err = judge(db, pending, result);
    struct db_rows rows = {.result = result};
    db_done *done = pending->done;
    pending->done = NULL;
    if (done != NULL)
        done(pending->context, err, err == APM_OK ? &rows : NULL);
}

/* False when the answer at hand is not complete yet. */
static bool take_answer(struct db *db)
{
    PGresult *result = PQgetResult(db->conn);
    if (result == NULL) {
        if (!head(db)->is_answered)
            return false;
        pop(db);
        return true;
    }
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        MUST(head(db)->kind == DB_ASKED_SYNC);
        pop(db);
        PQclear(result);
        if (db->state == DB_SESSION && db->n_pending == 0 && !db->must_drop)
            db_session_step_done(db);
        return true;
    }
    on_answer(db, result);
    PQclear(result);
    return true;
}

void db_take_answers(struct db *db)
{
    uint32_t n_empty = 0;
    while (db->n_pending > 0 && !db->must_drop && n_empty < 2 && !PQisBusy(db->conn)) {
        db->heard_ms = db->now_ms;
        n_empty = take_answer(db) ? 0 : n_empty + 1;
    }
}

void db_call_off(struct db *db)
{
    while (db->n_pending > 0) {
        struct db_pending pending = *head(db);
        pop(db);
        if (pending.done != NULL)
            pending.done(pending.context, APM_ERR_DB_UNREACHABLE, NULL);
    }
}
