#include "services/cli/store_pg.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdlib.h>

#include "common/mem.h"

/* apm2 owns the database and migrates it; the others are what grants name. */
const char store_bootstrap_sql[] = "CREATE ROLE apm2 LOGIN;\n"
                                   "CREATE ROLE apm2_consensus NOLOGIN;\n"
                                   "CREATE ROLE apm2_anti_entropy NOLOGIN;\n"
                                   "CREATE ROLE apm2_read NOLOGIN;\n"
                                   "CREATE DATABASE apm2 OWNER apm2;\n";

/* One row a time keeps memory at one block, however long the chain. */
static const char next_block_sql[] =
    "SELECT height, block, proposal, n_bundles, bundles, proof, outcomes, state_root, "
    "authority_root, ledger_root, block_height, parent, epoch, term, seq, n_bytes, time_ms "
    "FROM block_v1 WHERE height > $1::bigint ORDER BY height LIMIT 1";
#define SEGMENT_COLUMNS                                                                            \
    "SELECT namespace, first_seq, n_records, chain, tree_root, height FROM segment_v1 "
static const char segments_sql[] =
    SEGMENT_COLUMNS "WHERE height = $1::bigint ORDER BY namespace COLLATE \"C\"";
/* One sort for the whole walk: neither view has an index by height. */
struct stretch_sql {
    const char *open;
    const char *more;
};
static const struct stretch_sql places_sql = {
    "DECLARE places CURSOR FOR SELECT height, position, bundle FROM bundle_v1 "
    "ORDER BY height, position",
    "FETCH 1000 FROM places"};
static const struct stretch_sql all_segments_sql = {
    "DECLARE all_segments CURSOR FOR " SEGMENT_COLUMNS "ORDER BY height, namespace COLLATE \"C\"",
    "FETCH 1000 FROM all_segments"};
static const char find_place_sql[] =
    "SELECT height, position, bundle FROM bundle_v1 WHERE bundle = $1::bytea";
static const char stray_sql[] =
    "SELECT height, which FROM (SELECT height, 0::bigint AS which FROM segment_v1 "
    "UNION ALL SELECT height, 1 FROM block_v1) AS every "
    "WHERE height < 1 OR height > $1::bigint ORDER BY height LIMIT 1";
static const char parent_sql[] = "SELECT parent FROM block_v1 WHERE height = $1::bigint";
static const char tip_sql[] = "SELECT coalesce(max(height), 0)::bigint FROM block_v1";

/* Rows of a whole view, fetched a stretch at a time. */
struct stretch {
    PGresult *rows;
    int next;
    bool is_open; /* the cursor is declared */
};

struct store_reader {
    PGconn *connection;
    PGresult *block; /* what the last row borrows from */
    PGresult *segments;
    struct stretch places;
    struct stretch all_segments;
    uint64_t height; /* of the last block read */
};

static enum apm_err refuse(struct store_reader *reader, enum apm_err err,
                           struct complaint *complaint)
{
    const char *text = PQerrorMessage(reader->connection);
    return complain(complaint, err, "database: %.*s", (int)strcspn(text, "\n"), text);
}

