/*
 * execute - what a committed block does: outcomes, state and ledger.
 *
 * Pure. One struct execution holds the authority state and the ledger in one
 * arena; execution_apply takes the blocks one after the other, height by height.
 * Equal genesis and blocks give equal outcomes and roots, on every machine.
 */
#ifndef APM2_EXECUTE_H
#define APM2_EXECUTE_H

#include "common/bundle.h"
#include "common/ledger/replay.h"
#include "services/consensus/authority/authority.h"

struct execution;

/* Bytes of arena, most of them never touched (map it, do not clear it), aligned
 * like malloc's and all zero at init. 0: limits out of range. */
size_t execution_size(const struct authority_limits *limits);

/* Height 0. Returns GENESIS for grants or schemas that do not fit limits or names,
 * with the arena good for another try once it is zero again. */
enum apm_err WARN_UNUSED execution_init(void *arena, size_t arena_size,
                                        const struct authority_genesis *genesis,
                                        struct execution **ret_execution);

/* A block's results; pointers are good until the next apply. */
struct executed {
    uint64_t height;
    struct span codes;    /* one byte per event, block order: bundle after bundle */
    struct span outcomes; /* to be stored with the block (common/ledger/records.h) */
    uint32_t n_applied;
    uint32_t n_rejected;
    uint32_t n_derived;
    struct ledger_segments segments;
    struct hash authority_root;
    struct hash ledger_root;
    struct hash state_root;
};

/* Executes the block at height + 1 (MUST). Bundles are in block order, parsed and
 * complete; ret is overwritten. */
void execution_apply(struct execution *execution, const struct wire_header *header,
                     const struct bundle_view *bundles, uint32_t n_bundles,
                     struct executed *ret_executed);

uint64_t execution_height(const struct execution *execution);
struct hash execution_state_root(const struct execution *execution);
const struct authority *execution_authority(const struct execution *execution);
const struct ledger *execution_ledger(const struct execution *execution);

#endif
