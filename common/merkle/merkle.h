/*
 * merkle - RFC 9162 trees and one sparse map, both over BLAKE2b-256.
 *
 * Pure: callers own all memory. Leaf = H(0x00, data), node = H(0x01, left, right)
 * (RFC 9162 2.1.1); the empty tree is H().
 */
#ifndef APM2_MERKLE_H
#define APM2_MERKLE_H

#include "common/ids.h"

/* The right edge of a tree of `n` leaves: roots of its perfect subtrees, one per
 * bit of n. Appends in amortised two hashes. */
struct merkle_frontier {
    uint64_t n;
    struct hash edge[64]; /* edge[i] is meaningful where bit i of n is set */
};

struct hash merkle_leaf(struct span data);
struct hash merkle_node(const struct hash *left, const struct hash *right);

void merkle_frontier_init(struct merkle_frontier *frontier);
void merkle_frontier_append(struct merkle_frontier *frontier, const struct hash *leaf);
struct hash merkle_frontier_root(const struct merkle_frontier *frontier);

/* Root over n leaves' data (payload_root, events_root). */
struct hash merkle_root_of_hashes(const struct hash *data, size_t n);

/* Where a leaf stands in a tree, and the hashes beside its way to the root. */
struct merkle_path {
    uint64_t index; /* of the leaf */
    uint64_t n;     /* leaves of the tree */
    uint32_t n_hashes;
    struct hash hashes[64]; /* lowest first */
};

/* Inclusion path of leaf `index` of `n` leaf hashes, and its check (RFC 9162 2.1.3). */
void merkle_path(const struct hash *leaves, size_t n, size_t index, struct merkle_path *ret_path);
bool merkle_path_verify(const struct hash *leaf, const struct merkle_path *path,
                        const struct hash *root);

/*
 * The sparse map: key hash -> value hash, over a 256-bit key space, whose root is
 * independent of the order of changes. Subtrees with one entry are that entry's
 * leaf H("leaf", key, value), empty ones are zero, others H("node", left, right).
 * Memory is an array of nodes handed over at init; when it is full a put says so
 * and the caller rejects deterministically. Changes are batched: puts mark paths
 * dirty, smap_root rehashes each dirty node once.
 */
struct smap_node {
    struct hash hash;  /* of the subtree, when clean */
    struct hash value; /* leaf */
    struct hash key;   /* leaf: whole key; inner: any below it, for its prefix */
    uint32_t child[2]; /* inner; 0 = empty. Leaf: both 0 */
    uint16_t depth;    /* inner: the bit where its two sides part */
    bool is_leaf, is_dirty;
    uint32_t next_free;
};

struct smap {
    struct smap_node *nodes; /* nodes[0] is the empty tree */
    uint32_t capacity;
    uint32_t used;
    uint32_t free_list;
    uint32_t root;
    uint32_t n_entries;
};

void smap_init(struct smap *map, struct smap_node *nodes, uint32_t capacity);
/* False: no room (at most two nodes per entry are ever needed). */
bool smap_put(struct smap *map, const struct hash *key, const struct hash *value);
bool smap_get(const struct smap *map, const struct hash *key, struct hash *ret_value);
void smap_remove(struct smap *map, const struct hash *key);
struct hash smap_root(struct smap *map);

#endif