enum apm_err store_reader_open(const char *conninfo, struct store_reader **ret_reader,
                               struct complaint *ret_complaint)
{
    struct store_reader *reader = mem_new(1, sizeof(*reader));
    reader->connection = PQconnectdb(conninfo);
    if (PQstatus(reader->connection) != CONNECTION_OK) {
        enum apm_err err = refuse(reader, APM_ERR_DB_UNREACHABLE, ret_complaint);
        complain_hint(ret_complaint, "is PostgreSQL running? apm2 dev status");
        store_reader_close(&reader);
        return err;
    }
    /* One snapshot for all reads: a node may be committing meanwhile. */
    PGresult *begin = PQexec(reader->connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    bool ok = PQresultStatus(begin) == PGRES_COMMAND_OK;
    PQclear(begin);
    if (!ok) {
        enum apm_err err = refuse(reader, APM_ERR_DB_FAILED, ret_complaint);
        store_reader_close(&reader);
        return err;
    }
    *ret_reader = reader;
    return APM_OK;
}

void store_reader_close(struct store_reader **reader)
{
    if (*reader == NULL)
        return;
    PQclear((*reader)->block);
    PQclear((*reader)->segments);
    PQclear((*reader)->places.rows);
    PQclear((*reader)->all_segments.rows);
    PQfinish((*reader)->connection);
    free(*reader);
    *reader = NULL;
}

static struct span column(const PGresult *result, int row, int at)
{
    if (PQgetisnull(result, row, at))
        return (struct span){0};
    return span_of(PQgetvalue(result, row, at), (size_t)PQgetlength(result, row, at));
}

static uint64_t column_u64(const PGresult *result, int row, int at)
{
    struct span bytes = column(result, row, at);
    uint64_t value = 0;
    if (bytes.size == sizeof(value))
        memcpy(&value, bytes.data, sizeof(value));
    return be64toh(value);
}

static struct hash column_hash(const PGresult *result, int row, int at)
{
    struct span bytes = column(result, row, at);
    struct hash hash = {{0}};
    if (bytes.size == sizeof(hash.b))
        memcpy(hash.b, bytes.data, sizeof(hash.b));
    return hash;
}

/* Binary in, binary out. */
static PGresult *run(struct store_reader *reader, const char *sql, uint64_t parameter)
{
    uint64_t wire = htobe64(parameter);
    const char *values[] = {(const char *)&wire};
    const int lengths[] = {sizeof(wire)}, formats[] = {1};
    int n = strchr(sql, '$') != NULL;
    return PQexecParams(reader->connection, sql, n, NULL, values, lengths, formats, 1);
}

enum apm_err store_next_block(struct store_reader *reader, struct store_block_row *ret_row,
                              struct complaint *ret_complaint)
{
    PQclear(reader->block);
    reader->block = run(reader, next_block_sql, reader->height);
    if (PQresultStatus(reader->block) != PGRES_TUPLES_OK) {
        enum apm_err err = refuse(reader, APM_ERR_DB_FAILED, ret_complaint);
        complain_hint(ret_complaint, "apm2 db migrate brings the schema up to date");
        return err;
    }
    if (PQntuples(reader->block) == 0)
        return APM_ERR_NOT_FOUND;
    *ret_row = (struct store_block_row){
        .height = column_u64(reader->block, 0, 0),
        .block = column_hash(reader->block, 0, 1),
        .proposal = column(reader->block, 0, 2),
        .n_bundles = column_u64(reader->block, 0, 3),
        .bundles = column(reader->block, 0, 4),
        .proof = column(reader->block, 0, 5),
        .outcomes = column(reader->block, 0, 6),
        .state_root = column_hash(reader->block, 0, 7),
        .authority_root = column_hash(reader->block, 0, 8),
        .ledger_root = column_hash(reader->block, 0, 9),
        .block_height = column_u64(reader->block, 0, 10),
        .parent = column_hash(reader->block, 0, 11),
        .rank = {column_u64(reader->block, 0, 12), column_u64(reader->block, 0, 13),
                 column_u64(reader->block, 0, 14)},
        .n_bytes = column_u64(reader->block, 0, 15),
        .time_ms = column_u64(reader->block, 0, 16),
    };
    reader->height = ret_row->height;
    return APM_OK;
}

static struct store_segment_row segment_of(const PGresult *result, int row)
{
    return (struct store_segment_row){
        .space = column(result, row, 0),
        .first_seq = column_u64(result, row, 1),
        .n_records = column_u64(result, row, 2),
        .chain = column_hash(result, row, 3),
        .tree_root = column_hash(result, row, 4),
        .height = column_u64(result, row, 5),
    };
}

enum apm_err store_segments(struct store_reader *reader, uint64_t height,
                            struct store_segment_row ret_rows[STORE_SEGMENTS_MAX], uint32_t *ret_n,
                            struct complaint *ret_complaint)
{
    PQclear(reader->segments);
    reader->segments = run(reader, segments_sql, height);
    if (PQresultStatus(reader->segments) != PGRES_TUPLES_OK)
        return refuse(reader, APM_ERR_DB_FAILED, ret_complaint);
    int n = PQntuples(reader->segments);
    if (n > (int)STORE_SEGMENTS_MAX)
        return complain(ret_complaint, APM_ERR_CORRUPT, "segment_v1: %d namespaces at height %llu",
                        n, (unsigned long long)height);
    for (int i = 0; i < n; i++) {
        ret_rows[i] = segment_of(reader->segments, i);
    }
    *ret_n = (uint32_t)n;
    return APM_OK;
}

static struct store_place place_of(const PGresult *result, int row)
{
    return (struct store_place){
        .height = column_u64(result, row, 0),
        .position = column_u64(result, row, 1),
        .bundle = column_hash(result, row, 2),
    };
}

/* Whether a question was answered, and with a row. */
static enum apm_err has_row(struct store_reader *reader, PGresult *result,
                            struct complaint *complaint)
{
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return refuse(reader, APM_ERR_DB_FAILED, complaint);
    return PQntuples(result) > 0 ? APM_OK : APM_ERR_NOT_FOUND;
}

/* Its next row, at stretch->next. NOT_FOUND after the last. */
static enum apm_err peek(struct store_reader *reader, struct stretch *stretch,
                         const struct stretch_sql *sql, struct complaint *complaint)
{
    if (!stretch->is_open) {
        PGresult *result = PQexec(reader->connection, sql->open);
        stretch->is_open = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
        if (!stretch->is_open)
            return refuse(reader, APM_ERR_DB_FAILED, complaint);
    }
    if (stretch->rows == NULL || stretch->next == PQntuples(stretch->rows)) {
        PQclear(stretch->rows);
        stretch->rows = run(reader, sql->more, 0);
        stretch->next = 0;
    }
    return has_row(reader, stretch->rows, complaint);
}

enum apm_err store_peek_place(struct store_reader *reader, struct store_place *ret_place,
                              struct complaint *ret_complaint)
{
    enum apm_err err = peek(reader, &reader->places, &places_sql, ret_complaint);
    if (err == APM_OK)
        *ret_place = place_of(reader->places.rows, reader->places.next);
    return err;
}

void store_take_place(struct store_reader *reader)
{
    reader->places.next++;
}

enum apm_err store_peek_segment(struct store_reader *reader, struct store_segment_row *ret_row,
                                struct complaint *ret_complaint)
{
    enum apm_err err = peek(reader, &reader->all_segments, &all_segments_sql, ret_complaint);
    if (err == APM_OK)
        *ret_row = segment_of(reader->all_segments.rows, reader->all_segments.next);
    return err;
}

void store_take_segment(struct store_reader *reader)
{
    reader->all_segments.next++;
}

enum apm_err store_find_place(struct store_reader *reader, const struct hash *bundle,
                              struct store_place *ret_place, struct complaint *ret_complaint)
{
    const char *values[] = {(const char *)bundle->b};
    const int lengths[] = {sizeof(bundle->b)}, formats[] = {1};
    PGresult *result =
        PQexecParams(reader->connection, find_place_sql, 1, NULL, values, lengths, formats, 1);
    enum apm_err err = has_row(reader, result, ret_complaint);
    if (err == APM_OK)
        *ret_place = place_of(result, 0);
    PQclear(result);
    return err;
}

enum apm_err store_stray_height(struct store_reader *reader, uint64_t tip, uint64_t *ret_height,
                                const char **ret_table, struct complaint *ret_complaint)
{
    PGresult *result = run(reader, stray_sql, tip);
    enum apm_err err = has_row(reader, result, ret_complaint);
    if (err == APM_OK) {
        *ret_height = column_u64(result, 0, 0);
        *ret_table = column_u64(result, 0, 1) == 0 ? "segment" : "committed";
    }
    PQclear(result);
    return err;
}

enum apm_err store_parent_at(struct store_reader *reader, uint64_t height, struct hash *ret_parent,
                             struct complaint *ret_complaint)
{
    PGresult *result = run(reader, parent_sql, height);
    enum apm_err err = has_row(reader, result, ret_complaint);
    if (err == APM_OK)
        *ret_parent = column_hash(result, 0, 0);
    PQclear(result);
    return err;
}

enum apm_err store_tip_height(struct store_reader *reader, uint64_t *ret_height,
                              struct complaint *ret_complaint)
{
    PGresult *result = run(reader, tip_sql, 0);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    if (ok)
        *ret_height = column_u64(result, 0, 0);
    PQclear(result);
    return ok ? APM_OK : refuse(reader, APM_ERR_DB_FAILED, ret_complaint);
}
