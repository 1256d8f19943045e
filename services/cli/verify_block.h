/*
 * verify_block - checks one stored block by itself: bytes, hashes, signatures.
 *
 * Pure but for memory. What a block must agree on with its neighbours is
 * verify_chain's.
 */
#ifndef APM2_CLI_VERIFY_BLOCK_H
#define APM2_CLI_VERIFY_BLOCK_H

#include "common/bundle.h"
#include "common/genesis.h"
#include "services/cli/store_pg.h"

/* What was found wrong; text "" = nothing. */
struct block_fault {
    const char *table; /* "block" or "committed" */
    char text[256];
    struct hash bundle; /* the bundle at fault; zero = the block itself */
};

/* A checked block; spans borrow from the row. */
struct checked_block {
    struct wire_header header;
    struct bundle_view *bundles; /* room for BLOCK_BUNDLES_MAX, the caller's */
    uint32_t n_bundles;
    bool has_proof;
};

/* True when everything of the block itself holds. The row has a body. */
bool verify_block(const struct genesis *genesis, const struct store_block_row *row,
                  struct checked_block *block, struct block_fault *ret_fault);

#endif
