/* The statements, the three connections, and polling them. */
#include "services/consensus/store_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/loop.h"
#include "common/mem.h"
#include "common/must.h"

#define FENCE "apm2-consensus"
#define SCHEMA_MIN 1u
#define SCHEMA_MAX 9u /* later ones add what others write */
#define TIMEOUT_DEFAULT_MS 10000u

/* True while the epoch $1 is the newest. Each writing statement asks: one that
 * comes from a process which was overtaken writes nothing. */
#define IF_FENCED "EXISTS (SELECT 1 FROM fence WHERE service = '" FENCE "' AND epoch = $1::bigint)"

#define BLOCK_COLUMNS                                                                              \
    "b.id, b.epoch, b.term, b.seq, b.height, b.parent, b.proposal, b.n_bundles, b.bundles"
#define COMMITTED_COLUMNS                                                                          \
    "c.proof, c.outcomes, c.state_root, c.authority_root, c.ledger_root, c.time_ms"

static const struct db_statement statements[STORE_STATEMENTS] = {
    [STORE_ADOPT_CHAIN] = {"adopt_chain", "INSERT INTO chain (id, chain) SELECT 1, $2::bytea"
                                          " WHERE " IF_FENCED " ON CONFLICT (id) DO NOTHING"},
    [STORE_GET_CHAIN] = {"get_chain", "SELECT chain FROM chain WHERE id = 1"},
    [STORE_GET_SAFETY] = {"get_safety",
                          "SELECT counter, instance, record FROM safety WHERE id = 1"},

    /* The shared lock makes a successor's bump wait for this transaction, so that
     * it then reads what was written here. */
    [STORE_HOLD_FENCE] = {"hold_fence", "SELECT epoch FROM fence WHERE service = '" FENCE
                                        "' AND epoch = $1::bigint FOR SHARE"},
    [STORE_SEE_FENCE] = {"see_fence", "SELECT epoch FROM fence WHERE service = '" FENCE
                                      "' AND epoch = $1::bigint"},
    [STORE_SET_SAFETY] = {"set_safety",
                          "UPDATE safety SET counter = $2::bigint, instance = $3::bytea,"
                          " record = $4::bytea WHERE id = 1"
                          " AND (counter < $2::bigint OR instance <> $3::bytea) AND " IF_FENCED},
    [STORE_PUT_BLOCK] = {"put_block",
                         "INSERT INTO block (id, epoch, term, seq, height, parent, proposal,"
                         " n_bundles, bundles, n_bytes)"
                         " SELECT $2::bytea, $3::bigint, $4::bigint, $5::bigint, $6::bigint,"
                         " $7::bytea, $8::bytea, $9::bigint, $10::bytea, $11::bigint"
                         " WHERE " IF_FENCED " ON CONFLICT (id) DO NOTHING"},

    /* A row that stands already is counted only if it names the same block: the
     * store never replaces a committed block by another. */
    [STORE_PUT_COMMITTED] = {"put_committed",
                             "INSERT INTO committed (height, block, proof, outcomes, state_root,"
                             " authority_root, ledger_root, time_ms)"
                             " SELECT * FROM unnest($2::bigint[], $3::bytea[], $4::bytea[],"
                             " $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bigint[])"
                             " WHERE " IF_FENCED " ON CONFLICT (height) DO UPDATE"
                             " SET block = excluded.block WHERE committed.block = excluded.block"},
    [STORE_PUT_SEGMENTS] = {"put_segments",
                            "INSERT INTO segment (height, namespace, first_seq, n_records, chain,"
                            " tree_root) SELECT * FROM unnest($2::bigint[], $3::text[],"
                            " $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[])"
                            " WHERE " IF_FENCED " ON CONFLICT (namespace, height) DO NOTHING"},
    [STORE_PUT_BUNDLES] = {"put_bundles",
                           "INSERT INTO bundle_index (bundle, height, position)"
                           " SELECT * FROM unnest($2::bytea[], $3::bigint[], $4::bigint[])"
                           " WHERE " IF_FENCED " ON CONFLICT (bundle) DO NOTHING"},
    [STORE_DROP_LOSERS] = {"drop_losers",
                           "DELETE FROM block b WHERE b.height BETWEEN $2::bigint AND $3::bigint"
                           " AND NOT EXISTS (SELECT 1 FROM committed c WHERE c.height = b.height"
                           " AND c.block = b.id) AND " IF_FENCED},

    /* The running sum is over lengths alone: bytes beyond the limit are not read. */
    [STORE_GET_RANGE] = {"get_range",
                         "SELECT id, epoch, term, seq, height, parent, proposal, n_bundles,"
                         " bundles, proof, outcomes, state_root, authority_root, ledger_root,"
                         " time_ms FROM (SELECT " BLOCK_COLUMNS ", " COMMITTED_COLUMNS ","
                         " sum(b.n_bytes + octet_length(c.outcomes)) OVER (ORDER BY c.height)"
                         " AS n_bytes FROM committed c JOIN block b ON b.id = c.block"
                         " WHERE c.height >= $1::bigint AND c.height < $1::bigint + $2::bigint) r"
                         " WHERE n_bytes <= $3::bigint OR height = $1::bigint ORDER BY height"},
    [STORE_GET_TIP] = {"get_tip", "SELECT coalesce(max(height), 0) FROM committed"},
    [STORE_GET_BLOCK] = {"get_block",
                         "SELECT " BLOCK_COLUMNS ", " COMMITTED_COLUMNS " FROM block b"
                         " LEFT JOIN committed c ON c.height = b.height AND c.block = b.id"
                         " WHERE b.id = $1::bytea"},
    [STORE_GET_UNCOMMITTED] = {"get_uncommitted",
                               "SELECT " BLOCK_COLUMNS " FROM block b WHERE b.height > $1::bigint"
                               " AND (b.epoch, b.term, b.seq, b.id) >"
                               " ($2::bigint, $3::bigint, $4::bigint, $5::bytea)"
                               " ORDER BY b.epoch, b.term, b.seq, b.id LIMIT 4"},
    [STORE_FIND_BUNDLE] = {"find_bundle",
                           "SELECT height, position FROM bundle_index WHERE bundle = $1::bytea"},
    /* The last segment that begins at or before it; past the newest record, none. */
    [STORE_FIND_RECORD] = {"find_record",
                           "SELECT height, $2::bigint - first_seq FROM (SELECT height, first_seq,"
                           " n_records FROM segment WHERE namespace = $1::text"
                           " AND first_seq <= $2::bigint ORDER BY first_seq DESC LIMIT 1) s"
                           " WHERE first_seq + n_records > $2::bigint"},
};

