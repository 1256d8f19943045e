/* The registry's SQL. */
#include "services/schema-registry/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/db_watch.h"
#include "common/kernel_schema.h"
#include "common/mem.h"

#define FENCE "apm2-schema-registry"
#define SCHEMA_MIN 5u
#define SCHEMA_MAX 9u /* later ones add what others write */
#define TIMEOUT_MS 10000u
/* A schema's text, and how many rows are ever read at once. */
#define TEXT_BYTES_MAX (256u * KIB)
#define ROWS_MAX 10000u

enum statement { STORE_PUT, STORE_LIST, STORE_STATEMENTS };

static const struct db_statement statements[STORE_STATEMENTS] = {
    [STORE_PUT] = {"put", "INSERT INTO schema_text (digest, namespace, type, version, text)"
                          " SELECT $2::bytea, $3::text, $4::text, $5::bigint, $6::text"
                          " WHERE EXISTS (SELECT 1 FROM fence WHERE service = '" FENCE
                          "' AND epoch = $1::bigint) ON CONFLICT (digest) DO NOTHING"},
    [STORE_LIST] = {"list", "SELECT digest, type, text FROM schema_text ORDER BY type, version"
                            " LIMIT $1::bigint"},
};

struct store {
    struct store_config config;
    struct store_events events;
    struct db *db;
    struct db_watch watch;
    enum apm_err failure;
    char application_name[128];
};

static void fail(struct store *store, enum apm_err err, const char *detail)
{
    if (store->failure != APM_OK)
        return;
    store->failure = err;
    store->events.failed(store->events.context, err, detail);
}

static void on_up(void *context)
{
    struct store *store = context;

    store->events.up(store->events.context);
    db_flush(store->db);
}

static void on_down(void *context, enum apm_err err)
{
    struct store *store = context;

    if (db_is_final(err))
        fail(store, err, db_detail(store->db));
}

struct store *store_new(const struct store_config *config, const struct store_events *events,
                        struct loop *loop)
{
    struct store *store = mem_new(1, sizeof(*store));

    store->config = *config;
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

void store_put(struct store *store, const struct store_schema *schema)
{
    const struct db_param params[] = {db_u64(db_fence_epoch(store->db)),
                                      db_hash(&schema->digest),
                                      db_text(schema->space),
                                      db_text(schema->type),
                                      db_u64(schema->version),
                                      db_text(schema->text)};
    const struct db_call call = {STORE_PUT, N_ELEMENTS(params), params, NULL, NULL};

    db_run(store->db, &call);
}

/* Does the row's text say what its digest says? */
static bool is_sound(const struct db_rows *rows, uint32_t row, char *text)
{
    struct hash stored = db_get_hash(rows, row, 0), digest;
    struct span bytes = db_get_bytes(rows, row, 2);

    if (bytes.size > TEXT_BYTES_MAX)
        return false;
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = 0;
    return kernel_schema_digest(text, &digest) == APM_OK && hash_eq(&digest, &stored);
}

static void on_rows(void *context, enum apm_err err, const struct db_rows *rows)
{
    struct store *store = context;
    char *text = mem_new(TEXT_BYTES_MAX + 1, 1);
    char detail[160];

    for (uint32_t row = 0; err == APM_OK && row < db_rows_n(rows); row++) {
        struct span type = db_get_bytes(rows, row, 1);
        if (is_sound(rows, row, text))
            continue;
        (void)snprintf(detail, sizeof(detail),
                       "schema_text: the text of %.*s is not what its digest says: restore the "
                       "row, or delete it if it is built in",
                       (int)(type.size < ID_BYTES_MAX ? type.size : ID_BYTES_MAX), type.data);
        fail(store, APM_ERR_CORRUPT, detail);
        break;
    }
    if (err == APM_OK && store->failure == APM_OK)
        store->events.checked(store->events.context, db_rows_n(rows));
    free(text);
}

void store_check(struct store *store)
{
    const struct db_param params[] = {db_u64(ROWS_MAX)};
    const struct db_call call = {STORE_LIST, N_ELEMENTS(params), params, on_rows, store};

    db_run(store->db, &call);
}
