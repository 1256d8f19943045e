/*
 * migrate - brings a database to this program's schema (`apm2 db migrate`).
 *
 * The files schemas/sql/NNNN_name.sql are compiled in. Each runs once, in a
 * transaction of its own under an advisory lock, and is noted in
 * schema_migration with the BLAKE2b-256 of its text; a text that changed after
 * it was applied is refused. Blocks: for the command line, not for services.
 */
#ifndef APM2_MIGRATE_H
#define APM2_MIGRATE_H

#include "common/err.h"
#include "common/ids.h"

struct migration {
    uint64_t version;
    const char *name; /* "0001_consensus" */
    const char *text;
};

/* All, by version; numbers ascend. */
extern const struct migration migrations[];
extern const uint32_t n_migrations;
/* schemas/sql/grants.sql: run every time, where the roles exist. */
extern const char migrate_grants[];

struct migrate_report {
    uint32_t n_applied; /* by this call */
    uint64_t version;   /* of the database now */
    char detail[512];   /* what went wrong, for people; "" = nothing */
};

/* Called after each migration that was applied. NULL = no progress. */
typedef void migrate_progress(void *context, const struct migration *migration);

/* ret_report is filled on failure too: its detail says where. */
enum apm_err db_migrate(const char *conninfo, migrate_progress *progress, void *context,
                        struct migrate_report *ret_report) WARN_UNUSED;

#endif
