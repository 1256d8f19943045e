/* Writes and reads under way, each answered once. */
#include "services/byzantine-monitor/store_state.h"

static enum apm_err take_op(struct store *store, struct op **ret_op)
{
    if (!store_is_up(store))
        return APM_ERR_DB_UNREACHABLE;
    for (uint32_t i = 0; i < STORE_OPS_MAX; i++) {
        if (store->ops[i].is_active)
            continue;
        store->ops[i] = (struct op){.store = store, .is_active = true};
        *ret_op = &store->ops[i];
        return APM_OK;
    }
    return APM_ERR_BUSY;
}

static void on_written(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct op *op = context;
    struct store_reader reader = op->reader;

    (void)rows;
    op->is_active = false;
    if (err == APM_OK && op->is_fenced)
        err = APM_ERR_FENCED;
    reader.done(reader.context, err);
}

/* The row that says where a batch came from is always there: untouched means fenced. */
static void on_origin(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct op *op = context;

    op->is_fenced = err == APM_OK && db_rows_changed(rows) == 0;
}

static void put(struct store *store, const struct store_row *row)
{
    const struct db_param params[] = {
        db_u64(db_fence_epoch(store->db)),
        db_hash(&row->id),
        db_u64(row->kind),
        db_u64(row->what),
        db_u64(row->is_attributable),
        db_u64(row->validator),
        db_text(row->validator_id),
        db_u64(row->rank.epoch),
        db_u64(row->rank.term),
        db_u64(row->rank.seq),
        db_u64(row->n),
        db_u64(row->first_ms),
        db_u64(row->last_ms),
        db_bytes(row->record),
        db_u64(STORE_ROWS_PER_MEMBER),
    };
    db_run(store->db, &(struct db_call){STORE_PUT, N_ELEMENTS(params), params, NULL, NULL});
}

static void put_origin(struct op *op, const struct store_batch *batch)
{
    struct store *store = op->store;
    const struct db_param source[] = {db_u64(db_fence_epoch(store->db)), db_u64(batch->source),
                                      db_u64(batch->number)};
    const struct db_param cursor[] = {db_u64(db_fence_epoch(store->db)), db_u64(batch->number)};

    if (batch->origin == STORE_FROM_REPORT)
        db_run(store->db,
               &(struct db_call){STORE_SET_SOURCE, N_ELEMENTS(source), source, on_origin, op});
    else
        db_run(store->db,
               &(struct db_call){STORE_SET_CURSOR, N_ELEMENTS(cursor), cursor, on_origin, op});
}

enum apm_err store_keep(struct store *store, const struct store_batch *batch, store_done *done,
                        void *context)
{
    struct op *op = NULL;
    enum apm_err err = take_op(store, &op);

    if (err != APM_OK)
        return err;
    op->reader = (struct store_reader){.context = context, .done = done};
    db_begin(store->db);
    put_origin(op, batch);
    for (uint32_t i = 0; i < batch->n; i++)
        put(store, &batch->rows[i]);
    store_count(store);
    db_commit(store->db, on_written, op);
    return APM_OK;
}

static struct store_row row_of(const struct db_rows *rows, uint32_t i)
{
    return (struct store_row){
        .id = db_get_hash(rows, i, 0),
        .number = db_get_u64(rows, i, 1),
        .kind = db_get_u64(rows, i, 2),
        .what = db_get_u64(rows, i, 3),
        .is_attributable = db_get_u64(rows, i, 4) != 0,
        .validator = db_get_u64(rows, i, 5),
        .validator_id = db_get_bytes(rows, i, 6),
        .rank = {db_get_u64(rows, i, 7), db_get_u64(rows, i, 8), db_get_u64(rows, i, 9)},
        .n = db_get_u64(rows, i, 10),
        .first_ms = db_get_u64(rows, i, 11),
        .last_ms = db_get_u64(rows, i, 12),
        .record = db_get_bytes(rows, i, 13),
        .ack_ms = db_get_u64(rows, i, 14),
        .ack_reason = db_get_bytes(rows, i, 15),
    };
}

static void on_rows(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct op *op = context;
    struct store_reader reader = op->reader;
    uint32_t n = err == APM_OK ? db_rows_n(rows) : 0;

    op->is_active = false;
    for (uint32_t i = 0; i < n; i++) {
        struct store_row row = row_of(rows, i);
        reader.row(reader.context, &row);
    }
    reader.done(reader.context, err);
}

static enum apm_err read_rows(struct store *store, struct db_call *call,
                              const struct store_reader *reader)
{
    struct op *op = NULL;
    enum apm_err err = take_op(store, &op);

    if (err != APM_OK)
        return err;
    op->reader = *reader;
    call->done = on_rows;
    call->context = op;
    db_run(store->db, call);
    db_flush(store->db);
    return APM_OK;
}

enum apm_err store_list(struct store *store, const struct store_list *list,
                        const struct store_reader *reader)
{
    const struct db_param params[] = {db_u64(list->before), db_u64(list->kind),
                                      db_u64(list->limit)};
    struct db_call call = {STORE_LIST, N_ELEMENTS(params), params, NULL, NULL};

    return read_rows(store, &call, reader);
}

enum apm_err store_find(struct store *store, struct span prefix, const struct store_reader *reader)
{
    const struct db_param params[] = {db_bytes(prefix), db_u64(prefix.size)};
    struct db_call call = {STORE_FIND, N_ELEMENTS(params), params, NULL, NULL};

    return read_rows(store, &call, reader);
}

enum apm_err store_next_proof(struct store *store, uint64_t number,
                              const struct store_reader *reader)
{
    const struct db_param params[] = {db_u64(number)};
    struct db_call call = {STORE_NEXT_PROOF, N_ELEMENTS(params), params, NULL, NULL};

    return read_rows(store, &call, reader);
}

static void on_acknowledged(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct op *op = context;
    struct store_reader reader = op->reader;

    op->is_active = false;
    if (err == APM_OK && db_rows_changed(rows) == 0)
        err = APM_ERR_NOT_FOUND;
    reader.done(reader.context, err);
}

enum apm_err store_acknowledge(struct store *store, const struct store_ack *ack, store_done *done,
                               void *context)
{
    struct op *op = NULL;
    enum apm_err err = take_op(store, &op);

    if (err != APM_OK)
        return err;
    op->reader = (struct store_reader){.context = context, .done = done};
    const struct db_param params[] = {db_u64(db_fence_epoch(store->db)), db_hash(&ack->id),
                                      db_u64(ack->at_ms), db_text(ack->reason)};
    db_run(store->db,
           &(struct db_call){STORE_ACKNOWLEDGE, N_ELEMENTS(params), params, on_acknowledged, op});
    store_count(store);
    db_flush(store->db);
    return APM_OK;
}
