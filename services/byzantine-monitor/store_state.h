/*
 * store_state - what the store's files share; nobody else includes it.
 *
 * store_pg.c holds the statements and the connection, store_ops.c runs them.
 */
#ifndef APM2_BYZANTINE_MONITOR_STORE_STATE_H
#define APM2_BYZANTINE_MONITOR_STORE_STATE_H

#include "common/db_watch.h"
#include "services/byzantine-monitor/store.h"

/* Indices into the table of statements in store_pg.c. */
enum store_statement {
    STORE_GET_PAST,
    STORE_COUNT,
    STORE_SET_SOURCE,
    STORE_SET_CURSOR,
    STORE_PUT,
    STORE_LIST,
    STORE_FIND,
    STORE_NEXT_PROOF,
    STORE_ACKNOWLEDGE,
    STORE_STATEMENTS,
};

struct op {
    struct store *store;
    bool is_active;
    bool is_fenced;             /* another process writes these tables now */
    struct store_reader reader; /* `row` NULL: a write */
};

struct store {
    struct db *db;
    struct db_watch watch;
    enum apm_err failure;
    struct store_events events;
    char application_name[96];
    struct op ops[STORE_OPS_MAX];
};

/* Asks for the counts anew; `counted` gets them. */
void store_count(struct store *store);

#endif
