/* The monitor's SQL, and its one connection. */
#include "services/byzantine-monitor/store_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"

#define FENCE "apm2-byzantine-monitor"
#define SCHEMA_MIN 3u
#define SCHEMA_MAX 9u /* later ones add what others write */
#define TIMEOUT_MS 10000u

#define IF_FENCED "EXISTS (SELECT 1 FROM fence WHERE service = '" FENCE "' AND epoch = $1::bigint)"

#define ROW_COLUMNS                                                                                \
    "id, number, kind, what, is_attributable, validator, validator_id, epoch, term, seq, n,"       \
    " first_ms, last_ms, record, ack_ms, ack_reason"

static const struct db_statement statements[STORE_STATEMENTS] = {
    [STORE_GET_PAST] = {"get_past", "SELECT s.source, s.number, c.cursor FROM evidence_source s,"
                                    " evidence_cursor c WHERE s.id = 1 AND c.id = 1"},
    [STORE_COUNT] = {"count",
                     "SELECT kind, count(*), sum(CASE WHEN ack_ms = 0 THEN 1 ELSE 0 END)::bigint,"
                     " max(number * is_attributable)"
                     " FROM evidence GROUP BY kind"},
    [STORE_SET_SOURCE] = {"set_source",
                          "UPDATE evidence_source SET source = $2::bigint, number = $3::bigint"
                          " WHERE id = 1 AND " IF_FENCED},
    [STORE_SET_CURSOR] = {"set_cursor", "UPDATE evidence_cursor SET cursor = $2::bigint"
                                        " WHERE id = 1 AND " IF_FENCED},
    /* An offence counts once, however often it is shown; what a session brings adds up. */
    [STORE_PUT] = {"put",
                   "INSERT INTO evidence AS e (id, number, kind, what, is_attributable,"
                   " validator, validator_id, epoch, term, seq, n, first_ms, last_ms, record)"
                   " SELECT $2::bytea, (SELECT coalesce(max(number), 0) + 1 FROM evidence),"
                   " $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text, $8::bigint,"
                   " $9::bigint, $10::bigint, $11::bigint, $12::bigint, $13::bigint, $14::bytea"
                   " WHERE " IF_FENCED " AND (EXISTS (SELECT 1 FROM evidence WHERE id = $2::bytea)"
                   " OR (SELECT count(*) FROM evidence WHERE validator_id = $7::text"
                   " AND kind = $3::bigint) < $15::bigint)"
                   " ON CONFLICT (id) DO UPDATE SET"
                   " n = CASE WHEN e.is_attributable = 1 THEN e.n ELSE e.n + excluded.n END,"
                   " last_ms = CASE WHEN e.is_attributable = 1 THEN e.last_ms"
                   " ELSE greatest(e.last_ms, excluded.last_ms) END,"
                   " record = CASE WHEN e.is_attributable = 1"
                   " THEN least(e.record, excluded.record) ELSE e.record END"},
    [STORE_LIST] = {"list", "SELECT " ROW_COLUMNS " FROM evidence WHERE number < $1::bigint"
                            " AND (kind = $2::bigint OR $2::bigint = 0) ORDER BY number DESC"
                            " LIMIT $3::bigint"},
    [STORE_FIND] = {"find", "SELECT " ROW_COLUMNS " FROM evidence"
                            " WHERE substring(id FROM 1 FOR $2::bigint::int) = $1::bytea LIMIT 2"},
    [STORE_NEXT_PROOF] = {"next_proof", "SELECT " ROW_COLUMNS " FROM evidence"
                                        " WHERE number > $1::bigint AND is_attributable = 1"
                                        " ORDER BY number LIMIT 1"},
    [STORE_ACKNOWLEDGE] = {"acknowledge",
                           "UPDATE evidence SET ack_reason = CASE WHEN ack_ms = 0 THEN $4::text"
                           " ELSE ack_reason END, ack_ms = CASE WHEN ack_ms = 0 THEN $3::bigint"
                           " ELSE ack_ms END WHERE id = $2::bytea AND " IF_FENCED},
};

/* ---- what the tables say after a (re)connect ---- */

static void on_past(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;

    if (err == APM_OK && db_rows_n(rows) == 1)
        store->events.up(store->events.context, db_get_u64(rows, 0, 0), db_get_u64(rows, 0, 1),
                         db_get_u64(rows, 0, 2));
}

static void on_count(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    struct store_counts counts = {.unacknowledged = 0};

    if (err != APM_OK)
        return;
    for (uint32_t i = 0; i < db_rows_n(rows); i++) {
        uint64_t kind = db_get_u64(rows, i, 0);
        if (kind < STORE_KINDS)
            counts.kept[kind] = db_get_u64(rows, i, 1);
        counts.unacknowledged += db_get_u64(rows, i, 2);
        if (db_get_u64(rows, i, 3) > counts.newest_proof)
            counts.newest_proof = db_get_u64(rows, i, 3);
    }
    store->events.counted(store->events.context, &counts);
}

void store_count(struct store *store)
{
    db_run(store->db, &(struct db_call){STORE_COUNT, 0, NULL, on_count, store});
}

static void on_up(void *context)
{
    struct store *store = context;

    store_count(store);
    db_run(store->db, &(struct db_call){STORE_GET_PAST, 0, NULL, on_past, store});
    db_flush(store->db);
}

static void on_down(void *context, enum apm_err err)
{
    struct store *store = context;

    if (!db_is_final(err) || store->failure != APM_OK)
        return;
    store->failure = err;
    store->events.failed(store->events.context, err, db_detail(store->db));
}

struct store *store_new(const struct store_config *config, const struct store_events *events,
                        struct loop *loop)
{
    struct store *store = mem_new(1, sizeof(*store));

    store->events = *events;
    (void)snprintf(store->application_name, sizeof(store->application_name), FENCE "/%s",
                   config->node);
    const struct db_setup setup = {
        .conninfo = config->conninfo,
        .application_name = store->application_name,
        .statements = statements,
        .n_statements = STORE_STATEMENTS,
        .schema_min = SCHEMA_MIN,
        .schema_max = SCHEMA_MAX,
        .fence = FENCE,
        .timeout_ms = TIMEOUT_MS,
        .seed = config->seed,
        .context = store,
        .on_up = on_up,
        .on_down = on_down,
    };
    store->db = db_new(&setup);
    db_watch_start(&store->watch, store->db, loop);
    return store;
}

void store_destroy(struct store **store)
{
    if (*store == NULL)
        return;
    db_watch_stop(&(*store)->watch);
    db_destroy(&(*store)->db);
    free(*store);
    *store = NULL;
}

bool store_is_up(const struct store *store)
{
    return store->failure == APM_OK && db_is_up(store->db);
}

const char *store_detail(const struct store *store)
{
    return db_detail(store->db);
}
