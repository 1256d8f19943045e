/*
 * store_state - what the store's files share; nobody else includes it.
 *
 * store_pg.c holds the statements, the connections and the load; store_write.c writes on
 * `writer`, store_read.c reads on `reader`.
 */
#ifndef APM2_ANTI_ENTROPY_STORE_STATE_H
#define APM2_ANTI_ENTROPY_STORE_STATE_H

#include "common/db_watch.h"
#include "services/anti-entropy/store.h"

enum store_statement {
    STORE_GET_CHAIN,
    STORE_GET_FEEDS,
    STORE_GET_ARRIVED,
    STORE_HOLD_FENCE,
    STORE_PUT_FEED,
    STORE_PUT_RECORDS,
    STORE_PUT_HEAD,
    STORE_MARK_FORK,
    STORE_LIST,
    STORE_GET,
    STORE_FIND_NEWEST,
    STORE_GET_CHUNK,
    STORE_GET_RANGE,
    STORE_STATEMENTS,
};

/* Any read under way; which callback it has says its statement. */
struct read_slot {
    bool is_active;
    struct store_reader reader;
    struct store_chunk_reader chunk;
    struct store_block_reader blocks;
    uint64_t from_seq;
};

struct store {
    struct store_config config;
    struct store_events events;
    char application_name[80];
    enum apm_err failure; /* final */
    bool is_loading;
    bool is_loaded;

    struct db *writer;
    struct db *reader;
    struct db_watch watch_writer;
    struct db_watch watch_reader;

    struct batch *queue; /* oldest first; the first n_sent of them are in flight */
    struct batch **queue_end;
    uint32_t n_sent;
    size_t queue_bytes;
    uint64_t next_arrival; /* of the next batch */
    uint64_t arrived;      /* all up to here are durable */
    bool is_fence_held;    /* what the server said in this transaction */
    struct hash fork_feed; /* the newest fork not yet marked */
    uint64_t fork_at;
    struct db_array seqs, kinds, keys, hlcs, hashes, records, helds, arrivals; /* scratch */

    struct read_slot reads[STORE_READS_MAX];
};

/* Says it once and stops everything. */
void store_fail(struct store *store, enum apm_err err, const char *detail);

/* The writer came up, or something was added: sends what waits. */
void write_resume(struct store *store);
void write_init(struct store *store);
void write_release(struct store *store);

#endif
