/*
 * pg - a throw-away PostgreSQL instance for tests, by way of pg.sh.
 *
 * One per test program; databases in it are made fresh for each test. Whoever
 * creates it destroys it, or the server stays behind.
 */
#ifndef APM2_TESTS_PG_H
#define APM2_TESTS_PG_H

#include <stdbool.h>
#include <stddef.h>

struct pg {
    char dir[64];
};

/* False when the machine has no PostgreSQL to offer. */
bool pg_create(struct pg *pg);
void pg_destroy(struct pg *pg);

void pg_crash(const struct pg *pg);
void pg_start(const struct pg *pg);

/* The named database, empty. */
void pg_fresh_database(const struct pg *pg, const char *name);
void pg_conninfo(const struct pg *pg, const char *database, char *ret_conninfo, size_t size);

/* Runs SQL; ret_value (may be NULL) gets the first value of the first row. */
void pg_exec(const struct pg *pg, const char *database, const char *sql, char ret_value[256]);

/* The same, when that value is a number. */
long pg_number(const struct pg *pg, const char *database, const char *sql);

/* Ends the server's sessions of that name at once. */
void pg_end_sessions(const struct pg *pg, const char *application_name);

#endif
