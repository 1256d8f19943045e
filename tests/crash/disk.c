/* What is left after the power came back: the safety file without its unsynced bytes,
 * and the database as PostgreSQL recovers it. */
#include "tests/crash/world.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/slot_file.h"
#include "services/consensus/core/safety.h"

#define RECOVERY_MS 30000u

static void file_path(const struct world *world, uint32_t node, char *out, size_t capacity)
{
    (void)snprintf(out, capacity, "%s/keys/n%u.safety", world->nodes[node].dir, node + 1);
}

void disk_restore_file(struct world *world, uint32_t node)
{
    const struct crash_node *shared = &world->control->nodes[node];
    char path[300];
    if (shared->file_size == 0)
        return; /* not opened yet: nothing was written either */
    file_path(world, node, path, sizeof(path));
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 &&
              pwrite(fd, shared->file, shared->file_size, 0) == (ssize_t)shared->file_size &&
              fdatasync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (!ok)
        world_find(world, &world->n_forgotten, "n%u: its safety file cannot be put back", node + 1);
}

PGconn *disk_connect(struct world *world, uint32_t node)
{
    char conninfo[400];
    uint64_t end_ms = now_ms() + RECOVERY_MS;
    (void)snprintf(conninfo, sizeof(conninfo), "host=%s/pgsock user=apm2 dbname=apm2",
                   world->nodes[node].dir);
    while (now_ms() < end_ms) {
        PGconn *conn = PQconnectdb(conninfo);
        if (PQstatus(conn) == CONNECTION_OK)
            return conn;
        PQfinish(conn);
        world_turn(world, 20);
    }
    world_find(world, &world->n_lost, "n%u: PostgreSQL does not come back", node + 1);
    return NULL;
}

/* ---- promises beside a record ---- */

static void compare(struct world *world, uint32_t node, const char *where,
                    const struct safety_record *record)
{
    const struct crash_promises *promises = &world->control->nodes[node].promises;
    const char *what = NULL;
    if (rank_cmp(record->last_vote, promises->vote) < 0)
        what = "vote";
    else if (rank_cmp(record->last_proposal, promises->proposal) < 0)
        what = "proposal";
    else if (rank_cmp(record->high_qc.rank, promises->commit_vote) < 0)
        what = "commit vote";
    else if (term_cmp(record->timed_out, promises->timeout) < 0)
        what = "timeout";
    if (what != NULL)
        world_find(world, &world->n_forgotten,
                   "n%u: the %s (record %" PRIu64 ") knows nothing of a %s that was sent", node + 1,
                   where, record->counter, what);
}

static void check_file(struct world *world, uint32_t node)
{
    char path[300];
    struct slot_file *file = NULL;
    struct safety_record *record = mem_new(1, sizeof(*record));
    file_path(world, node, path, sizeof(path));
    enum apm_err err = slot_file_open(path, &file);
    if (err == APM_OK) {
        uint64_t counter;
        struct span bytes;
        bool is_torn;
        slot_file_newest(file, &counter, &bytes, &is_torn);
        if (safety_decode(bytes, record))
            compare(world, node, "safety file", record);
        else
            err = APM_ERR_CORRUPT;
        slot_file_close(&file);
    }
    if (err != APM_OK)
        world_find(world, &world->n_forgotten, "n%u: safety file: %s", node + 1, apm_err_text(err));
    free(record);
}

static void check_row(struct world *world, uint32_t node, PGconn *conn)
{
    PGresult *result =
        PQexecParams(conn, "SELECT record FROM safety", 0, NULL, NULL, NULL, NULL, 1);
    struct safety_record *record = mem_new(1, sizeof(*record));
    bool is_row = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    size_t size = is_row ? (size_t)PQgetlength(result, 0, 0) : 0;
    if (size == 0) /* none written yet */
        *record = (struct safety_record){.counter = 0};
    else if (!safety_decode(span_of(PQgetvalue(result, 0, 0), size), record))
        is_row = false;
    if (is_row)
        compare(world, node, "database", record);
    else
        world_find(world, &world->n_forgotten, "n%u: no safety row: %s", node + 1,
                   PQerrorMessage(conn));
    free(record);
    PQclear(result);
}

/* ---- acknowledgements ---- */

/* The block that holds it is on this very disk: who tells a client has stored it. */
static bool holds(PGconn *conn, const struct load_ack *ack)
{
    uint64_t height = htobe64(ack->height);
    const char *const values[] = {(const char *)&height, (const char *)ack->bundle.b};
    const int lengths[] = {sizeof(height), sizeof(ack->bundle.b)};
    const int formats[] = {1, 1};
    PGresult *result = PQexecParams(conn,
                                    "SELECT 1 FROM block WHERE height = $1::bigint"
                                    " AND position($2::bytea IN proposal) > 0",
                                    2, NULL, values, lengths, formats, 0);
    bool is_there = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0;
    PQclear(result);
    return is_there;
}

static void check_acks(struct world *world, uint32_t node, PGconn *conn)
{
    for (uint32_t i = 0; i < world->load.n_acks; i++) {
        struct load_ack *ack = &world->load.acks[i];
        char hex[2 * 32 + 1];
        if (ack->node != node || ack->is_checked)
            continue;
        ack->is_checked = true;
        if (ack->height == 0 || holds(conn, ack))
            continue;
        hex_encode(ack->bundle.b, sizeof(ack->bundle.b), hex);
        world_find(world, &world->n_lost,
                   "n%u: acknowledged bundle %.16s at height %" PRIu64 " is not on its disk",
                   node + 1, hex, ack->height);
    }
}

void disk_check(struct world *world, uint32_t node)
{
    check_file(world, node);
    PGconn *conn = disk_connect(world, node);
    if (conn == NULL)
        return;
    check_row(world, node, conn);
    check_acks(world, node, conn);
    PQfinish(conn);
}
