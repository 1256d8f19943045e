/*
 * replay - from a block's bytes and its stored outcomes to the ledger after it.
 *
 * Pure. ledger_replay appends the block's records (records.h) to the ledger;
 * execution appends with it and so does every verifier, so the two cannot differ.
 */
#ifndef APM2_LEDGER_REPLAY_H
#define APM2_LEDGER_REPLAY_H

#include "common/ledger/ledger.h"
#include "common/ledger/records.h"

/* What one block added to one namespace. */
struct ledger_segment {
    const struct ledger_head *head; /* after the block */
    uint64_t first_seq;
    uint32_t n_records;
    struct hash tree_root; /* after the block */
};

struct ledger_segments {
    uint32_t n;
    struct ledger_segment list[NAMESPACES_MAX]; /* by namespace, bytewise */
};

/* An empty ledger with the namespaces of genesis, `kernel` always among them.
 * False: too many, or a name that is empty or too long. */
bool ledger_start(struct ledger *ledger, const struct span *spaces, uint32_t n_spaces);

/* Appends the block's records. Neither ledger nor ret_segments change unless
 * RECORDS_OK. */
enum records_verdict ledger_replay(struct ledger *ledger, const struct ledger_block *block,
                                   struct span outcomes, struct ledger_segments *ret_segments);

#endif
