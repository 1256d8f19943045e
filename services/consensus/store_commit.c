/*
 * What executing committed blocks gave: rows that replay can rebuild.
 *
 * The parameters are built when asked for and kept until the server has said
 * COMMIT; every statement may run again, so a lost connection needs no question.
 */
#include "services/consensus/store_state.h"

#include "common/must.h"

static struct span hash_span(const struct hash *hash)
{
    return span_of(hash->b, sizeof(hash->b));
}

void commit_init(struct store *store)
{
    struct commit *commit = &store->commit;
    db_array_init(&commit->heights, DB_OF_U64);
    db_array_init(&commit->blocks, DB_OF_BYTES);
    db_array_init(&commit->proofs, DB_OF_BYTES);
    db_array_init(&commit->outcomes, DB_OF_BYTES);
    db_array_init(&commit->state_roots, DB_OF_BYTES);
    db_array_init(&commit->authority_roots, DB_OF_BYTES);
    db_array_init(&commit->ledger_roots, DB_OF_BYTES);
    db_array_init(&commit->times, DB_OF_U64);
    db_array_init(&commit->segment_heights, DB_OF_U64);
    db_array_init(&commit->spaces, DB_OF_TEXT);
    db_array_init(&commit->first_seqs, DB_OF_U64);
    db_array_init(&commit->n_records, DB_OF_U64);
    db_array_init(&commit->chains, DB_OF_BYTES);
    db_array_init(&commit->tree_roots, DB_OF_BYTES);
    db_array_init(&commit->bundles, DB_OF_BYTES);
    db_array_init(&commit->bundle_heights, DB_OF_U64);
    db_array_init(&commit->bundle_positions, DB_OF_U64);
}

static void each_array(struct commit *commit, void (*visit)(struct db_array *array))
{
    struct db_array *const arrays[] = {
        &commit->heights,          &commit->blocks,
        &commit->proofs,           &commit->outcomes,
        &commit->state_roots,      &commit->authority_roots,
        &commit->ledger_roots,     &commit->times,
        &commit->segment_heights,  &commit->spaces,
        &commit->first_seqs,       &commit->n_records,
        &commit->chains,           &commit->tree_roots,
        &commit->bundles,          &commit->bundle_heights,
        &commit->bundle_positions,
    };
    for (size_t i = 0; i < N_ELEMENTS(arrays); i++)
        visit(arrays[i]);
}

void commit_release(struct store *store)
{
    each_array(&store->commit, db_array_release);
}

/* ---- keeping ---- */

static void keep_segment(struct commit *commit, uint64_t height,
                         const struct store_segment *segment)
{
    db_array_add_u64(&commit->segment_heights, height);
    db_array_add(&commit->spaces, segment->space);
    db_array_add_u64(&commit->first_seqs, segment->first_seq);
    db_array_add_u64(&commit->n_records, segment->n_records);
    db_array_add(&commit->chains, hash_span(&segment->chain));
    db_array_add(&commit->tree_roots, hash_span(&segment->tree_root));
}

static void keep_bundles(struct commit *commit, uint64_t height, struct span ids)
{
    MUST(ids.size % sizeof(struct hash) == 0);
    for (size_t at = 0; at < ids.size; at += sizeof(struct hash)) {
        db_array_add(&commit->bundles, span_of(ids.data + at, sizeof(struct hash)));
        db_array_add_u64(&commit->bundle_heights, height);
        db_array_add_u64(&commit->bundle_positions, at / sizeof(struct hash));
    }
}

static struct span null_if_empty(struct span bytes)
{
    return bytes.size == 0 ? span_of(NULL, 0) : bytes;
}

static struct span never_null(struct span bytes)
{
    return bytes.size == 0 ? span_of("", 0) : bytes;
}

static void keep_row(struct commit *commit, const struct store_commit_row *row)
{
    db_array_add_u64(&commit->heights, row->height);
    db_array_add(&commit->blocks, hash_span(&row->block));
    db_array_add(&commit->proofs, null_if_empty(row->proof));
    db_array_add(&commit->outcomes, never_null(row->outcomes));
    db_array_add(&commit->state_roots, hash_span(&row->state_root));
    db_array_add(&commit->authority_roots, hash_span(&row->authority_root));
    db_array_add(&commit->ledger_roots, hash_span(&row->ledger_root));
    db_array_add_u64(&commit->times, row->time_ms);
    for (uint32_t i = 0; i < row->n_segments; i++)
        keep_segment(commit, row->height, &row->segments[i]);
    keep_bundles(commit, row->height, row->bundles);
}

/* ---- one transaction ---- */

static void on_stored(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    store->commit.n_stored = err == APM_OK ? db_rows_changed(rows) : 0;
}

