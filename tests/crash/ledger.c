/* After the last point: four ledgers, one content, and everything acknowledged in each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/hash.h"
#include "common/mem.h"
#include "tests/crash/world.h"

#define SETTLE_MS 40000u
#define HEX_BYTES (2u * 32u)
#define CHUNK 1000u

/* One value of the first row; "" when there is none. */
static void ask(PGconn *conn, const char *sql, const char *const params[2], char out[200])
{
    int n_params = params != NULL ? 2 : 0;
    PGresult *result = PQexecParams(conn, sql, n_params, NULL, params, NULL, NULL, 0);
    bool is_row = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    (void)snprintf(out, 200, "%s", is_row ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
}

static bool is_one_tip(PGconn *const conns[CRASH_NODES], char tips[CRASH_NODES][200])
{
    bool is_one = true;
    for (uint32_t i = 0; i < CRASH_NODES; i++) {
        ask(conns[i],
            "SELECT height || ' ' || encode(block, 'hex') || ' ' || encode(state_root, 'hex')"
            " FROM status_v1",
            NULL, tips[i]);
        is_one &= tips[i][0] != 0 && strcmp(tips[i], tips[0]) == 0;
    }
    return is_one;
}

static void await_one_tip(struct world *world, PGconn *const conns[CRASH_NODES])
{
    char tips[CRASH_NODES][200];
    uint64_t end_ms = now_ms() + SETTLE_MS;
    world->load.is_quiet = true;
    while (load_n_open(&world->load) > 0 || !is_one_tip(conns, tips)) {
        if (now_ms() >= end_ms) {
            world_find(world, &world->n_lost, "no common end: %.20s, %.20s, %.20s, %.20s", tips[0],
                       tips[1], tips[2], tips[3]);
            return;
        }
        world_turn(world, 100);
    }
}

/* "{a,b,...}" of a part of the acknowledgements, for bundles and heights. */
static void arrays(const struct load *load, uint32_t first, uint32_t n, char *bundles,
                   char *heights)
{
    char *b = bundles, *h = heights;
    for (uint32_t i = first; i < first + n; i++) {
        *b++ = i == first ? '{' : ',';
        hex_encode(load->acks[i].bundle.b, sizeof(load->acks[i].bundle.b), b);
        b += HEX_BYTES;
        h += snprintf(h, 24, "%c%" PRIu64, i == first ? '{' : ',', load->acks[i].height);
    }
    memcpy(b, "}", 2);
    memcpy(h, "}", 2);
}

static uint64_t n_missing(const struct load *load, PGconn *conn)
{
    char *bundles = mem_new(CHUNK, HEX_BYTES + 2), *heights = mem_new(CHUNK, 24);
    uint64_t n = 0;
    for (uint32_t i = 0; i < load->n_acks; i += CHUNK) {
        uint32_t n_here = load->n_acks - i < CHUNK ? load->n_acks - i : CHUNK;
        const char *const params[] = {bundles, heights};
        char found[200];
        arrays(load, i, n_here, bundles, heights);
        ask(conn,
            "SELECT count(*) FROM unnest($1::text[], $2::bigint[]) AS w (bundle, height)"
            " JOIN bundle_v1 v ON v.bundle = decode(w.bundle, 'hex')"
            " AND (v.height = w.height OR w.height = 0)",
            params, found);
        n += n_here - strtoull(found, NULL, 10);
    }
    free(bundles);
    free(heights);
    return n;
}

static void check_one(struct world *world, uint32_t node, PGconn *conn)
{
    char name[8];
    uint64_t missing = n_missing(&world->load, conn);
    if (missing > 0)
        world_find(world, &world->n_lost, "n%u: %" PRIu64 " acknowledged bundles are not there",
                   node + 1, missing);
    (void)snprintf(name, sizeof(name), "n%u", node + 1);
    const char *const args[] = {"--node", name, "ledger", "verify-chain", NULL};
    if (!cluster_apm2(world, args))
        world_find(world, &world->n_lost, "n%u: apm2 ledger verify-chain fails (apm2.log)",
                   node + 1);
}

static int by_bundle(const void *a, const void *b)
{
    const struct load_ack *left = a, *right = b;
    int order = memcmp(left->bundle.b, right->bundle.b, sizeof(left->bundle.b));
    return order != 0 ? order : u64_cmp(left->height, right->height);
}

/* Whoever told of a bundle named the same height: it took effect once. */
static void check_heights(struct world *world)
{
    struct load *load = &world->load;
    if (load->n_acks > 0)
        qsort(load->acks, load->n_acks, sizeof(*load->acks), by_bundle);
    for (uint32_t i = 1; i < load->n_acks; i++) {
        const struct load_ack *a = &load->acks[i - 1], *b = &load->acks[i];
        if (hash_eq(&a->bundle, &b->bundle) && a->height != 0 && a->height != b->height)
            world_find(world, &world->n_lost,
                       "a bundle was acknowledged at height %" PRIu64 " by n%u and at %" PRIu64
                       " by n%u",
                       a->height, a->node + 1, b->height, b->node + 1);
    }
}

void ledger_check(struct world *world)
{
    PGconn *conns[CRASH_NODES];
    bool are_up = true;
    for (uint32_t i = 0; i < CRASH_NODES; i++) {
        conns[i] = disk_connect(world, i);
        are_up &= conns[i] != NULL;
    }
    if (are_up)
        await_one_tip(world, conns);
    check_heights(world);
    for (uint32_t i = 0; i < CRASH_NODES; i++) {
        if (are_up)
            check_one(world, i, conns[i]);
        PQfinish(conns[i]);
    }
}
