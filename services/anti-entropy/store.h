/*
 * store - feeds in PostgreSQL (schemas/sql/0004_feeds.sql), and committed blocks read from
 * consensus's view.
 *
 * Two connections: `writer` holds this service's fence, `reader` answers peers and the local
 * door. Nothing blocks. One transaction of batches is in flight, others queue; a lost
 * connection repeats it, which is harmless, since every statement may run again.
 *
 * Ownership: batches belong to the store from store_put until their `done`. Rows are
 * borrowed for the callback. Limits: STORE_READS_MAX reads; STORE_QUEUE_BYTES_MAX waiting,
 * which callers respect by asking store_has_room.
 */
#ifndef APM2_ANTI_ENTROPY_STORE_H
#define APM2_ANTI_ENTROPY_STORE_H

#include "common/db.h"
#include "common/loop.h"
#include "services/anti-entropy/batch.h"

#define STORE_READS_MAX 256u
#define STORE_QUEUE_BYTES_MAX (16u * MIB)

struct store;

struct store_config {
    const char *conninfo;
    const char *node;
    struct hash chain; /* a database of another chain is refused (GENESIS) */
    uint64_t seed;
    struct loop *loop;
};

/* A feed as stored. */
struct store_feed {
    struct feed_name name;
    struct feed_edge edge;
    struct span head;
    uint64_t fork_at;
};

struct store_events {
    void *context;
    void (*feed)(void *context, const struct store_feed *feed); /* at the start, each */
    void (*loaded)(void *context);
    /* FENCED, SCHEMA_VERSION, CONFIG, DENIED, GENESIS, CORRUPT. Final. */
    void (*failed)(void *context, enum apm_err err, const char *detail);
};

/* Loads by itself; batches and reads only after `loaded`. Borrows the config's strings. */
struct store *store_new(const struct store_config *config, const struct store_events *events);
void store_destroy(struct store **store);
bool store_is_up(const struct store *store);
const char *store_detail(const struct store *store);

/* ---- writes ---- */

bool store_has_room(const struct store *store);
bool store_is_idle(const struct store *store);
/* Takes it. A feed has one batch at most on its way, or several in their order. */
void store_put(struct store *store, struct batch *batch);
void store_mark_fork(struct store *store, const struct feed *feed);

/* ---- reads: BUSY or DB_UNREACHABLE at once, and no callback then ---- */

/* One record as a reader gets it. */
struct store_record {
    uint64_t arrival;
    struct hash feed;
    uint64_t seq;
    uint64_t held;
    uint64_t hlc;
    struct span record;
};

/* `record` for each, then `done` once with how many; DB_UNREACHABLE: ask again. */
struct store_reader {
    void *context;
    void (*record)(void *context, const struct store_record *record);
    void (*done)(void *context, enum apm_err err, uint32_t n);
};

struct store_filter {
    uint64_t after; /* arrival */
    uint64_t limit;
    uint64_t max_bytes; /* the first always comes */
    struct span space, kind, key;
};

WARN_UNUSED enum apm_err store_list(struct store *store, const struct store_filter *filter,
                                    const struct store_reader *reader);
WARN_UNUSED enum apm_err store_get(struct store *store, const struct hash *feed, uint64_t seq,
                                   const struct store_reader *reader);
/* The newest of a feed under this kind and key. */
WARN_UNUSED enum apm_err store_find_newest(struct store *store, const struct hash *feed,
                                           const struct store_filter *filter,
                                           const struct store_reader *reader);
/* Every record up to this arrival is durable. */
uint64_t store_arrived(const struct store *store);

/* Records from `from_seq` on, to the furthest head that max_bytes allow, or the next one.
 * `chunk` comes once: OK with records and head, NOT_FOUND, or DB_UNREACHABLE. */
struct store_chunk {
    uint64_t from_seq;
    uint64_t to_seq;
    struct span records;
    struct span head;
};
struct store_chunk_reader {
    void *context;
    void (*chunk)(void *context, enum apm_err err, const struct store_chunk *chunk);
};
WARN_UNUSED enum apm_err store_read_chunk(struct store *store, const struct hash *feed,
                                          uint64_t from_seq,
                                          const struct store_chunk_reader *reader);

/* ---- committed blocks (block_v1) ---- */

struct store_block {
    uint64_t height;
    struct span proposal;
    uint32_t n_bundles;
    struct span bundles; /* encoded bins, as in blobs.raw */
    struct span proof;   /* empty: committed as an ancestor */
};
struct store_block_reader {
    void *context;
    void (*block)(void *context, const struct store_block *block);
    void (*done)(void *context, enum apm_err err);
};
struct store_range {
    uint64_t from_height;
    uint64_t max_blocks;
    uint64_t max_bytes; /* the first always comes */
};
WARN_UNUSED enum apm_err store_read_range(struct store *store, const struct store_range *range,
                                          const struct store_block_reader *reader);

#endif
