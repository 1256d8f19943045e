#include "tests/support/store_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/migrate.h"
#include "common/must.h"

#define PATIENCE_MS 20000u

/* ---- what the store says ---- */

static void on_persisted(void *context, uint64_t token)
{
    struct rig *rig = context;
    MUST(token > rig->persisted);
    rig->persisted = token;
    rig->n_persisted++;
}

static void on_committed(void *context, uint64_t height)
{
    struct rig *rig = context;
    rig->committed = height;
}

static void on_failed(void *context, enum apm_err err, const char *detail)
{
    struct rig *rig = context;
    MUST(rig->failure == APM_OK);
    rig->failure = err;
    (void)snprintf(rig->detail, sizeof(rig->detail), "%s", detail);
}

void rig_open(struct rig *rig, const struct pg *pg, const char *database, char chain)
{
    *rig = (struct rig){.is_loaded = false};
    pg_conninfo(pg, database, rig->conninfo, sizeof(rig->conninfo));
    struct store_config config = {
        .conninfo = rig->conninfo,
        .node = "n1",
        .chain = hash_bytes(span_of(&chain, 1)),
        .seed = 7,
    };
    rig->store =
        store_new(&config, &(struct store_events){rig, on_persisted, on_committed, on_failed});
}

void rig_close(struct rig *rig)
{
    store_destroy(&rig->store);
}

/* ---- turning ---- */

static void turn(struct rig *rig, uint64_t most_ms)
{
    struct pollfd fds[STORE_FDS_MAX];
    uint64_t now = clock_mono_ms();
    uint64_t deadline = store_deadline_ms(rig->store);
    uint64_t wait = deadline <= now ? 0 : deadline - now;
    size_t n = store_poll(rig->store, fds);
    (void)poll(fds, n, (int)(wait < most_ms ? wait : most_ms));
    store_ready(rig->store, clock_mono_ms());
}

bool rig_turn_until(struct rig *rig, bool (*is_done)(const struct rig *rig))
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!is_done(rig) && clock_mono_ms() < end)
        turn(rig, 100);
    return is_done(rig);
}

void rig_turn_ms(struct rig *rig, uint64_t ms)
{
    uint64_t end = clock_mono_ms() + ms;
    for (uint64_t now = clock_mono_ms(); now < end; now = clock_mono_ms())
        turn(rig, end - now);
}

bool rig_is_up(const struct rig *rig)
{
    return store_is_up(rig->store);
}

bool rig_is_loaded(const struct rig *rig)
{
    return rig->is_loaded;
}

bool rig_has_failed(const struct rig *rig)
{
    return rig->failure != APM_OK;
}

bool rig_is_read(const struct rig *rig)
{
    return rig->is_read;
}

/* ---- loading ---- */

static void load_safety(void *context, const struct store_safety *safety)
{
    struct rig *rig = context;
    rig->counter = safety->counter;
    rig->record_size = safety->record.size;
    MUST(safety->record.size <= sizeof(rig->record));
    memcpy(rig->record, safety->record.data, safety->record.size);
}

static void load_committed(void *context, const struct store_committed *row)
{
    struct rig *rig = context;
    MUST(row->block.height == ++rig->n_committed);
}

static void load_uncommitted(void *context, const struct store_block *block)
{
    struct rig *rig = context;
    MUST(rig->n_uncommitted < N_ELEMENTS(rig->uncommitted));
    rig->uncommitted[rig->n_uncommitted++] = block->id;
}

static void load_done(void *context)
{
    struct rig *rig = context;
    rig->is_loaded = true;
}

void rig_load(struct rig *rig)
{
    store_load(rig->store, &(struct store_loader){rig, load_safety, load_committed,
                                                  load_uncommitted, load_done});
}

void rig_migrate(const struct pg *pg, const char *database)
{
    char conninfo[160];
    struct migrate_report report;
    pg_fresh_database(pg, database);
    pg_conninfo(pg, database, conninfo, sizeof(conninfo));
    MUST(db_migrate(conninfo, NULL, NULL, &report) == APM_OK);
}

static bool is_ready(const struct rig *rig)
{
    return rig->is_loaded && store_is_up(rig->store);
}

void rig_open_loaded(struct rig *rig, const struct pg *pg, const char *database)
{
    rig_open(rig, pg, database, 'A');
    rig_load(rig);
    MUST(rig_turn_until(rig, is_ready));
}

/* ---- writing ---- */

struct hash rig_id(uint64_t number)
{
    return hash_bytes(span_of(&number, sizeof(number)));
}

