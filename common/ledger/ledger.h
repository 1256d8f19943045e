/*
 * ledger - records of one namespace: dense numbers, a hash chain, a Merkle tree.
 *
 * Pure. Every event of a committed block becomes one record, in order; derived
 * facts (a lease that expired, a conflict) become records without a signer. A
 * record's hash covers its whole envelope (type, actor, time, HLC, schema are in
 * the event's bytes), its place and its outcome:
 *
 *   leaf  = H("apm2/record/1", namespace, seq, height, index, code, subject)
 *   chain = H("apm2/chain/1", previous chain, leaf)          starts at 32 zero bytes
 *   tree  = RFC 9162 over the leaves, BLAKE2b-256
 *   root  = RFC 9162 over H("apm2/head/1", namespace, n_records, chain, tree root)
 *
 * Numbers are big-endian u64 (code: one byte), a namespace is its length in one
 * byte and its bytes.
 *
 * where subject = H("apm2/event/1", bundle id, position, event bytes), or for a
 * derived fact H("apm2/derived/1", its event bytes). `index` counts a block's
 * records of all namespaces. ledger_root binds all namespaces' heads and goes into
 * the state root, so that a quorum vouches for it.
 */
#ifndef APM2_LEDGER_H
#define APM2_LEDGER_H

#include "common/ids.h"
#include "common/limits.h"
#include "common/merkle/merkle.h"

#define NAMESPACES_MAX 64u

struct ledger_head {
    char space[ID_BYTES_MAX + 1]; /* namespace */
    uint64_t n_records;           /* the next seq */
    struct hash chain;
    struct merkle_frontier tree; /* right edge: enough to append and to get the root */
};

/* Heads of all namespaces, sorted by name bytewise. */
struct ledger {
    uint32_t n;
    struct ledger_head heads[NAMESPACES_MAX];
};

struct ledger_record {
    uint64_t height;
    uint64_t index;
    uint8_t code; /* schemas/outcomes.def */
    struct hash subject;
};

void ledger_init(struct ledger *ledger);

/* The namespace's head, made if new, which moves others: good until the next call.
 * NULL when NAMESPACES_MAX are in use, or the name is empty, longer than
 * ID_BYTES_MAX or holds a zero byte. */
struct ledger_head *ledger_head_of(struct ledger *ledger, struct span space);
const struct ledger_head *ledger_find(const struct ledger *ledger, struct span space);

void ledger_append(struct ledger_head *head, const struct ledger_record *record);

struct hash ledger_subject(const struct hash *bundle, uint64_t position, struct span event);
struct hash ledger_derived_subject(struct span event);
struct hash ledger_leaf(const struct ledger_head *head, const struct ledger_record *record);

struct hash ledger_root(const struct ledger *ledger);

/* state_root = H("apm2/state/1", authority root, ledger root). */
struct hash state_root_of(const struct hash *authority_root, const struct hash *ledgers_root);

#endif
