/*
 * db_watch - a database connection in a service's loop.
 *
 * Polls its descriptor, which comes and goes with the connection, and calls db_ready when
 * it or the clock says so. Embedded by the owner of the connection, which outlives the
 * watch, as does the loop.
 */
#ifndef APM2_DB_WATCH_H
#define APM2_DB_WATCH_H

#include "common/db.h"
#include "common/loop.h"

struct db_watch {
    struct db *db;
    struct loop *loop;
    int fd;
    bool is_ready;
};

void db_watch_start(struct db_watch *watch, struct db *db, struct loop *loop);
/* All zero is fine too. */
void db_watch_stop(struct db_watch *watch);

#endif
