/*
 * verify_chain - walks a node's stored chain from genesis and recomputes all of it.
 *
 * Per block what verify_block checks; then parents and heights, commit proofs that
 * cover every block, records replayed against segment_v1, ledger and state roots,
 * what later headers say of them, and bundle_v1. Stops at the first thing that does
 * not hold. What authority_root stands for takes execution to recompute: it is held
 * to the state root, and that to what later headers say under certificates.
 */
#ifndef APM2_CLI_VERIFY_CHAIN_H
#define APM2_CLI_VERIFY_CHAIN_H

#include "services/cli/verify_block.h"

struct verify_totals {
    uint64_t blocks, bundles, records;
    struct hash last_block;
    struct hash state_root;
};

struct verify_finding {
    const char *table; /* "block", "committed", "segment" or "bundle_index" */
    char space[ID_BYTES_MAX + 1];
    uint64_t seq; /* the first record that can no longer be trusted */
    uint64_t height;
    char text[320];
};

struct verify_plan {
    const struct genesis *genesis;
    struct store_reader *reader;
    const char *space; /* check the records of this namespace only; NULL = of all */
    void (*progress)(uint64_t height, uint64_t tip); /* NULL = none */
};

/* APM_OK, CORRUPT with a finding, or an error of the database with a complaint. */
WARN_UNUSED enum apm_err verify_chain(const struct verify_plan *plan,
                                      struct verify_totals *ret_totals,
                                      struct verify_finding *ret_finding,
                                      struct complaint *ret_complaint);

#endif
