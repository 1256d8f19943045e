/*
 * store_pg - the command's SQL: what makes a node's database, and the read side of
 * the versioned views. Blocking: for the command line only.
 */
#ifndef APM2_CLI_STORE_PG_H
#define APM2_CLI_STORE_PG_H

#include "services/cli/say.h"

/* Roles and database, for `postgres --single`: one statement a line. */
extern const char store_bootstrap_sql[];

struct store_reader;

/* DB_UNREACHABLE, SCHEMA_VERSION with the reason. */
WARN_UNUSED enum apm_err store_reader_open(const char *conninfo, struct store_reader **ret_reader,
                                           struct complaint *ret_complaint);
void store_reader_close(struct store_reader **reader);

/* A row of block_v1. Spans borrow from the reader until the next call. */
struct store_block_row {
    uint64_t height;
    struct hash block;
    struct span proposal;  /* empty: the body is missing */
    uint64_t block_height; /* this and the next two: as stored beside the body */
    struct hash parent;
    struct rank rank;
    uint64_t n_bundles;
    struct span bundles; /* msgpack bins one after the other */
    uint64_t n_bytes;    /* of proposal and bundles */
    struct span proof;   /* empty: committed as an ancestor */
    struct span outcomes;
    struct hash state_root;
    struct hash authority_root;
    struct hash ledger_root;
    uint64_t time_ms;
};

/* From height 1 upwards, dense or not as stored. NOT_FOUND after the last. */
WARN_UNUSED enum apm_err store_next_block(struct store_reader *reader,
                                          struct store_block_row *ret_row,
                                          struct complaint *ret_complaint);

/* A row of segment_v1. Borrowed likewise. */
struct store_segment_row {
    uint64_t height;
    struct span space;
    uint64_t first_seq;
    uint64_t n_records;
    struct hash chain;
    struct hash tree_root;
};

/* All of segment_v1 by height and namespace: the next row, left where it is until
 * store_take_segment. NOT_FOUND after the last. */
WARN_UNUSED enum apm_err store_peek_segment(struct store_reader *reader,
                                            struct store_segment_row *ret_row,
                                            struct complaint *ret_complaint);
void store_take_segment(struct store_reader *reader);

#define STORE_SEGMENTS_MAX 64u

/* A row of bundle_v1. */
struct store_place {
    uint64_t height;
    uint64_t position;
    struct hash bundle;
};

/* All of bundle_v1 by height and position, likewise. */
WARN_UNUSED enum apm_err store_peek_place(struct store_reader *reader,
                                          struct store_place *ret_place,
                                          struct complaint *ret_complaint);
void store_take_place(struct store_reader *reader);

/* Where bundle_v1 has the bundle; NOT_FOUND. */
WARN_UNUSED enum apm_err store_find_place(struct store_reader *reader, const struct hash *bundle,
                                          struct store_place *ret_place,
                                          struct complaint *ret_complaint);

/* Those of one height. */
WARN_UNUSED enum apm_err store_segments(struct store_reader *reader, uint64_t height,
                                        struct store_segment_row ret_rows[STORE_SEGMENTS_MAX],
                                        uint32_t *ret_n, struct complaint *ret_complaint);

/* A height outside 1 to `tip` that segment_v1 or block_v1 has a row of. NOT_FOUND. */
WARN_UNUSED enum apm_err store_stray_height(struct store_reader *reader, uint64_t tip,
                                            uint64_t *ret_height, const char **ret_table,
                                            struct complaint *ret_complaint);

/* The parent that the block of this height says it has; NOT_FOUND. */
WARN_UNUSED enum apm_err store_parent_at(struct store_reader *reader, uint64_t height,
                                         struct hash *ret_parent, struct complaint *ret_complaint);

/* The newest height, 0 when there is none. */
WARN_UNUSED enum apm_err store_tip_height(struct store_reader *reader, uint64_t *ret_height,
                                          struct complaint *ret_complaint);

#endif
