/*
 * replay - from a block's bytes and its stored outcomes to ledger records.
 *
 * Pure. Execution stores with each block what it made of the block's events: one
 * code per event and the derived facts. ledger_replay turns block and outcomes
 * into records; execution appends with it and so does every verifier, so the two
 * cannot differ.
 *
 * Outcomes are one msgpack array [1, codes, derived]: `codes` a bin, one byte per
 * event in block order; `derived` an array of [after, namespace, event record],
 * ascending by `after`, the number of the block's events before it: those of 0
 * come first. Events of a namespace the chain does not have are recorded (they
 * were rejected) in `kernel`.
 */
#ifndef APM2_LEDGER_REPLAY_H
#define APM2_LEDGER_REPLAY_H

#include "common/bundle.h"
#include "common/ledger/ledger.h"

#define OUTCOMES_VERSION 1u

/* Sizes that no block's outcomes exceed: an event record has at least 46 bytes. */
#define BLOCK_EVENTS_MAX (BLOCK_BYTES_MAX / 46u)
#define BLOCK_EXPIRIES_MAX 4096u
#define OUTCOMES_BYTES_MAX (32u * MIB)

struct outcomes_view {
    struct span codes; /* one byte per event, block order */
    uint32_t n_derived;
    struct span derived; /* encoded: walk with outcomes_next */
};

struct outcomes_derived {
    uint64_t after;
    struct span space; /* namespace */
    struct span event; /* event record */
};

/* Borrows from bytes. False: not outcomes. */
bool outcomes_parse(struct span bytes, struct outcomes_view *ret_view);

/* The next derived fact: start with *cursor = 0. False after the last. */
bool outcomes_next(const struct outcomes_view *view, size_t *cursor,
                   struct outcomes_derived *ret_derived);

struct ledger_block {
    uint64_t height;
    const struct bundle_view *bundles;
    uint32_t n_bundles;
};

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

enum replay_verdict {
    REPLAY_OK,
    REPLAY_MALFORMED, /* the stored outcomes are not outcomes */
    REPLAY_CODES,     /* another number of codes than the block has events */
    REPLAY_DERIVED,   /* a derived fact out of place or of an unknown namespace */
};

const char *replay_verdict_text(enum replay_verdict verdict);

/* An empty ledger with the namespaces of genesis, `kernel` always among them.
 * False: too many, or a name that is empty or too long. */
bool ledger_start(struct ledger *ledger, const struct span *spaces, uint32_t n_spaces);

/* Appends the block's records. Neither ledger nor ret_segments change unless
 * REPLAY_OK. */
enum replay_verdict ledger_replay(struct ledger *ledger, const struct ledger_block *block,
                                  struct span outcomes, struct ledger_segments *ret_segments);

#endif
