/*
 * store - the monitor's tables, asynchronous, driven by the service's loop.
 *
 * One connection, one fence; every write names the epoch it holds. Callbacks come from
 * the loop; what they are given is borrowed for the call. STORE_OPS_MAX operations at a
 * time; one more, or a database that is down, is refused at once (BUSY, DB_UNREACHABLE).
 * A failed operation changed nothing, or the same as its repetition will.
 */
#ifndef APM2_BYZANTINE_MONITOR_STORE_H
#define APM2_BYZANTINE_MONITOR_STORE_H

#include "common/err.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/loop.h"

#define STORE_OPS_MAX 64u

/* Rows that one member may fill with one kind of evidence. What comes after is not kept:
 * whoever fills them has been found out. */
#define STORE_ROWS_PER_MEMBER 4096u

/* enum evidence_kind indexes these. */
#define STORE_KINDS 5u

/* A row of `evidence`. */
struct store_row {
    struct hash id;
    uint64_t number;
    uint64_t kind;
    uint64_t what;
    bool is_attributable;
    uint64_t validator;
    struct span validator_id;
    struct rank rank;
    uint64_t n;
    uint64_t first_ms;
    uint64_t last_ms;
    struct span record;
    uint64_t ack_ms; /* 0: nobody acknowledged it */
    struct span ack_reason;
};

struct store_counts {
    uint64_t kept[STORE_KINDS];
    uint64_t unacknowledged;
    uint64_t newest_proof; /* number of the newest row that accuses; 0 = none */
};

struct store_events {
    void *context;
    /* The connection is there: what the tables say of the past. */
    void (*up)(void *context, uint64_t source, uint64_t number, uint64_t cursor);
    void (*counted)(void *context, const struct store_counts *counts);
    void (*failed)(void *context, enum apm_err err, const char *detail); /* for good */
};

struct store_config {
    const char *conninfo;
    const char *node;
    uint64_t seed;
};

struct store;

struct store *store_new(const struct store_config *config, const struct store_events *events,
                        struct loop *loop);
void store_destroy(struct store **store);

bool store_is_up(const struct store *store);
const char *store_detail(const struct store *store);

/* Where the rows came from; all of it is kept in one transaction, or nothing. */
enum store_origin { STORE_FROM_REPORT, STORE_FROM_CURSOR };

struct store_batch {
    enum store_origin origin;
    uint64_t source; /* FROM_REPORT */
    uint64_t number; /* of the report, or the cursor read up to */
    const struct store_row *rows;
    uint32_t n;
};

typedef void store_done(void *context, enum apm_err err);

WARN_UNUSED enum apm_err store_keep(struct store *store, const struct store_batch *batch,
                                    store_done *done, void *context);

/* Newest first. */
struct store_list {
    uint64_t before; /* number; UINT64_MAX / 2 = from the newest */
    uint64_t kind;   /* 0 = all */
    uint64_t limit;
};

struct store_reader {
    void *context;
    void (*row)(void *context, const struct store_row *row);
    store_done *done; /* NOT_FOUND: no row of this id */
};

WARN_UNUSED enum apm_err store_list(struct store *store, const struct store_list *list,
                                    const struct store_reader *reader);

/* Those whose id begins with `prefix`: one row, or two when it is ambiguous. */
WARN_UNUSED enum apm_err store_find(struct store *store, struct span prefix,
                                    const struct store_reader *reader);

/* The first row behind `number` that accuses, if there is one. */
WARN_UNUSED enum apm_err store_next_proof(struct store *store, uint64_t number,
                                          const struct store_reader *reader);

/* The first acknowledgement stands. */
struct store_ack {
    struct hash id;
    uint64_t at_ms;
    struct span reason;
};
WARN_UNUSED enum apm_err store_acknowledge(struct store *store, const struct store_ack *ack,
                                           store_done *done, void *context);

#endif
