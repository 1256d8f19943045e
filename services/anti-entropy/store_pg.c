/* The statements, the two connections, and the load. */
#include "services/anti-entropy/store_state.h"

#include "common/mem.h"
#include "common/must.h"

#define FENCE "apm2-anti-entropy"
#define SCHEMA_MIN 4u
#define SCHEMA_MAX 99u /* later migrations add what others write */
#define TIMEOUT_MS 10000u

#define IF_FENCED "EXISTS (SELECT 1 FROM fence WHERE service = '" FENCE "' AND epoch = $1::bigint)"
#define RECORD_COLUMNS "arrival, feed, seq, held, hlc, record"

static const struct db_statement statements[STORE_STATEMENTS] = {
    [STORE_GET_CHAIN] = {"get_chain", "SELECT chain FROM chain WHERE id = 1"},
    [STORE_GET_FEEDS] = {"get_feeds",
                         "SELECT namespace, author, incarnation, size, hlc_max, frontier, head,"
                         " coalesce(fork_at, 0) FROM feed ORDER BY feed"},
    [STORE_GET_ARRIVED] = {"get_arrived", "SELECT coalesce(max(arrival), 0) FROM feed_record"},

    /* The shared lock makes a successor's bump wait for this transaction. */
    [STORE_HOLD_FENCE] = {"hold_fence", "SELECT epoch FROM fence WHERE service = '" FENCE
                                        "' AND epoch = $1::bigint FOR SHARE"},
    [STORE_PUT_FEED] = {"put_feed",
                        "INSERT INTO feed (feed, namespace, author, incarnation, size, root,"
                        " frontier, head, hlc_max)"
                        " SELECT $2::bytea, $3::text, $4::text, $5::bigint, $6::bigint, $7::bytea,"
                        " $8::bytea, $9::bytea, $10::bigint WHERE " IF_FENCED
                        " ON CONFLICT (feed) DO UPDATE SET size = excluded.size,"
                        " root = excluded.root, frontier = excluded.frontier,"
                        " head = excluded.head, hlc_max = excluded.hlc_max"
                        " WHERE feed.size < excluded.size"},
    [STORE_PUT_RECORDS] = {"put_records",
                           "INSERT INTO feed_record (feed, namespace, seq, kind, key, hlc, hash,"
                           " record, held, arrival)"
                           " SELECT $2::bytea, $3::text, r.* FROM unnest($4::bigint[], $5::text[],"
                           " $6::text[], $7::bigint[], $8::bytea[], $9::bytea[], $10::bigint[],"
                           " $11::bigint[]) AS r WHERE " IF_FENCED
                           " ON CONFLICT (feed, seq) DO NOTHING"},
    [STORE_PUT_HEAD] = {"put_head",
                        "INSERT INTO feed_head (feed, size, root, head)"
                        " SELECT $2::bytea, $3::bigint, $4::bytea, $5::bytea WHERE " IF_FENCED
                        " ON CONFLICT (feed, size) DO NOTHING"},
    [STORE_MARK_FORK] = {"mark_fork", "UPDATE feed SET fork_at = $3::bigint WHERE feed = $2::bytea"
                                      " AND fork_at IS NULL AND " IF_FENCED},

    [STORE_LIST] = {"list",
                    "SELECT " RECORD_COLUMNS " FROM (SELECT *, sum(octet_length(record)) OVER w"
                    " AS total, row_number() OVER w AS place FROM (SELECT * FROM feed_record"
                    " WHERE arrival > $1::bigint AND ($3::text = '' OR namespace = $3::text)"
                    " AND ($4::text = '' OR kind = $4::text) AND ($5::text = '' OR key = $5::text)"
                    " ORDER BY arrival LIMIT $2::bigint) AS page WINDOW w AS (ORDER BY arrival))"
                    " AS counted WHERE total <= $6::bigint OR place = 1 ORDER BY arrival"},
    [STORE_GET] = {"get", "SELECT " RECORD_COLUMNS
                          " FROM feed_record WHERE feed = $1::bytea AND seq = $2::bigint"},
    [STORE_FIND_NEWEST] = {"find_newest",
                           "SELECT " RECORD_COLUMNS " FROM feed_record WHERE namespace = $2::text"
                           " AND kind = $3::text AND key = $4::text AND key <> ''"
                           " AND feed = $1::bytea ORDER BY arrival DESC LIMIT 1"},

    /* Chunks end where a signed head stands; the next head always may be reached. */
    [STORE_GET_CHUNK] =
        {"get_chunk",
         "WITH stretch AS (SELECT seq, record, sum(octet_length(record)) OVER (ORDER BY seq) AS "
         "total"
         " FROM (SELECT seq, record FROM feed_record WHERE feed = $1::bytea"
         " AND seq >= $2::bigint ORDER BY seq LIMIT $3::bigint) AS r),"
         " last AS (SELECT h.size, h.head FROM feed_head h JOIN stretch ON stretch.seq = h.size"
         " WHERE h.feed = $1::bytea AND (stretch.total <= $4::bigint OR h.size ="
         " (SELECT min(size) FROM feed_head WHERE feed = $1::bytea AND size >= $2::bigint))"
         " ORDER BY h.size DESC LIMIT 1)"
         " SELECT stretch.seq, stretch.record, CASE WHEN stretch.seq = last.size THEN last.head END"
         " FROM stretch, last WHERE stretch.seq <= last.size ORDER BY stretch.seq"},
    [STORE_GET_RANGE] =
        {"get_range",
         "SELECT height, proposal, n_bundles, bundles, proof FROM (SELECT *, sum(n_bytes) OVER w"
         " AS total, row_number() OVER w AS place FROM (SELECT * FROM block_v1"
         " WHERE height >= $1::bigint AND proposal IS NOT NULL ORDER BY height LIMIT $2::bigint)"
         " AS page WINDOW w AS (ORDER BY height)) AS counted"
         " WHERE total <= $3::bigint OR place = 1 ORDER BY height"},
};

