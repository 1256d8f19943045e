/* Blocking libpq: the command line's way to the database, never a service's. */
#include "common/migrate.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/hash.h"

/* "apm2 migr": two migrations of one database never run at once. */
#define MIGRATE_LOCK "SELECT pg_advisory_xact_lock(7021791843231033202)"

struct migrator {
    PGconn *conn;
    struct migrate_report *report;
};

static enum apm_err fail(struct migrator *m, enum apm_err err, const char *what, const char *why)
{
    int size = snprintf(m->report->detail, sizeof(m->report->detail), "%s: %s", what, why);
    size_t last = size < 0 ? 0 : strlen(m->report->detail);
    while (last > 0 && m->report->detail[last - 1] == '\n')
        m->report->detail[--last] = '\0';
    return err;
}

static enum apm_err failure_of(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL)
        return APM_ERR_DB_UNREACHABLE;
    return strcmp(state, "42501") == 0 ? APM_ERR_DENIED : APM_ERR_DB_FAILED;
}

/* Runs any number of statements of one text; the last one's tag must be `tag`
 * unless that is NULL. */
static enum apm_err run(struct migrator *m, const char *what, const char *sql, const char *tag)
{
    PGresult *result = PQexec(m->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    enum apm_err err = APM_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        err = fail(m, failure_of(result), what, PQerrorMessage(m->conn));
    else if (tag != NULL && strcmp(PQcmdStatus(result), tag) != 0)
        err = fail(m, APM_ERR_DB_FAILED, what, "the server did not commit");
    PQclear(result);
    return err;
}

static enum apm_err open_database(struct migrator *m, const char *conninfo)
{
    const char *const keywords[] = {"connect_timeout", "client_encoding", "dbname",
                                    "application_name", NULL};
    const char *const values[] = {"5", "UTF8", conninfo, "apm2-migrate", NULL};
    m->conn = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(m->conn) != CONNECTION_OK)
        return fail(m, APM_ERR_DB_UNREACHABLE, "cannot connect", PQerrorMessage(m->conn));
    return run(m, "cannot prepare the session",
               "SET client_min_messages = warning; SET synchronous_commit = on", NULL);
}

static enum apm_err ensure_table(struct migrator *m)
{
    return run(m, "cannot create schema_migration",
               "BEGIN;" MIGRATE_LOCK ";"
               "CREATE TABLE IF NOT EXISTS schema_migration ("
               " version bigint PRIMARY KEY, name text NOT NULL, digest bytea NOT NULL,"
               " applied_at timestamptz NOT NULL);"
               "COMMIT",
               "COMMIT");
}

/* ---- one migration, inside its transaction ---- */

/* NOT_FOUND: not applied yet. */
static enum apm_err compare(struct migrator *m, const struct migration *migration,
                            const struct hash *digest)
{
    char version[32];
    (void)snprintf(version, sizeof(version), "%" PRIu64, migration->version);
    const char *const params[] = {version};
    PGresult *result =
        PQexecParams(m->conn, "SELECT digest FROM schema_migration WHERE version = $1::bigint", 1,
                     NULL, params, NULL, NULL, 1);
    enum apm_err err = APM_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        err = fail(m, failure_of(result), migration->name, PQerrorMessage(m->conn));
    } else if (PQntuples(result) == 0) {
        err = APM_ERR_NOT_FOUND;
    } else {
        struct span stored = span_of(PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
        if (!span_eq(stored, span_of(digest->b, sizeof(digest->b))))
            err = fail(m, APM_ERR_SCHEMA_VERSION, migration->name,
                       "this database was migrated with another text of this migration; "
                       "use the program it was migrated with");
    }
    PQclear(result);
    return err;
}

static enum apm_err note(struct migrator *m, const struct migration *migration,
                         const struct hash *digest)
{
    char version[32];
    (void)snprintf(version, sizeof(version), "%" PRIu64, migration->version);
    const char *const params[] = {version, migration->name, (const char *)digest->b};
    const int lengths[] = {0, 0, sizeof(digest->b)};
    const int formats[] = {0, 0, 1};
    PGresult *result = PQexecParams(m->conn,
                                    "INSERT INTO schema_migration VALUES"
                                    " ($1::bigint, $2::text, $3::bytea, now())",
                                    3, NULL, params, lengths, formats, 0);
    enum apm_err err = APM_OK;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        err = fail(m, failure_of(result), migration->name, PQerrorMessage(m->conn));
    PQclear(result);
    return err;
}

