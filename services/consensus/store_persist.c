/*
 * The safety record and block bodies, durable in one transaction.
 *
 * What was asked for is kept until the server has said COMMIT to it. After a lost
 * connection the outcome is unknown: the safety row decides between "it is there"
 * and "write it again". Blocks alone are simply written again.
 */
#include "services/consensus/store_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/must.h"

/* ---- keeping ---- */

/* Bundles are stored as the encoded bins of a message's list of them. */
static void keep_bundles(struct buf *bytes, const struct blobs *bundles)
{
    if (bundles->items == NULL) {
        MUST(buf_append_span(bytes, bundles->raw));
        return;
    }
    for (uint32_t i = 0; i < bundles->n; i++) {
        size_t most = bundles->items[i].size + 5; /* a bin 32 header */
        uint8_t *room = buf_reserve(bytes, most);
        MUST(room != NULL);
        struct writer writer = writer_of(room, most);
        writer_bin(&writer, bundles->items[i]);
        buf_grow(bytes, writer.size);
    }
}

static void keep_block(struct persist *persist, const struct store_block *block)
{
    MUST(persist->n_blocks < RANGE_BLOCKS_MAX);
    struct kept_block *kept = &persist->blocks[persist->n_blocks++];
    *kept = (struct kept_block){
        .id = block->id,
        .rank = block->rank,
        .height = block->height,
        .parent = block->parent,
        .n_bundles = block->bundles.n,
        .proposal_at = persist->bytes.size,
    };
    MUST(buf_append_span(&persist->bytes, block->proposal));
    kept->bundles_at = persist->bytes.size;
    keep_bundles(&persist->bytes, &block->bundles);
    kept->end = persist->bytes.size;
}

/* ---- one transaction ---- */

static void on_fence(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    store->persist.is_fence_held = err == APM_OK && db_rows_n(rows) == 1;
}

static void on_record(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    store->persist.is_record_set = err == APM_OK && db_rows_changed(rows) == 1;
}

static void complete(struct store *store)
{
    store->persist.is_active = false;
    store->events.persisted(store->events.context, store->persist.token);
}

static void reread(struct store *store, bool is_refused);

static void on_commit(void *context, enum apm_err err, const struct db_rows *rows)
{
    (void)rows;
    struct store *store = context;
    const struct persist *persist = &store->persist;
    if (err != APM_OK)
        return; /* unknown: persist_resume finds out */
    if (!persist->is_fence_held)
        store_fail(store, APM_ERR_FENCED, "another process has taken this node's database");
    else if (persist->record_size > 0 && !persist->is_record_set)
        reread(store, true);
    else
        complete(store);
}

static void put_record(struct store *store)
{
    const struct persist *persist = &store->persist;
    const struct db_param params[] = {
        db_u64(db_fence_epoch(store->writer)),
        db_u64(persist->counter),
        db_hash(&persist->instance),
        db_bytes(span_of(persist->bytes.data, persist->record_size)),
    };
    db_run(store->writer,
           &(struct db_call){STORE_SET_SAFETY, N_ELEMENTS(params), params, on_record, store});
}

static void put_block(struct store *store, const struct kept_block *kept)
{
    const uint8_t *bytes = store->persist.bytes.data;
    const struct db_param params[] = {
        db_u64(db_fence_epoch(store->writer)),
        db_hash(&kept->id),
        db_u64(kept->rank.epoch),
        db_u64(kept->rank.term),
        db_u64(kept->rank.seq),
        db_u64(kept->height),
        db_hash(&kept->parent),
        db_bytes(span_of(bytes + kept->proposal_at, kept->bundles_at - kept->proposal_at)),
        db_u64(kept->n_bundles),
        db_bytes(span_of(bytes + kept->bundles_at, kept->end - kept->bundles_at)),
        db_u64(kept->end - kept->proposal_at),
    };
    db_run(store->writer,
           &(struct db_call){STORE_PUT_BLOCK, N_ELEMENTS(params), params, NULL, NULL});
}

static void send(struct store *store)
{
    struct persist *persist = &store->persist;
    persist->is_fence_held = false;
    persist->is_record_set = false;

    const struct db_param epoch = db_u64(db_fence_epoch(store->writer));
    db_begin(store->writer);
    db_run(store->writer, &(struct db_call){STORE_HOLD_FENCE, 1, &epoch, on_fence, store});
    if (persist->record_size > 0)
        put_record(store);
    for (uint32_t i = 0; i < persist->n_blocks; i++)
        put_block(store, &persist->blocks[i]);
    db_commit(store->writer, on_commit, store);
}

bool store_can_persist(const struct store *store)
{
    return !store->persist.is_active;
}

void store_persist(struct store *store, const struct store_write *write, uint64_t token)
{
    struct persist *persist = &store->persist;
    MUST(!persist->is_active && write->n_blocks <= RANGE_BLOCKS_MAX);

    persist->is_active = true;
    persist->token = token;
    persist->counter = write->counter;
    persist->instance = write->instance;
    persist->n_blocks = 0;
    buf_clear(&persist->bytes);
    MUST(buf_append_span(&persist->bytes, write->record));
    persist->record_size = write->record.size;
    for (uint32_t i = 0; i < write->n_blocks; i++)
        keep_block(persist, &write->blocks[i]);
    if (db_is_up(store->writer))
        send(store);
}

/* ---- when in doubt, the row decides ---- */

static bool is_what_we_wrote(const struct persist *persist, const struct db_rows *rows)
{
    struct hash instance = db_get_hash(rows, 0, 1);
    return db_get_u64(rows, 0, 0) == persist->counter && hash_eq(&instance, &persist->instance) &&
           span_eq(db_get_bytes(rows, 0, 2), span_of(persist->bytes.data, persist->record_size));
}

static void fail_refused(struct store *store, uint64_t stored)
{
    char detail[128];
    (void)snprintf(detail, sizeof(detail),
                   "the stored safety record is number %" PRIu64 ", not older than ours, %" PRIu64
                   ": another process wrote it",
                   stored, store->persist.counter);
    store_fail(store, APM_ERR_FENCED, detail);
}

static void on_reread(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    if (err != APM_OK)
        return;
    if (db_rows_n(rows) != 1)
        store_fail(store, APM_ERR_CORRUPT, "table safety has no row: restore the database");
    else if (is_what_we_wrote(&store->persist, rows))
        complete(store); /* the blocks went in the same transaction */
    else if (store->persist.is_refused)
        fail_refused(store, db_get_u64(rows, 0, 0));
    else
        send(store);
}

/* After a lost connection; and when the guard refused the record, for a session of
 * ours that was believed dead may have written this very record. */
static void reread(struct store *store, bool is_refused)
{
    store->persist.is_refused = is_refused;
    const struct db_call call = {
        .statement = STORE_GET_SAFETY, .done = on_reread, .context = store};
    db_run(store->writer, &call);
    db_flush(store->writer);
}

void persist_resume(struct store *store)
{
    if (!store->persist.is_active)
        return;
    if (store->persist.record_size > 0)
        reread(store, false);
    else
        send(store);
}

void persist_release(struct store *store)
{
    buf_release(&store->persist.bytes);
}
