#include "common/merkle/merkle.h"

#include "common/hash.h"
#include "common/must.h"

struct hash merkle_leaf(struct span data)
{
    /* An empty tag leaves its zero byte, which is the RFC's prefix of a leaf. */
    return hash_tagged("", &data, 1);
}

struct hash merkle_node(const struct hash *left, const struct hash *right)
{
    uint8_t bytes[1 + 2 * sizeof(struct hash)] = {0x01};

    memcpy(bytes + 1, left->b, sizeof(left->b));
    memcpy(bytes + 1 + sizeof(left->b), right->b, sizeof(right->b));
    return hash_bytes(span_of(bytes, sizeof(bytes)));
}

void merkle_frontier_init(struct merkle_frontier *frontier)
{
    *frontier = (struct merkle_frontier){0};
}

void merkle_frontier_append(struct merkle_frontier *frontier, const struct hash *leaf)
{
    MUST(frontier->n < UINT64_MAX);

    /* A binary counter: each carry joins two perfect trees of one size. */
    struct hash carry = *leaf;
    unsigned int level = 0;
    for (; (frontier->n >> level & 1) != 0; level++)
        carry = merkle_node(&frontier->edge[level], &carry);
    frontier->edge[level] = carry;
    frontier->n++;
}

struct hash merkle_frontier_root(const struct merkle_frontier *frontier)
{
    if (frontier->n == 0)
        return hash_bytes(span_of(NULL, 0));

    unsigned int level = (unsigned int)__builtin_ctzll(frontier->n);
    struct hash root = frontier->edge[level];
    for (level++; level < 64; level++) {
        if ((frontier->n >> level & 1) != 0)
            root = merkle_node(&frontier->edge[level], &root);
    }
    return root;
}

struct hash merkle_root_of_hashes(const struct hash *data, size_t n)
{
    struct merkle_frontier frontier;

    merkle_frontier_init(&frontier);
    for (size_t i = 0; i < n; i++) {
        struct hash leaf = merkle_leaf(span_of(data[i].b, sizeof(data[i].b)));
        merkle_frontier_append(&frontier, &leaf);
    }
    return merkle_frontier_root(&frontier);
}

static struct hash root_of_leaves(const struct hash *leaves, size_t n)
{
    struct merkle_frontier frontier;

    merkle_frontier_init(&frontier);
    for (size_t i = 0; i < n; i++)
        merkle_frontier_append(&frontier, &leaves[i]);
    return merkle_frontier_root(&frontier);
}

/* The largest power of two below n: where the RFC splits a tree of n leaves. */
static size_t split_of(size_t n)
{
    return (size_t)1 << (63 - __builtin_clzll((unsigned long long)(n - 1)));
}

void merkle_path(const struct hash *leaves, size_t n, size_t index, struct merkle_path *ret_path)
{
    MUST(index < n);

    struct hash downwards[64];
    uint32_t n_hashes = 0;
    ret_path->index = index;
    ret_path->n = n;
    while (n > 1) {
        size_t split = split_of(n);
        if (index < split) {
            downwards[n_hashes++] = root_of_leaves(leaves + split, n - split);
            n = split;
        } else {
            downwards[n_hashes++] = root_of_leaves(leaves, split);
            leaves += split;
            index -= split;
            n -= split;
        }
    }
    ret_path->n_hashes = n_hashes;
    for (uint32_t i = 0; i < n_hashes; i++)
        ret_path->hashes[i] = downwards[n_hashes - 1 - i];
}

bool merkle_path_verify(const struct hash *leaf, const struct merkle_path *path,
                        const struct hash *root)
{
    if (path->index >= path->n || path->n_hashes > N_ELEMENTS(path->hashes))
        return false;

    uint64_t index = path->index;
    uint64_t last = path->n - 1;
    struct hash hash = *leaf;
    for (uint32_t i = 0; i < path->n_hashes; i++) {
        if (last == 0)
            return false;
        if ((index & 1) != 0 || index == last) {
            hash = merkle_node(&path->hashes[i], &hash);
            /* A node without a right sibling stands in its parent's place. */
            while ((index & 1) == 0 && index != 0) {
                index >>= 1;
                last >>= 1;
            }
        } else {
            hash = merkle_node(&hash, &path->hashes[i]);
        }
        index >>= 1;
        last >>= 1;
    }
    return last == 0 && hash_eq(&hash, root);
}
