#include "tests/support/pg.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/must.h"

static bool script(const char *verb, const char *dir)
{
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        execl(PG_SCRIPT, PG_SCRIPT, verb, dir, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    MUST(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool pg_create(struct pg *pg)
{
    (void)snprintf(pg->dir, sizeof(pg->dir), "/tmp/apm2-test-pg-%d", (int)getpid());
    return script("create", pg->dir);
}

void pg_destroy(struct pg *pg)
{
    MUST(script("destroy", pg->dir));
}

void pg_crash(const struct pg *pg)
{
    MUST(script("crash", pg->dir));
}

void pg_start(const struct pg *pg)
{
    MUST(script("start", pg->dir));
}

void pg_conninfo(const struct pg *pg, const char *database, char *ret_conninfo, size_t size)
{
    (void)snprintf(ret_conninfo, size,
                   "host=%s user=apm2 dbname=%s options='-c client_min_messages=warning'", pg->dir,
                   database);
}

void pg_exec(const struct pg *pg, const char *database, const char *sql, char ret_value[256])
{
    char conninfo[160];
    pg_conninfo(pg, database, conninfo, sizeof(conninfo));
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        (void)fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
    MUST(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
    if (ret_value != NULL) {
        MUST(PQntuples(result) > 0);
        (void)snprintf(ret_value, 256, "%s", PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    PQfinish(conn);
}

void pg_fresh_database(const struct pg *pg, const char *name)
{
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
    pg_exec(pg, "postgres", sql, NULL);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    pg_exec(pg, "postgres", sql, NULL);
}

long pg_number(const struct pg *pg, const char *database, const char *sql)
{
    char text[256];
    pg_exec(pg, database, sql, text);
    return strtol(text, NULL, 10);
}

void pg_end_sessions(const struct pg *pg, const char *application_name)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE application_name = '%s'",
                   application_name);
    pg_exec(pg, "postgres", sql, NULL);
}
