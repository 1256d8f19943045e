/*
 * pool - every block and certificate of a run, once, by content.
 *
 * Messages carry pointers into the pool instead of kilobytes. What goes in is
 * checked once as the node's door would (signatures, digests, quorum); only what
 * passed may be delivered. Memory is taken once and used again by every run:
 * only the used part of the large structs is ever copied.
 */
#ifndef APM2_SIM_POOL_H
#define APM2_SIM_POOL_H

#include "services/consensus/core/core.h"
#include "tests/sim/map.h"
#include "tests/sim/roster.h"

#define BLOCKS_MAX 2048u
#define CERTIFICATES_MAX 8192u
#define ENTRIES_MAX 1024u
#define NO_BLOCK UINT32_MAX

/* A payload is a set of requests, so that it fits a word. */
#define REQUESTS_MAX 64u

struct pool_block {
    struct proposal proposal;
    struct sig signature; /* of the author, once it signed */
    bool is_signed;
    bool is_checked, is_good; /* by the door */
    uint32_t parent;          /* NO_BLOCK for the root, or if it is unknown */
    uint64_t requests;
    struct hash state; /* root after executing it */
    bool has_proof;
    struct commit_proof proof;
};

struct pool {
    const struct roster *roster;
    struct map map;
    uint32_t n_blocks, n_qcs, n_ccs, n_entries;
    struct pool_block *blocks; /* [0] is the epoch's root */
    struct qc *qcs;
    struct cc *ccs;
    struct entry *entries;
};

void pool_new(struct pool *pool);
void pool_destroy(struct pool *pool);

/* Empty but for the root. */
void pool_reset(struct pool *pool, const struct roster *roster, const struct hash *genesis_state);

/* The block's index. Its payload is known from its author, before it is sent. */
uint32_t pool_add_block(struct pool *pool, const struct proposal *proposal, uint64_t requests);
uint32_t pool_find_block(const struct pool *pool, const struct hash *id);

/* Interned copies; NULL if it does not verify. ret_is_new tells the checkers. */
const struct qc *pool_add_qc(struct pool *pool, const struct qc *qc, bool *ret_is_new);
const struct cc *pool_add_cc(struct pool *pool, const struct cc *cc, bool *ret_is_new);
const struct entry *pool_add_entry(struct pool *pool, const struct entry *entry, bool *ret_is_new);

/* Keeps the first proof of a block. */
void pool_add_proof(struct pool *pool, uint32_t block, const struct commit_proof *proof);

/* What the door says of a proposal: signature, certificates, digests. */
bool pool_block_is_good(struct pool *pool, uint32_t block);

/* Used parts only. */
void copy_qc(struct qc *to, const struct qc *from);
void copy_entry(struct entry *to, const struct entry *from);
void copy_record(struct safety_record *to, const struct safety_record *from);

/* A stand-in for the payload's Merkle root. */
struct hash payload_root_of(uint64_t requests);

#endif