static enum apm_err apply_locked(struct migrator *m, const struct migration *migration,
                                 bool *ret_is_new)
{
    struct hash digest = hash_bytes(span_of(migration->text, strlen(migration->text)));
    enum apm_err err = compare(m, migration, &digest);
    if (err != APM_ERR_NOT_FOUND)
        return err;
    err = run(m, migration->name, migration->text, NULL);
    if (err == APM_OK)
        err = note(m, migration, &digest);
    if (err == APM_OK)
        *ret_is_new = true;
    return err;
}

static enum apm_err apply(struct migrator *m, const struct migration *migration, bool *ret_is_new)
{
    enum apm_err err = run(m, migration->name, "BEGIN;" MIGRATE_LOCK, NULL);
    bool is_new = false;
    if (err == APM_OK)
        err = apply_locked(m, migration, &is_new);
    if (err == APM_OK)
        err = run(m, migration->name, "COMMIT", "COMMIT");
    if (err == APM_OK)
        *ret_is_new = is_new;
    else
        PQclear(PQexec(m->conn, "ROLLBACK"));
    return err;
}

/* ---- the database's version, roles ---- */

static bool is_true(struct migrator *m, const char *sql)
{
    PGresult *result = PQexec(m->conn, sql);
    bool is_yes = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
                  strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    PQclear(result);
    return is_yes;
}

static enum apm_err check_version(struct migrator *m)
{
    PGresult *result = PQexec(m->conn, "SELECT coalesce(max(version), 0) FROM schema_migration");
    enum apm_err err = APM_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        err = fail(m, failure_of(result), "cannot read schema_migration", PQerrorMessage(m->conn));
    else
        m->report->version = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    if (err == APM_OK && m->report->version > migrations[n_migrations - 1].version)
        err = fail(m, APM_ERR_SCHEMA_VERSION, "the database is newer than this program",
                   "upgrade the program");
    return err;
}

/* Roles are the cluster's, not the database's: made only by who may, and a site
 * that manages its own roles under these names keeps them. */
static enum apm_err grant(struct migrator *m)
{
    static const struct {
        const char *is_missing;
        const char *create;
    } roles[] = {
        {"SELECT NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'apm2_consensus')",
         "CREATE ROLE apm2_consensus NOLOGIN"},
        {"SELECT NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'apm2_byzantine_monitor')",
         "CREATE ROLE apm2_byzantine_monitor NOLOGIN"},
        {"SELECT NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'apm2_anti_entropy')",
         "CREATE ROLE apm2_anti_entropy NOLOGIN"},
        {"SELECT NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'apm2_schema_registry')",
         "CREATE ROLE apm2_schema_registry NOLOGIN"},
        {"SELECT NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'apm2_read')",
         "CREATE ROLE apm2_read NOLOGIN"},
    };

    bool may_create = is_true(m, "SELECT rolsuper OR rolcreaterole FROM pg_roles"
                                 " WHERE rolname = current_user");
    enum apm_err err = run(m, "cannot set up roles", "BEGIN;" MIGRATE_LOCK, NULL);
    bool has_roles = true;
    for (size_t i = 0; i < N_ELEMENTS(roles) && err == APM_OK; i++) {
        if (!is_true(m, roles[i].is_missing))
            continue;
        if (may_create)
            err = run(m, "cannot create a role", roles[i].create, NULL);
        else
            has_roles = false;
    }
    if (err == APM_OK && has_roles)
        err = run(m, "cannot grant", migrate_grants, NULL);
    if (err == APM_OK)
        return run(m, "cannot set up roles", "COMMIT", "COMMIT");
    PQclear(PQexec(m->conn, "ROLLBACK"));
    return err;
}

static enum apm_err migrate_all(struct migrator *m, migrate_progress *progress, void *context)
{
    for (uint32_t i = 0; i < n_migrations; i++) {
        bool is_new = false;
        enum apm_err err = apply(m, &migrations[i], &is_new);
        if (err != APM_OK)
            return err;
        if (!is_new)
            continue;
        m->report->n_applied++;
        if (progress != NULL)
            progress(context, &migrations[i]);
    }
    return grant(m);
}

enum apm_err db_migrate(const char *conninfo, migrate_progress *progress, void *context,
                        struct migrate_report *ret_report)
{
    *ret_report = (struct migrate_report){.n_applied = 0};
    struct migrator m = {.report = ret_report};
    enum apm_err err = open_database(&m, conninfo);
    if (err == APM_OK)
        err = ensure_table(&m);
    if (err == APM_OK)
        err = check_version(&m);
    if (err == APM_OK)
        err = migrate_all(&m, progress, context);
    if (err == APM_OK)
        err = check_version(&m);
    PQfinish(m.conn);
    return err;
}