void rig_persist_start(struct rig *rig, uint64_t counter, size_t block_bytes)
{
    uint8_t *bytes = mem_new(block_bytes + 1, 1);
    for (size_t i = 0; i < block_bytes; i++)
        bytes[i] = (uint8_t)(counter + i * 131);
    struct span bundles[2] = {span_of(bytes, block_bytes / 2),
                              span_of(bytes + block_bytes / 2, block_bytes - block_bytes / 2)};
    struct store_block block = {
        .id = rig_id(counter),
        .rank = {1, 1, counter},
        .height = counter,
        .parent = rig_id(counter - 1),
        .proposal = span_of("proposal", 8),
        .bundles = {.n = 2, .items = bundles},
    };
    char record[32];
    int size = snprintf(record, sizeof(record), "record %d", (int)counter);
    struct store_write write = {
        .counter = counter,
        .record = span_of(record, (size_t)size),
        .blocks = &block,
        .n_blocks = block_bytes > 0 ? 1 : 0,
    };
    store_persist(rig->store, &write, counter);
    free(bytes);
}

void rig_persist_block(struct rig *rig, uint64_t number)
{
    struct store_block block = {.id = rig_id(number), .height = number};
    store_persist(rig->store, &(struct store_write){.blocks = &block, .n_blocks = 1}, number);
}

bool rig_wait_persisted(struct rig *rig, uint64_t counter)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (rig->persisted < counter && rig->failure == APM_OK && clock_mono_ms() < end)
        turn(rig, 100);
    return rig->persisted >= counter;
}

void rig_persist(struct rig *rig, uint64_t counter, size_t block_bytes)
{
    rig_persist_start(rig, counter, block_bytes);
    MUST(rig_wait_persisted(rig, counter));
}

/* Four records of kernel in every block. */
static struct store_segment segment_at(uint64_t height)
{
    return (struct store_segment){
        .space = span_of("kernel", 6), .first_seq = 4 * (height - 1), .n_records = 4};
}

void rig_commit(struct rig *rig, uint64_t first, uint64_t last)
{
    uint32_t n = (uint32_t)(last - first + 1);
    struct store_commit_row *rows = mem_new(n, sizeof(*rows));
    struct hash *bundles = mem_new(n, 2 * sizeof(*bundles));
    struct store_segment *segments = mem_new(n, sizeof(*segments));
    for (uint32_t i = 0; i < n; i++) {
        bundles[2 * i] = rig_id(1000000 + 2 * (first + i));
        bundles[2 * i + 1] = rig_id(1000001 + 2 * (first + i));
        segments[i] = segment_at(first + i);
        rows[i] = (struct store_commit_row){
            .height = first + i,
            .block = rig_id(first + i),
            .proof = span_of("proof", i + 1 == n ? 5 : 0),
            .outcomes = span_of("\0\1", 2),
            .state_root = rig_id(first + i),
            .time_ms = 1000 + first + i,
            .segments = &segments[i],
            .n_segments = 1,
            .bundles = span_of(&bundles[2 * i], 2 * sizeof(*bundles)),
        };
    }
    rig->committed = 0;
    store_commit(rig->store, rows, n);
    free(rows);
    free(bundles);
    free(segments);
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (rig->committed < last && rig->failure == APM_OK && clock_mono_ms() < end)
        turn(rig, 100);
}

/* ---- reading ---- */

static void on_row(void *context, const struct store_committed *row)
{
    struct rig *rig = context;
    if (rig->n_rows++ == 0)
        rig->first_height = row->block.height;
    rig->row = *row;
    rig->n_bundles = 0;
    size_t cursor = 0;
    struct span bundle;
    while (blobs_next(&row->block.bundles, &cursor, &bundle))
        rig->n_bundles++;
}

static void on_read(void *context, enum apm_err err)
{
    struct rig *rig = context;
    rig->is_read = true;
    rig->read_err = err;
}

static struct store_reader reader_for(struct rig *rig)
{
    rig->is_read = false;
    rig->n_rows = 0;
    return (struct store_reader){rig, on_row, on_read};
}

void rig_read_range(struct rig *rig, uint64_t from, uint32_t max_blocks, size_t max_bytes)
{
    struct store_reader reader = reader_for(rig);
    MUST(store_read_range(rig->store, &(struct store_range){from, max_blocks, max_bytes},
                          &reader) == APM_OK);
    MUST(rig_turn_until(rig, rig_is_read));
}

void rig_read_block(struct rig *rig, uint64_t number)
{
    struct store_reader reader = reader_for(rig);
    struct hash id = rig_id(number);
    MUST(store_read_block(rig->store, &id, &reader) == APM_OK);
    MUST(rig_turn_until(rig, rig_is_read));
}

static void on_found(void *context, enum apm_err err, uint64_t height, uint64_t index)
{
    struct rig *rig = context;
    rig->is_read = true;
    rig->read_err = err;
    rig->found_height = height;
    rig->found_index = index;
}

void rig_find(struct rig *rig, uint64_t number)
{
    rig->is_read = false;
    struct hash id = rig_id(number);
    MUST(store_find_bundle(rig->store, &id, &(struct store_finder){rig, on_found}) == APM_OK);
    MUST(rig_turn_until(rig, rig_is_read));
}

void rig_find_record(struct rig *rig, const char *space, uint64_t seq)
{
    rig->is_read = false;
    MUST(store_find_record(rig->store, span_of(space, strlen(space)), seq,
                           &(struct store_finder){rig, on_found}) == APM_OK);
    MUST(rig_turn_until(rig, rig_is_read));
}