void store_fail(struct store *store, enum apm_err err, const char *detail)
{
    if (store->failure != APM_OK)
        return;
    store->failure = err;
    store_detach(store);
    if (store->events.failed != NULL)
        store->events.failed(store->events.context, err, detail);
}

/* ---- connections ---- */

static void on_writer_up(void *context)
{
    struct store *store = context;
    persist_resume(store);
    if (store->load.phase == LOAD_SAFETY)
        load_resume(store);
    commit_resume(store); /* it may have waited for the epoch */
}

static void on_projector_up(void *context)
{
    struct store *store = context;
    store->commit.is_sent = false;
    commit_resume(store);
}

static void on_reader_up(void *context)
{
    struct store *store = context;
    if (store->load.phase != LOAD_SAFETY)
        load_resume(store);
}

static void note_down(struct store *store, const struct db *db, enum apm_err err)
{
    if (db_is_final(err))
        store_fail(store, err, db_detail(db));
}

static void on_writer_down(void *context, enum apm_err err)
{
    struct store *store = context;
    note_down(store, store->writer, err);
}

static void on_projector_down(void *context, enum apm_err err)
{
    struct store *store = context;
    note_down(store, store->projector, err);
}

static void on_reader_down(void *context, enum apm_err err)
{
    struct store *store = context;
    note_down(store, store->reader, err);
}

struct store *store_new(const struct store_config *config, const struct store_events *events)
{
    struct store *store = mem_new(1, sizeof(*store));
    store->config = *config;
    store->events = *events;
    (void)snprintf(store->application_name, sizeof(store->application_name), "apm2-consensus/%s",
                   config->node);
    buf_init(&store->persist.bytes, STORE_WRITE_BYTES_MAX);
    commit_init(store);

    struct db_setup setup = {
        .conninfo = config->conninfo,
        .application_name = store->application_name,
        .statements = statements,
        .n_statements = STORE_STATEMENTS,
        .schema_min = SCHEMA_MIN,
        .schema_max = SCHEMA_MAX,
        .timeout_ms = config->timeout_ms != 0 ? config->timeout_ms : TIMEOUT_DEFAULT_MS,
        .seed = config->seed,
        .context = store,
    };
    setup.fence = FENCE;
    setup.plans_once = true; /* all of them find their rows by index */
    setup.on_up = on_writer_up;
    setup.on_down = on_writer_down;
    store->writer = db_new(&setup);

    setup.fence = NULL;
    setup.seed = config->seed + 1;
    setup.on_up = on_projector_up;
    setup.on_down = on_projector_down;
    store->projector = db_new(&setup);

    setup.plans_once = false; /* ranges: the server had better see them */
    setup.seed = config->seed + 2;
    setup.on_up = on_reader_up;
    setup.on_down = on_reader_down;
    store->reader = db_new(&setup);
    return store;
}

/* ---- polling ---- */

static void poll_one(const struct db *db, struct pollfd *fds, size_t *n)
{
    if (db_fd(db) >= 0)
        fds[(*n)++] = (struct pollfd){.fd = db_fd(db), .events = db_events(db)};
}

size_t store_poll(const struct store *store, struct pollfd fds[STORE_FDS_MAX])
{
    size_t n = 0;
    if (store->failure != APM_OK)
        return 0;
    poll_one(store->writer, fds, &n);
    poll_one(store->projector, fds, &n);
    poll_one(store->reader, fds, &n);
    return n;
}

void store_ready(struct store *store, uint64_t now_ms)
{
    struct db *const connections[] = {store->writer, store->projector, store->reader};
    for (size_t i = 0; i < N_ELEMENTS(connections) && store->failure == APM_OK; i++)
        db_ready(connections[i], now_ms);
}

uint64_t store_deadline_ms(const struct store *store)
{
    if (store->failure != APM_OK)
        return UINT64_MAX;
    uint64_t soonest = db_deadline_ms(store->writer);
    uint64_t others[] = {db_deadline_ms(store->projector), db_deadline_ms(store->reader)};
    for (size_t i = 0; i < N_ELEMENTS(others); i++)
        soonest = others[i] < soonest ? others[i] : soonest;
    return soonest;
}

bool store_is_up(const struct store *store)
{
    return store->failure == APM_OK && db_is_up(store->writer) && db_is_up(store->projector) &&
           db_is_up(store->reader);
}

const char *store_detail(const struct store *store)
{
    if (!db_is_up(store->writer))
        return db_detail(store->writer);
    if (!db_is_up(store->projector))
        return db_detail(store->projector);
    return db_detail(store->reader);
}
