/*
 * store_state - what the store's files share; nobody else includes it.
 *
 * Three connections, one room each: store_persist.c writes on `writer`,
 * store_commit.c on `projector`, store_read.c and store_load.c read on `reader`.
 * store_pg.c holds the statements and owns the connections.
 */
#ifndef APM2_STORE_STATE_H
#define APM2_STORE_STATE_H

#include "common/buf.h"
#include "common/db_watch.h"
#include "services/consensus/store.h"

/* Indices into the table of statements in store_pg.c. */
enum store_statement {
    STORE_ADOPT_CHAIN,
    STORE_GET_CHAIN,
    STORE_GET_SAFETY,
    STORE_HOLD_FENCE,
    STORE_SEE_FENCE,
    STORE_SET_SAFETY,
    STORE_PUT_BLOCK,
    STORE_PUT_COMMITTED,
    STORE_PUT_SEGMENTS,
    STORE_PUT_BUNDLES,
    STORE_DROP_LOSERS,
    STORE_GET_RANGE,
    STORE_GET_TIP,
    STORE_GET_BLOCK,
    STORE_GET_UNCOMMITTED,
    STORE_FIND_BUNDLE,
    STORE_FIND_RECORD,
    STORE_STATEMENTS,
};

/* The columns of STORE_GET_RANGE, _BLOCK and _UNCOMMITTED, in order. */
enum store_column {
    COLUMN_ID,
    COLUMN_EPOCH,
    COLUMN_TERM,
    COLUMN_SEQ,
    COLUMN_HEIGHT,
    COLUMN_PARENT,
    COLUMN_PROPOSAL,
    COLUMN_N_BUNDLES,
    COLUMN_BUNDLES,
    COLUMN_PROOF,
    COLUMN_OUTCOMES,
    COLUMN_STATE_ROOT,
    COLUMN_AUTHORITY_ROOT,
    COLUMN_LEDGER_ROOT,
    COLUMN_TIME_MS,
};

/* ---- the write in flight, kept until its outcome is known ---- */

struct kept_block {
    struct hash id;
    struct rank rank;
    uint64_t height;
    struct hash parent;
    uint32_t n_bundles;
    size_t proposal_at; /* offsets into persist.bytes */
    size_t bundles_at;
    size_t end;
};

struct persist {
    bool is_active;
    uint64_t token;
    uint64_t counter;
    struct hash instance;
    struct buf bytes; /* the record, then each block's proposal and bundles */
    size_t record_size;
    uint32_t n_blocks;
    struct kept_block blocks[RANGE_BLOCKS_MAX];
    /* What the server said so far in this transaction. */
    bool is_fence_held;
    bool is_record_set;
    bool is_refused; /* by the guard: the row is ours, or we are fenced */
};

/* ---- the projection in flight, as parameters ---- */

struct commit {
    bool is_active;
    bool is_sent; /* on the projector as it is connected now */
    uint64_t first_height;
    uint64_t last_height;
    uint32_t n_rows;
    bool is_fence_held; /* what the server said so far in this transaction */
    uint64_t n_stored;
    struct db_array heights, blocks, proofs, outcomes;
    struct db_array state_roots, authority_roots, ledger_roots, times;
    struct db_array segment_heights, spaces, first_seqs, n_records, chains, tree_roots;
    struct db_array bundles, bundle_heights, bundle_positions;
};

/* ---- reads ---- */

struct read_slot {
    bool is_active;
    struct store_reader reader;
    struct store_finder finder;
};

enum load_phase {
    LOAD_NONE,
    LOAD_SAFETY, /* on the writer */
    LOAD_COMMITTED,
    LOAD_UNCOMMITTED,
    LOAD_DONE,
};

struct load {
    enum load_phase phase;
    struct store_loader loader;
    struct hash chain;    /* as stored */
    uint64_t next_height; /* COMMITTED */
    struct rank after;    /* UNCOMMITTED: the last one told */
    struct hash after_id;
};

struct store {
    struct store_config config;
    struct store_events events;
    char application_name[80];
    struct db_watch watches[STORE_FDS_MAX]; /* all zero unless attached */
    enum apm_err failure;                   /* final; APM_OK = none */

    struct db *writer;
    struct db *projector;
    struct db *reader;

    struct persist persist;
    struct commit commit;
    struct read_slot reads[STORE_READS_MAX];
    struct load load;
};

/* Says it once and stops everything. */
void store_fail(struct store *store, enum apm_err err, const char *detail);
/* From here on the loop leaves it alone. */
void store_detach(struct store *store);

/* The connections came up; what waits for them goes on. */
void persist_resume(struct store *store);
void commit_resume(struct store *store);
void load_resume(struct store *store);

void persist_release(struct store *store);
void commit_init(struct store *store);
void commit_release(struct store *store);

/* Borrows from rows. */
void store_row(const struct db_rows *rows, uint32_t row, struct store_committed *ret_row);

#endif
