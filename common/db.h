/*
 * db - one PostgreSQL connection that never blocks the loop.
 *
 * libpq in pipeline mode. The owner polls db_fd for db_events, calls db_ready,
 * and again no later than db_deadline_ms. Statements are prepared once per
 * connection and named by their index in the setup's table; parameters and
 * results are binary. Every statement's `done` is called exactly once, from
 * db_ready, in order.
 *
 * A connection is *up* when the server has proved durable (fsync,
 * full_page_writes, synchronous_commit), has a schema version in range, and the
 * fence is held. It is dropped when the server takes longer than timeout_ms,
 * and when a statement fails: whatever was in flight then has an unknown
 * outcome, and the owner re-reads or repeats it after the next `up`. It reconnects
 * by itself after 0.1 to 5 s with jitter; but not after a final error (db_is_final).
 *
 * Ownership: parameters are copied out during the call, rows are borrowed for the
 * callback. Limits: DB_PARAMS_MAX parameters, DB_PENDING_MAX statements in flight.
 */
#ifndef APM2_DB_H
#define APM2_DB_H

#include "common/err.h"
#include "common/ids.h"

#define DB_PARAMS_MAX 16u
#define DB_PENDING_MAX 1024u
#define DB_DETAIL_MAX 512u

enum db_type { DB_NULL, DB_U64, DB_BYTES, DB_TEXT, DB_ARRAY };

/* One binary parameter. ARRAY: what db_array built. */
struct db_param {
    enum db_type type;
    uint64_t u64;
    struct span bytes;
};

static inline struct db_param db_u64(uint64_t value)
{
    return (struct db_param){.type = DB_U64, .u64 = value};
}

static inline struct db_param db_bytes(struct span bytes)
{
    return (struct db_param){.type = DB_BYTES, .bytes = bytes};
}

static inline struct db_param db_hash(const struct hash *hash)
{
    return db_bytes(span_of(hash->b, sizeof(hash->b)));
}

/* Empty bytes stand for NULL. */
static inline struct db_param db_bytes_or_null(struct span bytes)
{
    return bytes.size == 0 ? (struct db_param){.type = DB_NULL} : db_bytes(bytes);
}

static inline struct db_param db_text(struct span text)
{
    return (struct db_param){.type = DB_TEXT, .bytes = text};
}

/* What a statement gave. Borrowed for the callback. */
struct db_rows;
uint32_t db_rows_n(const struct db_rows *rows);
uint32_t db_rows_columns(const struct db_rows *rows);
/* Rows an INSERT, UPDATE or DELETE touched. */
uint64_t db_rows_changed(const struct db_rows *rows);
/* 0 and empty for NULL and for a column of another size. */
uint64_t db_get_u64(const struct db_rows *rows, uint32_t row, uint32_t column);
struct span db_get_bytes(const struct db_rows *rows, uint32_t row, uint32_t column);
struct hash db_get_hash(const struct db_rows *rows, uint32_t row, uint32_t column);

/* rows is NULL unless err is APM_OK. DB_FAILED: the server refused the statement
 * or one before it. DB_UNREACHABLE: the connection was lost, outcome unknown. */
typedef void db_done(void *context, enum apm_err err, const struct db_rows *rows);

struct db_statement {
    const char *name;
    const char *sql; /* with casts: $1::bigint */
};

struct db_setup {
    const char *conninfo;         /* keywords or URI, as libpq takes them */
    const char *application_name; /* "apm2-consensus/n1" */
    const struct db_statement *statements;
    uint32_t n_statements;
    uint64_t schema_min; /* migrations this program can work with */
    uint64_t schema_max;
    const char *fence;   /* take this service's fence; NULL = no fence */
    bool plans_once;     /* plan each statement once, without its parameters' values */
    uint64_t timeout_ms; /* longest silence of the server with work in flight */
    uint64_t seed;       /* of the reconnect jitter */
    void *context;
    void (*on_up)(void *context);
    /* Connection lost or not made; the pending statements have been called off. */
    void (*on_down)(void *context, enum apm_err err);
};

struct db;

/* Borrows the setup's strings and table for its life. Connects from db_ready. */
struct db *db_new(const struct db_setup *setup);
/* Drops the connection; pending callbacks are not called any more. */
void db_destroy(struct db **db);

int db_fd(const struct db *db);       /* -1 while there is no socket */
short db_events(const struct db *db); /* POLLIN, POLLOUT */
uint64_t db_deadline_ms(const struct db *db);
void db_ready(struct db *db, uint64_t now_ms);

bool db_is_up(const struct db *db);
/* Why it is not up: for readyz and logs. "" when it is. */
const char *db_detail(const struct db *db);
enum apm_err db_last_error(const struct db *db);
/* Errors that waiting does not cure: FENCED, SCHEMA_VERSION, CONFIG, DENIED. */
bool db_is_final(enum apm_err err);

/* The epoch held (0 before the first `up`). A parameter of every guarded write. */
uint64_t db_fence_epoch(const struct db *db);

/* One statement to run. `done` may be NULL: its failure still fails the batch. */
struct db_call {
    uint32_t statement;
    uint32_t n_params;
    const struct db_param *params;
    db_done *done;
    void *context;
};

/* Only while up. Calls up to the next db_flush, or from
 * db_begin to db_commit, succeed or fail together. */
void db_run(struct db *db, const struct db_call *call);
void db_flush(struct db *db);

void db_begin(struct db *db);
/* APM_OK only when the server answered with the tag COMMIT: a transaction that
 * failed answers a COMMIT with success and the tag ROLLBACK. */
void db_commit(struct db *db, db_done *done, void *context);

/* A binary array parameter under construction; grows as needed. */
enum db_element { DB_OF_U64, DB_OF_BYTES, DB_OF_TEXT };

struct db_array {
    enum db_element element;
    uint32_t n;
    uint8_t *data;
    size_t size;
    size_t capacity;
};

void db_array_init(struct db_array *array, enum db_element element);
void db_array_release(struct db_array *array);
/* Empties it, keeps the memory. */
void db_array_clear(struct db_array *array);
void db_array_add_u64(struct db_array *array, uint64_t value);
/* Of a BYTES or TEXT array; data == NULL stands for NULL. */
void db_array_add(struct db_array *array, struct span bytes);
struct db_param db_array_param(const struct db_array *array);

#endif
