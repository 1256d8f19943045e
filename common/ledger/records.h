/*
 * records - the records of one block, one by one, in the ledger's order.
 *
 * Pure. Execution stores with each block what it made of the block's events: one
 * code per event and the derived facts. With them a block's bytes give its records;
 * execution, every verifier and every look-up walk them here, so that no two can
 * differ in a record's place. Everything borrows from the block and its outcomes.
 *
 * Outcomes are one msgpack array [1, codes, derived]: `codes` a bin, one byte per
 * event in block order; `derived` an array of [after, namespace, event record],
 * ascending by `after`, the number of the block's events before it: those of 0
 * come first. Events of a namespace the chain does not have are recorded (they
 * were rejected) in `kernel`.
 */
#ifndef APM2_LEDGER_RECORDS_H
#define APM2_LEDGER_RECORDS_H

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

enum records_verdict {
    RECORDS_OK,
    RECORDS_MALFORMED, /* the stored outcomes are not outcomes */
    RECORDS_CODES,     /* another number of codes than the block has events */
    RECORDS_DERIVED,   /* a derived fact out of place or of an unknown namespace */
};

const char *records_verdict_text(enum records_verdict verdict);

struct record {
    uint64_t index;                   /* in the block, all namespaces together */
    struct span space;                /* the namespace it stands in */
    uint8_t code;                     /* schemas/outcomes.def */
    const struct bundle_view *bundle; /* NULL: a derived fact */
    uint64_t position;                /* in its bundle */
    struct span event;                /* event record */
};

/* A walk. Its fields are its own. */
struct records {
    const struct ledger *ledger;
    const struct ledger_block *block;
    struct outcomes_view outcomes;
    size_t derived_cursor;
    struct outcomes_derived derived; /* the next one, meaningful where has_derived */
    bool has_derived;
    uint32_t bundle;
    size_t event_cursor;
    uint64_t position; /* of the next event in its bundle */
    uint64_t n_events; /* walked so far */
    uint64_t index;    /* of the next record */
};

/* Checks all of the outcomes before the first record. Of the ledger only the names
 * matter; the walk borrows it, and the block. */
enum records_verdict records_begin(struct records *records, const struct ledger *ledger,
                                   const struct ledger_block *block, struct span outcomes);

/* False after the last. */
bool records_next(struct records *records, struct record *ret_record);

/* Walks on to the namespace's k-th record from here, counted from 0. False: it has
 * fewer. */
bool records_find(struct records *records, struct span space, uint64_t k,
                  struct record *ret_record);

#endif
