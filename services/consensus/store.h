/*
 * store - the node's durable memory: safety record, blocks, what was committed.
 *
 * PostgreSQL behind three connections, so that persists never queue behind
 * projections or reads. Nothing here blocks: the node polls store_poll's
 * descriptors, calls store_ready, and again no later than store_deadline_ms.
 * Callbacks come from store_ready only; they may ask for more, not destroy it.
 *
 * An unknown outcome (connection lost, server restarted, disk full) never reaches
 * the node: the store reconnects, compares the safety row with the write, and
 * completes or repeats it. While the database is away there are no completions.
 * `failed` is final: stop, with apm_err_exit(err).
 *
 * Ownership: writes are copied during the call, rows are borrowed for the
 * callback. Limits: one persist and one commit in flight (the node merges what
 * comes meanwhile), of STORE_WRITE_BYTES_MAX; STORE_READS_MAX reads.
 *
 * Durability: `persisted` and `committed` both mean flushed to disk. The committed
 * rows could be rebuilt, but a server that crashes under a running node must not
 * take back rows on whose strength the losers' blocks were deleted.
 */
#ifndef APM2_STORE_H
#define APM2_STORE_H

#include <poll.h>

#include "common/err.h"
#include "common/wire.h"

#define STORE_FDS_MAX 3u
#define STORE_READS_MAX 64u
#define STORE_WRITE_BYTES_MAX (64u * MIB)

struct loop;
struct store;

struct store_config {
    const char *conninfo;
    const char *node;    /* its name: application_name is apm2-consensus/<node> */
    struct hash chain;   /* a database of another chain is refused (GENESIS) */
    uint64_t timeout_ms; /* longest silence of the server; default 10000 */
    uint64_t seed;       /* of the reconnect jitter */
};

struct store_events {
    void *context;
    void (*persisted)(void *context, uint64_t token);
    void (*committed)(void *context, uint64_t height); /* the batch's last */
    /* FENCED, SCHEMA_VERSION, CONFIG, DENIED, GENESIS, CORRUPT. detail is for people. */
    void (*failed)(void *context, enum apm_err err, const char *detail);
};

/* Borrows the config's strings for its life. */
struct store *store_new(const struct store_config *config, const struct store_events *events);
void store_destroy(struct store **store);

size_t store_poll(const struct store *store, struct pollfd fds[STORE_FDS_MAX]);
void store_ready(struct store *store, uint64_t now_ms);
uint64_t store_deadline_ms(const struct store *store);

/* Does the polling by itself: a hook and the descriptors in the loop, which
 * outlives the store. The three above are then not for the caller. */
void store_attach(struct store *store, struct loop *loop);

/* For readyz: connected, fence held, schema in range. detail says why not. */
bool store_is_up(const struct store *store);
const char *store_detail(const struct store *store);

/* ---- blocks ---- */

/* A block as received. To write: bundles.items, or bundles.raw as decoded. Read
 * back: bundles.raw; walk with blobs_next. */
struct store_block {
    struct hash id;
    struct rank rank;
    uint64_t height;
    struct hash parent;
    struct span proposal; /* the proposal message's bytes */
    struct blobs bundles; /* whole bundle records in the proposal's order */
};

/* A committed block, as stored. */
struct store_committed {
    struct store_block block;
    struct span proof;    /* commit_proof record; empty: committed as an ancestor */
    struct span outcomes; /* as given to store_commit */
    struct hash state_root;
    struct hash authority_root;
    struct hash ledger_root;
    uint64_t time_ms;
};

/* ---- start ---- */

struct store_safety {
    uint64_t counter; /* 0 and an empty record: nothing was ever written */
    struct hash instance;
    struct span record;
};

/* What the node is told at its start, in this order. The committed blocks come
 * oldest first, from height 1, a few MiB at a time; between two of those the loop
 * runs. Then the blocks above the tip, by rank. Any callback may be NULL. */
struct store_loader {
    void *context;
    void (*safety)(void *context, const struct store_safety *safety);
    void (*committed)(void *context, const struct store_committed *row);
    void (*uncommitted)(void *context, const struct store_block *block);
    void (*loaded)(void *context);
};

/* Once, before any write. Waits for the database, begins again where it was when
 * the connection breaks. */
void store_load(struct store *store, const struct store_loader *loader);

/* ---- writes ---- */

struct store_write {
    uint64_t counter; /* of the record; above the stored one, or FENCED */
    struct hash instance;
    struct span record; /* encoded; empty = only blocks (an observer, catch-up) */
    const struct store_block *blocks;
    uint32_t n_blocks; /* at most RANGE_BLOCKS_MAX; known ones are skipped */
};

/* False while one is in flight. */
bool store_can_persist(const struct store *store);
void store_persist(struct store *store, const struct store_write *write, uint64_t token);

/* The records one block added to a namespace. */
struct store_segment {
    struct span space;
    uint64_t first_seq;
    uint64_t n_records;
    struct hash chain;     /* after the last of them */
    struct hash tree_root; /* ditto */
};

struct store_commit_row {
    uint64_t height;
    struct hash block; /* persisted before */
    struct span proof; /* empty = committed as an ancestor */
    struct span outcomes;
    struct hash state_root;
    struct hash authority_root;
    struct hash ledger_root;
    uint64_t time_ms;
    const struct store_segment *segments;
    uint32_t n_segments;
    struct span bundles; /* ids in order, 32 bytes each */
};

/* Executed heights, ascending and dense. Blocks that lost at those heights are
 * deleted with it. Repeating rows that stand already is harmless. */
bool store_can_commit(const struct store *store);
void store_commit(struct store *store, const struct store_commit_row *rows, uint32_t n_rows);

/* ---- reads ---- */

/* `row` for each, ascending; then `done` once. Found nothing: done with NOT_FOUND.
 * DB_UNREACHABLE: connection lost meanwhile, ask again. */
struct store_reader {
    void *context;
    void (*row)(void *context, const struct store_committed *row);
    void (*done)(void *context, enum apm_err err);
};

struct store_range {
    uint64_t from_height;
    uint32_t max_blocks; /* at most RANGE_BLOCKS_MAX */
    size_t max_bytes;    /* of proposals and bundles; the first block always comes */
};

/* BUSY or DB_UNREACHABLE at once: no callback follows. */
enum apm_err store_read_range(struct store *store, const struct store_range *range,
                              const struct store_reader *reader) WARN_UNUSED;
/* A stored block by id, committed or not; proof and roots are empty if not. */
enum apm_err store_read_block(struct store *store, const struct hash *id,
                              const struct store_reader *reader) WARN_UNUSED;

struct store_finder {
    void *context;
    /* NOT_FOUND: not in a committed and executed block of this node. index: of the
     * bundle among the block's, of the record among those of its namespace in it. */
    void (*found)(void *context, enum apm_err err, uint64_t height, uint64_t index);
};

enum apm_err store_find_bundle(struct store *store, const struct hash *bundle,
                               const struct store_finder *finder) WARN_UNUSED;
enum apm_err store_find_record(struct store *store, struct span space, uint64_t seq,
                               const struct store_finder *finder) WARN_UNUSED;

#endif
