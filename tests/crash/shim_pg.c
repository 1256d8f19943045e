/* Statements to PostgreSQL, by the names that store_pg.c and db_session.c give them. */
#include "tests/crash/shim.h"

#include <libpq-fe.h>
#include <stdio.h>

/* Of the node's one thread. */
static struct {
    const PGconn *writer;
    const char *persist; /* what the open transaction is about: "vote" */
} db;

static bool is_name(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* "store.<statement>[.<kind>]" on the connection that persists, "rows." where what was
 * executed goes, "read." else. The record's kind is only known once it is written. */
static enum crash_mode at_statement(const PGconn *conn, const char *statement)
{
    bool is_writer = conn == db.writer;
    char site[CRASH_NAME_MAX];

    if (is_writer && is_name(statement, "begin"))
        db.persist = "block";
    if (is_name(statement, "set_safety"))
        db.persist = shim.kind;
    bool has_kind = is_writer && db.persist != NULL &&
                    (is_name(statement, "set_safety") || is_name(statement, "commit"));
    bool is_read = strncmp(statement, "get_", 4) == 0 || strncmp(statement, "find_", 5) == 0;
    const char *room = is_read ? "read" : is_writer ? "store" : "rows";
    (void)snprintf(site, sizeof(site), "%s.%s", room, statement);
    return shim_at(site, has_kind ? db.persist : NULL);
}

static const char *session_step(const char *sql)
{
    static const struct {
        const char *part;
        const char *name;
    } steps[] = {
        {"set_config", "settings"},     {"schema_migration", "version"},
        {"UPDATE fence", "take_fence"}, {"FROM fence", "see_fence"},
        {"pg_try_advisory", "lock"},
    };
    for (size_t i = 0; i < N_ELEMENTS(steps); i++)
        if (strstr(sql, steps[i].part) != NULL)
            return steps[i].name;
    return "other";
}

/* What was asked before leaves whole. */
static void before(PGconn *conn, enum crash_mode mode)
{
    if (mode == CRASH_PASS)
        return;
    (void)SHIM_NEXT(PQflush)(conn);
    if (mode == CRASH_BEFORE)
        shim_die();
}

/* The bytes are in libpq's buffer by now, or some of them already out. */
static void after(PGconn *conn, enum crash_mode mode)
{
    if (mode == CRASH_PASS)
        return;
    if (mode == CRASH_HALFWAY)
        shim.cut_fd = SHIM_NEXT(PQsocket)(conn);
    (void)SHIM_NEXT(PQflush)(conn);
    if (mode == CRASH_AFTER)
        shim_die_later(); /* time for the server to do it and for nobody to learn of it */
    if (shim.cut_fd >= 0)
        shim_die(); /* nothing was left to flush */
}

/* NOLINTNEXTLINE(readability-function-size): libpq's parameters */
SHIM_API int PQsendQueryPrepared(PGconn *conn, const char *statement, int n_params,
                                 const char *const *values, const int *lengths, const int *formats,
                                 int result_format)
{
    enum crash_mode mode = shim_is_node() ? at_statement(conn, statement) : CRASH_PASS;
    before(conn, mode);
    int result = SHIM_NEXT(PQsendQueryPrepared)(conn, statement, n_params, values, lengths, formats,
                                                result_format);
    after(conn, mode);
    return result;
}

/* The red control: a server that says "on" and is off. */
static const char *without_durability(const char *sql, char *out, size_t capacity)
{
    static const char end[] = "false)";
    const char *rest = strstr(sql, end);
    if (shim.plant != CRASH_PLANT_ASYNC_COMMIT || strstr(sql, "'synchronous_commit'") == NULL ||
        rest == NULL)
        return sql;
    (void)snprintf(out, capacity,
                   "SELECT CASE set_config('synchronous_commit', 'off', false) WHEN 'off'"
                   " THEN 'on' END%s",
                   rest + strlen(end));
    return out;
}

/* NOLINTNEXTLINE(readability-function-size): libpq's parameters */
SHIM_API int PQsendQueryParams(PGconn *conn, const char *sql, int n_params, const Oid *types,
                               const char *const *values, const int *lengths, const int *formats,
                               int result_format)
{
    char changed[1024];
    const char *step = session_step(sql);
    enum crash_mode mode = shim_is_node() ? shim_at("session", step) : CRASH_PASS;
    if (shim_is_node() && is_name(step, "lock"))
        db.writer = conn; /* the others take none */
    before(conn, mode);
    int result =
        SHIM_NEXT(PQsendQueryParams)(conn, without_durability(sql, changed, sizeof(changed)),
                                     n_params, types, values, lengths, formats, result_format);
    after(conn, mode);
    return result;
}

SHIM_API int PQsendPrepare(PGconn *conn, const char *name, const char *sql, int n_params,
                           const Oid *types)
{
    enum crash_mode mode = shim_is_node() ? shim_at("session", "prepare") : CRASH_PASS;
    before(conn, mode);
    int result = SHIM_NEXT(PQsendPrepare)(conn, name, sql, n_params, types);
    after(conn, mode);
    return result;
}

SHIM_API PGresult *PQgetResult(PGconn *conn)
{
    PGresult *result = SHIM_NEXT(PQgetResult)(conn);
    if (result != NULL && conn == db.writer && shim_is_node() &&
        is_name(SHIM_NEXT(PQcmdStatus)(result), "COMMIT"))
        atomic_fetch_add(&shim.self->n_stored, 1);
    return result;
}
