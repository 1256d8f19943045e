/* Blocks for peers and clients, and where a bundle stands. */
#include "services/consensus/store_state.h"

#include "common/must.h"

void store_row(const struct db_rows *rows, uint32_t row, struct store_committed *ret_row)
{
    *ret_row = (struct store_committed){
        .block =
            {
                .id = db_get_hash(rows, row, COLUMN_ID),
                .rank =
                    {
                        db_get_u64(rows, row, COLUMN_EPOCH),
                        db_get_u64(rows, row, COLUMN_TERM),
                        db_get_u64(rows, row, COLUMN_SEQ),
                    },
                .height = db_get_u64(rows, row, COLUMN_HEIGHT),
                .parent = db_get_hash(rows, row, COLUMN_PARENT),
                .proposal = db_get_bytes(rows, row, COLUMN_PROPOSAL),
                .bundles =
                    {
                        .n = (uint32_t)db_get_u64(rows, row, COLUMN_N_BUNDLES),
                        .raw = db_get_bytes(rows, row, COLUMN_BUNDLES),
                    },
            },
    };
    if (db_rows_columns(rows) <= COLUMN_PROOF)
        return; /* a block, not a committed one */
    ret_row->proof = db_get_bytes(rows, row, COLUMN_PROOF);
    ret_row->outcomes = db_get_bytes(rows, row, COLUMN_OUTCOMES);
    ret_row->state_root = db_get_hash(rows, row, COLUMN_STATE_ROOT);
    ret_row->authority_root = db_get_hash(rows, row, COLUMN_AUTHORITY_ROOT);
    ret_row->ledger_root = db_get_hash(rows, row, COLUMN_LEDGER_ROOT);
    ret_row->time_ms = db_get_u64(rows, row, COLUMN_TIME_MS);
}

/* The slot is free before the callback, which may ask for more. */
static void on_blocks(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct read_slot *slot = context;
    struct store_reader reader = slot->reader;
    slot->is_active = false;

    uint32_t n = err == APM_OK ? db_rows_n(rows) : 0;
    for (uint32_t i = 0; i < n && reader.row != NULL; i++) {
        struct store_committed row;
        store_row(rows, i, &row);
        reader.row(reader.context, &row);
    }
    if (err == APM_OK && n == 0)
        err = APM_ERR_NOT_FOUND;
    reader.done(reader.context, err);
}

static void on_place(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct read_slot *slot = context;
    struct store_finder finder = slot->finder;
    slot->is_active = false;

    if (err == APM_OK && db_rows_n(rows) == 0)
        err = APM_ERR_NOT_FOUND;
    uint64_t height = err == APM_OK ? db_get_u64(rows, 0, 0) : 0;
    uint64_t index = err == APM_OK ? db_get_u64(rows, 0, 1) : 0;
    finder.found(finder.context, err, height, index);
}

static enum apm_err take_slot(struct store *store, struct read_slot **ret_slot)
{
    if (store->failure != APM_OK || !db_is_up(store->reader))
        return APM_ERR_DB_UNREACHABLE;
    for (uint32_t i = 0; i < STORE_READS_MAX; i++) {
        if (store->reads[i].is_active)
            continue;
        store->reads[i] = (struct read_slot){.is_active = true};
        *ret_slot = &store->reads[i];
        return APM_OK;
    }
    return APM_ERR_BUSY;
}

static void run(struct store *store, const struct db_call *call)
{
    db_run(store->reader, call);
    db_flush(store->reader);
}

enum apm_err store_read_range(struct store *store, const struct store_range *range,
                              const struct store_reader *reader)
{
    struct read_slot *slot;
    enum apm_err err = take_slot(store, &slot);
    if (err != APM_OK)
        return err;
    slot->reader = *reader;
    uint32_t max = range->max_blocks < RANGE_BLOCKS_MAX ? range->max_blocks : RANGE_BLOCKS_MAX;
    const struct db_param params[] = {
        db_u64(range->from_height),
        db_u64(max),
        db_u64(range->max_bytes),
    };
    run(store, &(struct db_call){STORE_GET_RANGE, N_ELEMENTS(params), params, on_blocks, slot});
    return APM_OK;
}

enum apm_err store_read_block(struct store *store, const struct hash *id,
                              const struct store_reader *reader)
{
    struct read_slot *slot;
    enum apm_err err = take_slot(store, &slot);
    if (err != APM_OK)
        return err;
    slot->reader = *reader;
    const struct db_param param = db_hash(id);
    run(store, &(struct db_call){STORE_GET_BLOCK, 1, &param, on_blocks, slot});
    return APM_OK;
}

enum apm_err store_find_bundle(struct store *store, const struct hash *bundle,
                               const struct store_finder *finder)
{
    struct read_slot *slot;
    enum apm_err err = take_slot(store, &slot);
    if (err != APM_OK)
        return err;
    slot->finder = *finder;
    const struct db_param param = db_hash(bundle);
    run(store, &(struct db_call){STORE_FIND_BUNDLE, 1, &param, on_place, slot});
    return APM_OK;
}

enum apm_err store_find_record(struct store *store, struct span space, uint64_t seq,
                               const struct store_finder *finder)
{
    struct read_slot *slot;
    enum apm_err err = take_slot(store, &slot);
    if (err != APM_OK)
        return err;
    slot->finder = *finder;
    const struct db_param params[] = {db_text(space), db_u64(seq)};
    run(store, &(struct db_call){STORE_FIND_RECORD, N_ELEMENTS(params), params, on_place, slot});
    return APM_OK;
}
