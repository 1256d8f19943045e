/* Records for the local door, chunks and blocks for peers. */
#include "services/anti-entropy/store_state.h"

#include "common/must.h"

static struct read_slot *free_slot(struct store *store)
{
    for (uint32_t i = 0; i < STORE_READS_MAX; i++)
        if (!store->reads[i].is_active)
            return &store->reads[i];
    return NULL;
}

/* Sends it, or says why not. */
static enum apm_err start(struct store *store, const struct read_slot *wanted,
                          const struct db_call *call)
{
    struct read_slot *slot = free_slot(store);

    if (!store_is_up(store))
        return APM_ERR_DB_UNREACHABLE;
    if (slot == NULL)
        return APM_ERR_BUSY;
    *slot = *wanted;
    slot->is_active = true;
    struct db_call with_slot = *call;
    with_slot.context = slot;
    db_run(store->reader, &with_slot);
    db_flush(store->reader);
    return APM_OK;
}

/* The slot is free before the callbacks, which may ask for more. */
static struct read_slot take(void *context)
{
    struct read_slot *slot = context;
    struct read_slot taken = *slot;

    slot->is_active = false;
    return taken;
}

/* ---- records ---- */

static void on_records(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct read_slot slot = take(context);
    uint32_t n = err == APM_OK ? db_rows_n(rows) : 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct store_record record = {
            .arrival = db_get_u64(rows, i, 0),
            .feed = db_get_hash(rows, i, 1),
            .seq = db_get_u64(rows, i, 2),
            .held = db_get_u64(rows, i, 3),
            .hlc = db_get_u64(rows, i, 4),
            .record = db_get_bytes(rows, i, 5),
        };
        slot.reader.record(slot.reader.context, &record);
    }
    slot.reader.done(slot.reader.context, err, n);
}

static struct db_param text_of(struct span text)
{
    return db_text(text.size > 0 ? text : span_of("", 0));
}

enum apm_err store_list(struct store *store, const struct store_filter *filter,
                        const struct store_reader *reader)
{
    const struct db_param params[] = {
        db_u64(filter->after), db_u64(filter->limit), text_of(filter->space),
        text_of(filter->kind), text_of(filter->key),  db_u64(filter->max_bytes),
    };
    const struct db_call call = {STORE_LIST, N_ELEMENTS(params), params, on_records, NULL};
    return start(store, &(struct read_slot){.reader = *reader}, &call);
}

enum apm_err store_get(struct store *store, const struct hash *feed, uint64_t seq,
                       const struct store_reader *reader)
{
    const struct db_param params[] = {db_hash(feed), db_u64(seq)};
    const struct db_call call = {STORE_GET, N_ELEMENTS(params), params, on_records, NULL};
    return start(store, &(struct read_slot){.reader = *reader}, &call);
}

enum apm_err store_find_newest(struct store *store, const struct hash *feed,
                               const struct store_filter *filter, const struct store_reader *reader)
{
    const struct db_param params[] = {db_hash(feed), text_of(filter->space), text_of(filter->kind),
                                      text_of(filter->key)};
    const struct db_call call = {STORE_FIND_NEWEST, N_ELEMENTS(params), params, on_records, NULL};
    return start(store, &(struct read_slot){.reader = *reader}, &call);
}

/* ---- chunks ---- */

static void on_chunk(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct read_slot slot = take(context);
    uint32_t n = err == APM_OK ? db_rows_n(rows) : 0;
    struct buf records;

    if (n == 0) {
        slot.chunk.chunk(slot.chunk.context, err == APM_OK ? APM_ERR_NOT_FOUND : err, NULL);
        return;
    }
    buf_init(&records, 2u * CHUNK_BYTES_MAX);
    for (uint32_t i = 0; i < n; i++)
        (void)buf_append_span(&records, db_get_bytes(rows, i, 1));
    const struct store_chunk chunk = {
        .from_seq = slot.from_seq,
        .to_seq = db_get_u64(rows, n - 1, 0),
        .records = buf_span(&records),
        .head = db_get_bytes(rows, n - 1, 2),
    };
    slot.chunk.chunk(slot.chunk.context, records.overflow ? APM_ERR_CORRUPT : APM_OK, &chunk);
    buf_release(&records);
}

enum apm_err store_read_chunk(struct store *store, const struct hash *feed, uint64_t from_seq,
                              const struct store_chunk_reader *reader)
{
    const struct db_param params[] = {db_hash(feed), db_u64(from_seq), db_u64(CHUNK_RECORDS_MAX),
                                      db_u64(CHUNK_BYTES_MAX)};
    const struct db_call call = {STORE_GET_CHUNK, N_ELEMENTS(params), params, on_chunk, NULL};
    return start(store, &(struct read_slot){.chunk = *reader, .from_seq = from_seq}, &call);
}

/* ---- blocks ---- */

static void on_blocks(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct read_slot slot = take(context);
    uint32_t n = err == APM_OK ? db_rows_n(rows) : 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct store_block block = {
            .height = db_get_u64(rows, i, 0),
            .proposal = db_get_bytes(rows, i, 1),
            .n_bundles = (uint32_t)db_get_u64(rows, i, 2),
            .bundles = db_get_bytes(rows, i, 3),
            .proof = db_get_bytes(rows, i, 4),
        };
        slot.blocks.block(slot.blocks.context, &block);
    }
    slot.blocks.done(slot.blocks.context, err);
}

enum apm_err store_read_range(struct store *store, const struct store_range *range,
                              const struct store_block_reader *reader)
{
    const struct db_param params[] = {db_u64(range->from_height), db_u64(range->max_blocks),
                                      db_u64(range->max_bytes)};
    const struct db_call call = {STORE_GET_RANGE, N_ELEMENTS(params), params, on_blocks, NULL};
    return start(store, &(struct read_slot){.blocks = *reader}, &call);
}
