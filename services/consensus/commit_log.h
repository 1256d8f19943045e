/*
 * commit_log - committed blocks on their way: bodies here, stored, executed, told, recorded.
 *
 * A ring of blocks that wait for execution, and the executed rows that the store has not
 * taken yet. Owns the bytes of both and a reference to each body. Limits: COMMIT_LOG_MAX
 * of each.
 */
#ifndef APM2_COMMIT_LOG_H
#define APM2_COMMIT_LOG_H

#include "services/consensus/authority/execute.h"
#include "services/consensus/body.h"
#include "services/consensus/core/core.h"
#include "services/consensus/store.h"

struct node;

#define COMMIT_LOG_MAX 1024u
/* Beyond this many, or as many bytes, the node takes nothing new from peers but answers to
 * its own requests. */
#define COMMIT_LOG_BUSY 256u
#define COMMIT_LOG_BUSY_BYTES (32u * MIB)

struct commit_entry {
    struct hash id;
    struct wire_header header;
    uint64_t height;
    uint8_t *proposal;
    size_t proposal_size;
    struct span ids;
    uint32_t n_bundles;
    struct body **bodies; /* n_bundles of them; NULL where still missing */
    uint32_t n_missing;
    bool is_stored;
    bool is_storing; /* in the write in flight */
    uint8_t *proof;  /* commit_proof record, NULL = committed as an ancestor */
    size_t proof_size;
    uint64_t committed_ms;
};

/* What the store is told of an executed block (executed_row.c). */
struct executed_row {
    struct store_commit_row row;
    uint8_t *bytes; /* what the row's spans point into, owned */
};

void executed_row_init(struct executed_row *row, const struct commit_entry *entry,
                       const struct executed *executed);
void executed_row_release(struct executed_row *row);

struct commit_log {
    struct commit_entry *entries; /* ring of COMMIT_LOG_MAX */
    uint32_t first, n;
    uint64_t bytes;            /* of what waits: proposals and bodies */
    struct executed_row *rows; /* COMMIT_LOG_MAX, oldest first */
    uint32_t n_rows, n_rows_sent;
    uint64_t rows_sent_ms;
};

void commit_log_init(struct commit_log *log);
/* All zero is fine too. */
void commit_log_release(struct commit_log *log);

/* The i-th that waits, oldest first. */
static inline struct commit_entry *commit_log_at(const struct commit_log *log, uint32_t i)
{
    return &log->entries[(log->first + i) % COMMIT_LOG_MAX];
}

static inline bool commit_log_is_busy(const struct commit_log *log)
{
    return log->n >= COMMIT_LOG_BUSY || log->bytes >= COMMIT_LOG_BUSY_BYTES;
}

/* Of its proposal and of the bodies that are here. */
uint64_t commit_entry_bytes(const struct commit_entry *entry);
/* NULL: no such block waits. */
struct commit_entry *commit_log_find(const struct commit_log *log, uint64_t height);
struct commit_entry *commit_log_find_id(const struct commit_log *log, const struct hash *id);

void commit_append(struct node *node, const struct action *action);
/* Bodies of a committed block, from a peer's range. */
void commit_fill(struct node *node, struct commit_entry *entry, const struct blobs *bundles);
void commit_turn(struct node *node, uint64_t now_ms);
void commit_on_rows(struct node *node, uint64_t height);
uint64_t commit_deadline(const struct node *node);

#endif
