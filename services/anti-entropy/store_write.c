/*
 * Batches, durable in transactions of as many as wait.
 *
 * A batch is kept until the server has said COMMIT to it; what a lost connection leaves
 * unknown is written again under the same numbers.
 */
#include "services/anti-entropy/store_state.h"

#include "common/must.h"

#define BATCHES_PER_WRITE 16u

void write_init(struct store *store)
{
    store->queue_end = &store->queue;
    db_array_init(&store->seqs, DB_OF_U64);
    db_array_init(&store->kinds, DB_OF_TEXT);
    db_array_init(&store->keys, DB_OF_TEXT);
    db_array_init(&store->hlcs, DB_OF_U64);
    db_array_init(&store->hashes, DB_OF_BYTES);
    db_array_init(&store->records, DB_OF_BYTES);
    db_array_init(&store->helds, DB_OF_U64);
    db_array_init(&store->arrivals, DB_OF_U64);
}

static void each_array(struct store *store, void (*visit)(struct db_array *array))
{
    struct db_array *const arrays[] = {
        &store->seqs,   &store->kinds,   &store->keys,  &store->hlcs,
        &store->hashes, &store->records, &store->helds, &store->arrivals,
    };
    for (size_t i = 0; i < N_ELEMENTS(arrays); i++)
        visit(arrays[i]);
}

static struct batch *take_first(struct store *store)
{
    struct batch *batch = store->queue;

    store->queue = batch->next;
    if (store->queue == NULL)
        store->queue_end = &store->queue;
    store->queue_bytes -= batch->records.size;
    batch->next = NULL;
    return batch;
}

void write_release(struct store *store)
{
    while (store->queue != NULL) {
        struct batch *batch = take_first(store);
        batch_destroy(&batch);
    }
    each_array(store, db_array_release);
}

/* ---- one batch's statements ---- */

static void add_record(struct store *store, const struct batch *batch, uint32_t i,
                       struct span bytes)
{
    struct wire_feed_record record;
    struct hash leaf = merkle_leaf(bytes);

    MUST(wire_decode_as(WIRE_feed_record, bytes, &record) == WIRE_OK); /* checked at the door */
    db_array_add_u64(&store->seqs, record.seq);
    db_array_add(&store->kinds, record.kind);
    db_array_add(&store->keys, record.key.size > 0 ? record.key : span_of("", 0));
    db_array_add_u64(&store->hlcs, record.hlc);
    db_array_add(&store->hashes, span_of(leaf.b, sizeof(leaf.b)));
    db_array_add(&store->records, bytes);
    db_array_add_u64(&store->helds, batch->held[i]);
    db_array_add_u64(&store->arrivals, batch->first_arrival + i);
}

static void run(struct store *store, enum store_statement statement, const struct db_param *params,
                uint32_t n)
{
    db_run(store->writer, &(struct db_call){statement, n, params, NULL, NULL});
}

static void put_records(struct store *store, const struct batch *batch, struct db_param epoch)
{
    size_t cursor = 0;
    struct span bytes;

    each_array(store, db_array_clear);
    for (uint32_t i = 0; feed_records_next(buf_span(&batch->records), &cursor, &bytes); i++)
        add_record(store, batch, i, bytes);
    const struct db_param params[] = {
        epoch,
        db_hash(&batch->feed->id),
        db_text(feed_name_of(batch->feed).space),
        db_array_param(&store->seqs),
        db_array_param(&store->kinds),
        db_array_param(&store->keys),
        db_array_param(&store->hlcs),
        db_array_param(&store->hashes),
        db_array_param(&store->records),
        db_array_param(&store->helds),
        db_array_param(&store->arrivals),
    };
    run(store, STORE_PUT_RECORDS, params, N_ELEMENTS(params));
}

static void put_feed(struct store *store, const struct batch *batch, struct db_param epoch)
{
    struct hash root = merkle_frontier_root(&batch->edge.tree);
    struct feed_name name = feed_name_of(batch->feed);
    uint8_t edge[FEED_EDGE_BYTES_MAX];
    size_t edge_size = feed_edge_encode(&batch->edge, edge);
    const struct db_param params[] = {
        epoch,
        db_hash(&batch->feed->id),
        db_text(name.space),
        db_text(name.author),
        db_u64(name.incarnation),
        db_u64(batch->edge.tree.n),
        db_hash(&root),
        db_bytes(span_of(edge, edge_size)),
        db_bytes(batch_head(batch)),
        db_u64(batch->edge.hlc_max),
    };
    run(store, STORE_PUT_FEED, params, N_ELEMENTS(params));
    const struct db_param head[] = {
        epoch,          db_hash(&batch->feed->id),   db_u64(batch->edge.tree.n),
        db_hash(&root), db_bytes(batch_head(batch)),
    };
    run(store, STORE_PUT_HEAD, head, N_ELEMENTS(head));
}

/* ---- one transaction ---- */

static void on_fence(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    store->is_fence_held = err == APM_OK && db_rows_n(rows) == 1;
}

static void on_commit(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    uint32_t n = store->n_sent;

    (void)rows;
    if (err != APM_OK)
        return; /* unknown: on_writer_down lets all of it run again */
    store->n_sent = 0;
    if (!store->is_fence_held) {
        store_fail(store, APM_ERR_FENCED, "another process has taken this node's database");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct batch *batch = take_first(store);
        store->arrived = batch->first_arrival + batch->n - 1;
        batch->done(batch->context, batch);
    }
    write_resume(store);
}

static void mark_fork(struct store *store, struct db_param epoch)
{
    if (store->fork_at == 0)
        return;
    const struct db_param params[] = {epoch, db_hash(&store->fork_feed), db_u64(store->fork_at)};
    run(store, STORE_MARK_FORK, params, N_ELEMENTS(params));
    store->fork_at = 0;
}

void write_resume(struct store *store)
{
    bool has_work = store->queue != NULL || store->fork_at != 0;

    if (!has_work || store->n_sent > 0 || store->failure != APM_OK || !store->is_loaded ||
        !db_is_up(store->writer))
        return;
    struct db_param epoch = db_u64(db_fence_epoch(store->writer));
    uint32_t n = 0;
    store->is_fence_held = false;
    db_begin(store->writer);
    db_run(store->writer, &(struct db_call){STORE_HOLD_FENCE, 1, &epoch, on_fence, store});
    for (struct batch *batch = store->queue; batch != NULL && n < BATCHES_PER_WRITE; n++) {
        put_records(store, batch, epoch);
        put_feed(store, batch, epoch);
        batch = batch->next;
    }
    mark_fork(store, epoch);
    store->n_sent = n;
    db_commit(store->writer, on_commit, store);
}

bool store_has_room(const struct store *store)
{
    return store->failure == APM_OK && store->queue_bytes < STORE_QUEUE_BYTES_MAX;
}

bool store_is_idle(const struct store *store)
{
    return store->queue == NULL;
}

void store_put(struct store *store, struct batch *batch)
{
    MUST(store->is_loaded && batch->n > 0 && batch->n <= CHUNK_RECORDS_MAX);
    batch->first_arrival = store->next_arrival;
    store->next_arrival += batch->n;
    *store->queue_end = batch;
    store->queue_end = &batch->next;
    store->queue_bytes += batch->records.size;
    write_resume(store);
}

void store_mark_fork(struct store *store, const struct feed *feed)
{
    store->fork_feed = feed->id;
    store->fork_at = feed->durable.fork_at;
    write_resume(store);
}
