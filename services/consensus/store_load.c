/*
 * What a starting node is told: chain checked, safety record, the committed
 * blocks, the blocks above them.
 *
 * A few MiB per query, so that memory stays bounded and the loop keeps turning. A
 * lost connection repeats the query at hand and no row twice.
 */
#include "services/consensus/store_state.h"

#include "common/must.h"

#define LOAD_BYTES (4u * MIB)

static void on_chain(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    if (err == APM_OK && db_rows_n(rows) == 1)
        store->load.chain = db_get_hash(rows, 0, 0);
}

static void on_safety(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    struct load *load = &store->load;
    if (err != APM_OK)
        return; /* again when the writer is back */
    if (!hash_eq(&load->chain, &store->config.chain)) {
        bool is_none = hash_is_zero(&load->chain);
        store_fail(store, is_none ? APM_ERR_FENCED : APM_ERR_GENESIS,
                   is_none ? "another process has taken this node's database"
                           : "the database holds another chain than this genesis: use the "
                             "genesis it began with, or an empty database");
        return;
    }
    if (db_rows_n(rows) != 1) {
        store_fail(store, APM_ERR_CORRUPT, "table safety has no row: restore the database");
        return;
    }
    struct store_safety safety = {
        .counter = db_get_u64(rows, 0, 0),
        .instance = db_get_hash(rows, 0, 1),
        .record = db_get_bytes(rows, 0, 2),
    };
    load->phase = LOAD_COMMITTED;
    load->next_height = 1;
    if (load->loader.safety != NULL)
        load->loader.safety(load->loader.context, &safety);
    load_resume(store);
}

static void ask_safety(struct store *store)
{
    const struct db_param params[] = {
        db_u64(db_fence_epoch(store->writer)),
        db_hash(&store->config.chain),
    };
    store->load.chain = (struct hash){{0}};
    db_run(store->writer, &(struct db_call){STORE_ADOPT_CHAIN, 2, params, NULL, NULL});
    db_run(store->writer, &(struct db_call){STORE_GET_CHAIN, 0, NULL, on_chain, store});
    db_run(store->writer, &(struct db_call){STORE_GET_SAFETY, 0, NULL, on_safety, store});
    db_flush(store->writer);
}

/* ---- committed blocks ---- */

static void missing(struct store *store)
{
    store_fail(store, APM_ERR_CORRUPT,
               "a committed block is missing: run `apm2 ledger verify-chain`");
}

/* A gap longer than one query looks like the end of the chain. */
static void on_tip(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    if (err == APM_OK && db_get_u64(rows, 0, 0) >= store->load.next_height)
        missing(store);
}

static void on_committed(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    struct load *load = &store->load;
    if (err != APM_OK)
        return;
    for (uint32_t i = 0; i < db_rows_n(rows); i++) {
        struct store_committed row;
        store_row(rows, i, &row);
        if (row.block.height != load->next_height) {
            missing(store);
            return;
        }
        load->next_height++;
        if (load->loader.committed != NULL)
            load->loader.committed(load->loader.context, &row);
    }
    if (db_rows_n(rows) == 0)
        load->phase = LOAD_UNCOMMITTED;
    load_resume(store);
}

static void ask_committed(struct store *store)
{
    const struct db_param params[] = {
        db_u64(store->load.next_height),
        db_u64(RANGE_BLOCKS_MAX),
        db_u64(LOAD_BYTES),
    };
    db_run(store->reader, &(struct db_call){STORE_GET_RANGE, 3, params, on_committed, store});
    db_flush(store->reader);
}

/* ---- blocks above the tip ---- */

static void on_uncommitted(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    struct load *load = &store->load;
    if (err != APM_OK)
        return;
    for (uint32_t i = 0; i < db_rows_n(rows); i++) {
        struct store_committed row;
        store_row(rows, i, &row);
        load->after = row.block.rank;
        load->after_id = row.block.id;
        if (load->loader.uncommitted != NULL)
            load->loader.uncommitted(load->loader.context, &row.block);
    }
    if (db_rows_n(rows) > 0) {
        load_resume(store);
        return;
    }
    load->phase = LOAD_DONE;
    if (load->loader.loaded != NULL)
        load->loader.loaded(load->loader.context);
}

static void ask_uncommitted(struct store *store)
{
    const struct load *load = &store->load;
    const struct db_param params[] = {
        db_u64(load->next_height - 1), db_u64(load->after.epoch), db_u64(load->after.term),
        db_u64(load->after.seq),       db_hash(&load->after_id),
    };
    db_run(store->reader, &(struct db_call){STORE_GET_TIP, 0, NULL, on_tip, store});
    db_run(store->reader,
           &(struct db_call){STORE_GET_UNCOMMITTED, 5, params, on_uncommitted, store});
    db_flush(store->reader);
}

/* Asks what comes next, if the connection for it is there. It is called once per
 * answer and once per new connection, so never twice for one question. */
void load_resume(struct store *store)
{
    if (store->failure != APM_OK)
        return;
    switch (store->load.phase) {
    case LOAD_SAFETY:
        if (db_is_up(store->writer))
            ask_safety(store);
        break;
    case LOAD_COMMITTED:
        if (db_is_up(store->reader))
            ask_committed(store);
        break;
    case LOAD_UNCOMMITTED:
        if (db_is_up(store->reader))
            ask_uncommitted(store);
        break;
    case LOAD_NONE:
    case LOAD_DONE:
        break;
    }
}

void store_load(struct store *store, const struct store_loader *loader)
{
    MUST(store->load.phase == LOAD_NONE);
    store->load.loader = *loader;
    store->load.phase = LOAD_SAFETY;
    load_resume(store);
}
