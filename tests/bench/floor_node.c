#include "tests/bench/floor_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/must.h"

#define RECORD_BYTES 1500u /* our safety record with one certificate */

_Noreturn void floor_die(const char *what, const char *why)
{
    (void)fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

void floor_make_keys(struct node *node)
{
    for (uint32_t i = 0; i <= NODES; i++) {
        uint8_t seed[crypto_sign_SEEDBYTES] = {(uint8_t)(i + 1)};
        MUST(crypto_sign_seed_keypair(node->keys[i].public, node->keys[i].secret, seed) == 0);
    }
}

/* ---- durable ---- */

static void run_sql(PGconn *database, const char *sql)
{
    PGresult *result = PQexec(database, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        floor_die(sql, PQerrorMessage(database));
    PQclear(result);
}

void floor_open_stores(struct node *node)
{
    uint8_t record[RECORD_BYTES] = {0};
    char path[512];

    node->database = PQconnectdb(node->options.databases[node->self]);
    if (PQstatus(node->database) != CONNECTION_OK)
        floor_die("database", PQerrorMessage(node->database));
    run_sql(node->database, "SET client_min_messages = warning");
    run_sql(node->database, "DROP TABLE IF EXISTS bench_floor");
    run_sql(node->database, "CREATE TABLE bench_floor (seq bigint PRIMARY KEY, block bytea)");
    run_sql(node->database, "ALTER TABLE bench_floor ALTER COLUMN block SET STORAGE EXTERNAL");
    PGresult *result = PQprepare(node->database, "put", "INSERT INTO bench_floor VALUES ($1, $2)",
                                 2, (const Oid[]){20, 17});
    MUST(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);

    (void)snprintf(path, sizeof(path), "%s/floor-%u", node->options.dir, node->self);
    (void)unlink(path);
    if (slot_file_create(path, 1, span_of(record, sizeof(record))) != APM_OK ||
        slot_file_open(path, &node->file) != APM_OK)
        floor_die(path, "no slot file");
    node->counter = 1;
    (void)unlink(path); /* it lives while it is open */
}

void floor_close_stores(struct node *node)
{
    run_sql(node->database, "DROP TABLE bench_floor");
    PQfinish(node->database);
    slot_file_close(&node->file);
}

void floor_persist(struct node *node, uint64_t seq, const void *block, size_t size)
{
    uint8_t record[RECORD_BYTES] = {0};
    uint64_t key = __builtin_bswap64(seq);
    const char *values[] = {(const char *)&key, block};
    int lengths[] = {sizeof(key), (int)size};
    int formats[] = {1, 1};

    if (PQsendQueryPrepared(node->database, "put", 2, values, lengths, formats, 1) != 1 ||
        PQflush(node->database) < 0)
        floor_die("insert", PQerrorMessage(node->database));
    memcpy(record, &seq, sizeof(seq));
    if (slot_file_write(node->file, ++node->counter, span_of(record, sizeof(record))) != APM_OK)
        floor_die("slot file", "write failed");
    for (PGresult *result; (result = PQgetResult(node->database)) != NULL; PQclear(result))
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            floor_die("insert", PQerrorMessage(node->database));
}

/* ---- signatures ---- */

void floor_sign_seq(const struct node *node, uint64_t seq, char what, uint8_t out[64])
{
    uint8_t statement[64] = {(uint8_t)what};

    memcpy(statement + 8, &seq, sizeof(seq));
    MUST(crypto_sign_detached(out, NULL, statement, sizeof(statement),
                              node->keys[node->self].secret) == 0);
}

void floor_check_seq(const struct node *node, uint32_t signer, uint64_t seq, char what,
                     const uint8_t sig[64])
{
    uint8_t statement[64] = {(uint8_t)what};

    memcpy(statement + 8, &seq, sizeof(seq));
    if (crypto_sign_verify_detached(sig, statement, sizeof(statement), node->keys[signer].public) !=
        0)
        floor_die("signature", "bad");
}

void floor_check_bundles(const struct node *node, const uint8_t *bundles, uint32_t n,
                         uint32_t bytes)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *bundle = bundles + (size_t)i * bytes;
        struct hash id = hash_bytes(span_of(bundle + 64, bytes - 64));
        if (crypto_sign_verify_detached(bundle, id.b, sizeof(id.b), node->keys[NODES].public) != 0)
            floor_die("bundle", "bad signature");
    }
}

uint8_t *floor_make_pool(const struct node *node, uint32_t bytes)
{
    uint8_t *pool = mem_new(POOL_BUNDLES, bytes);

    for (uint32_t i = 0; i < POOL_BUNDLES; i++) {
        uint8_t *bundle = pool + (size_t)i * bytes;
        memcpy(bundle + 64, &i, sizeof(i));
        struct hash id = hash_bytes(span_of(bundle + 64, bytes - 64));
        MUST(crypto_sign_detached(bundle, NULL, id.b, sizeof(id.b), node->keys[NODES].secret) == 0);
    }
    return pool;
}