void store_fail(struct store *store, enum apm_err err, const char *detail)
{
    if (store->failure != APM_OK)
        return;
    store->failure = err;
    store->events.failed(store->events.context, err, detail);
}

/* ---- load: on the writer, each time it comes up until it is done ---- */

static void on_chain(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;

    if (err != APM_OK || db_rows_n(rows) == 0)
        return; /* consensus names the chain at its first start */
    struct hash chain = db_get_hash(rows, 0, 0);
    if (!hash_eq(&chain, &store->config.chain))
        store_fail(store, APM_ERR_GENESIS, "the database belongs to another chain");
}

static bool read_feed(const struct db_rows *rows, uint32_t row, struct store_feed *ret_feed)
{
    ret_feed->name = (struct feed_name){db_get_bytes(rows, row, 0), db_get_bytes(rows, row, 1),
                                        db_get_u64(rows, row, 2)};
    ret_feed->head = db_get_bytes(rows, row, 6);
    ret_feed->fork_at = db_get_u64(rows, row, 7);
    return feed_edge_decode(db_get_u64(rows, row, 3), db_get_u64(rows, row, 4),
                            db_get_bytes(rows, row, 5), &ret_feed->edge) &&
           ret_feed->name.space.size <= ID_BYTES_MAX &&
           ret_feed->name.author.size <= ID_BYTES_MAX && ret_feed->head.size <= FEED_HEAD_BYTES_MAX;
}

static void on_feeds(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    uint32_t n = err == APM_OK ? db_rows_n(rows) : 0;

    for (uint32_t i = 0; i < n && store->failure == APM_OK; i++) {
        struct store_feed feed;
        if (read_feed(rows, i, &feed))
            store->events.feed(store->events.context, &feed);
        else
            store_fail(store, APM_ERR_CORRUPT, "table feed holds a row that is no feed");
    }
}

static void on_arrived(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;

    store->is_loading = false;
    if (err != APM_OK || store->failure != APM_OK)
        return; /* the next connection begins again */
    store->arrived = db_get_u64(rows, 0, 0);
    store->next_arrival = store->arrived + 1;
    store->is_loaded = true;
    store->events.loaded(store->events.context);
}

static void on_writer_up(void *context)
{
    struct store *store = context;

    if (store->is_loaded) {
        write_resume(store);
        return;
    }
    store->is_loading = true;
    db_run(store->writer, &(struct db_call){STORE_GET_CHAIN, 0, NULL, on_chain, store});
    db_run(store->writer, &(struct db_call){STORE_GET_FEEDS, 0, NULL, on_feeds, store});
    db_run(store->writer, &(struct db_call){STORE_GET_ARRIVED, 0, NULL, on_arrived, store});
    db_flush(store->writer);
}

static void on_writer_down(void *context, enum apm_err err)
{
    struct store *store = context;

    store->n_sent = 0; /* all of it again */
    if (db_is_final(err))
        store_fail(store, err, db_detail(store->writer));
}

static void on_reader_down(void *context, enum apm_err err)
{
    struct store *store = context;

    if (db_is_final(err))
        store_fail(store, err, db_detail(store->reader));
}

/* ---- life ---- */

struct store *store_new(const struct store_config *config, const struct store_events *events)
{
    struct store *store = mem_new(1, sizeof(*store));

    store->config = *config;
    store->events = *events;
    (void)snprintf(store->application_name, sizeof(store->application_name), "apm2-anti-entropy/%s",
                   config->node);
    write_init(store);
    struct db_setup setup = {
        .conninfo = config->conninfo,
        .application_name = store->application_name,
        .statements = statements,
        .n_statements = STORE_STATEMENTS,
        .schema_min = SCHEMA_MIN,
        .schema_max = SCHEMA_MAX,
        .fence = FENCE,
        .plans_once = true,
        .timeout_ms = TIMEOUT_MS,
        .seed = config->seed,
        .context = store,
        .on_up = on_writer_up,
        .on_down = on_writer_down,
    };
    store->writer = db_new(&setup);
    setup.fence = NULL;
    setup.plans_once = false; /* filters and ranges: the server had better see them */
    setup.seed = config->seed + 1;
    setup.on_up = NULL;
    setup.on_down = on_reader_down;
    store->reader = db_new(&setup);
    db_watch_start(&store->watch_writer, store->writer, config->loop);
    db_watch_start(&store->watch_reader, store->reader, config->loop);
    return store;
}

void store_destroy(struct store **store)
{
    if (*store == NULL)
        return;
    db_watch_stop(&(*store)->watch_writer);
    db_watch_stop(&(*store)->watch_reader);
    db_destroy(&(*store)->writer);
    db_destroy(&(*store)->reader);
    write_release(*store);
    free(*store);
    *store = NULL;
}

bool store_is_up(const struct store *store)
{
    return store->failure == APM_OK && store->is_loaded && db_is_up(store->writer) &&
           db_is_up(store->reader);
}

const char *store_detail(const struct store *store)
{
    return db_detail(db_is_up(store->writer) ? store->reader : store->writer);
}

uint64_t store_arrived(const struct store *store)
{
    return store->arrived;
}