static void on_fence(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    store->commit.is_fence_held = err == APM_OK && db_rows_n(rows) == 1;
}

static void on_commit(void *context, enum apm_err err, const struct db_rows *rows)
{
    (void)rows;
    struct store *store = context;
    struct commit *commit = &store->commit;
    if (err != APM_OK)
        return; /* commit_resume repeats it */
    if (!commit->is_fence_held) {
        store_fail(store, APM_ERR_FENCED, "another process has taken this node's database");
    } else if (commit->n_stored != commit->n_rows) {
        store_fail(store, APM_ERR_CORRUPT,
                   "table committed names another block at a height just committed");
    } else {
        commit->is_active = false;
        store->events.committed(store->events.context, commit->last_height);
    }
}

static void run(struct store *store, enum store_statement statement, const struct db_param *params,
                uint32_t n_params)
{
    db_done *done = statement == STORE_PUT_COMMITTED ? on_stored
                    : statement == STORE_SEE_FENCE   ? on_fence
                                                     : NULL;
    db_run(store->projector, &(struct db_call){statement, n_params, params, done, store});
}

static void put_committed(struct store *store, struct db_param epoch)
{
    const struct commit *commit = &store->commit;
    const struct db_param params[] = {
        epoch,
        db_array_param(&commit->heights),
        db_array_param(&commit->blocks),
        db_array_param(&commit->proofs),
        db_array_param(&commit->outcomes),
        db_array_param(&commit->state_roots),
        db_array_param(&commit->authority_roots),
        db_array_param(&commit->ledger_roots),
        db_array_param(&commit->times),
    };
    run(store, STORE_PUT_COMMITTED, params, N_ELEMENTS(params));
}

static void put_segments(struct store *store, struct db_param epoch)
{
    const struct commit *commit = &store->commit;
    const struct db_param params[] = {
        epoch,
        db_array_param(&commit->segment_heights),
        db_array_param(&commit->spaces),
        db_array_param(&commit->first_seqs),
        db_array_param(&commit->n_records),
        db_array_param(&commit->chains),
        db_array_param(&commit->tree_roots),
    };
    if (commit->spaces.n > 0)
        run(store, STORE_PUT_SEGMENTS, params, N_ELEMENTS(params));
}

static void put_bundles(struct store *store, struct db_param epoch)
{
    const struct commit *commit = &store->commit;
    const struct db_param params[] = {
        epoch,
        db_array_param(&commit->bundles),
        db_array_param(&commit->bundle_heights),
        db_array_param(&commit->bundle_positions),
    };
    if (commit->bundles.n > 0)
        run(store, STORE_PUT_BUNDLES, params, N_ELEMENTS(params));
}

/* A losing block may have been stored after its height was committed, though not
 * long after: a core holds CHAIN_WINDOW blocks. */
static void drop_losers(struct store *store, struct db_param epoch)
{
    const struct commit *commit = &store->commit;
    uint64_t first = commit->first_height;
    const struct db_param params[] = {
        epoch,
        db_u64(first > CHAIN_WINDOW ? first - CHAIN_WINDOW : 1),
        db_u64(commit->last_height),
    };
    run(store, STORE_DROP_LOSERS, params, N_ELEMENTS(params));
}

/* The epoch is the writer's: before its first connection there is none to name. */
void commit_resume(struct store *store)
{
    struct commit *commit = &store->commit;
    bool can_send = db_is_up(store->projector) && db_fence_epoch(store->writer) != 0;
    if (!commit->is_active || commit->is_sent || !can_send)
        return;
    struct db_param epoch = db_u64(db_fence_epoch(store->writer));
    commit->is_sent = true;
    commit->n_stored = 0;
    commit->is_fence_held = false;
    db_begin(store->projector);
    put_committed(store, epoch);
    put_segments(store, epoch);
    put_bundles(store, epoch);
    drop_losers(store, epoch);
    /* Last: if it is still held now, every statement before it wrote. */
    run(store, STORE_SEE_FENCE, &epoch, 1);
    db_commit(store->projector, on_commit, store);
}

bool store_can_commit(const struct store *store)
{
    return !store->commit.is_active;
}

void store_commit(struct store *store, const struct store_commit_row *rows, uint32_t n_rows)
{
    struct commit *commit = &store->commit;
    MUST(!commit->is_active && n_rows > 0);

    each_array(commit, db_array_clear);
    for (uint32_t i = 0; i < n_rows; i++) {
        MUST(rows[i].height == rows[0].height + i);
        keep_row(commit, &rows[i]);
    }
    commit->is_active = true;
    commit->is_sent = false;
    commit->n_rows = n_rows;
    commit->first_height = rows[0].height;
    commit->last_height = rows[n_rows - 1].height;
    commit_resume(store);
}
