#include "common/merkle/merkle.h"

#include "common/hash.h"
#include "common/must.h"

/*
 * A binary radix tree. Inner nodes stand only where keys part, which keeps them
 * fewer than entries; the levels between a node and its parent, whose other side
 * is empty, are hashed when the parent is. The root therefore is that of the
 * plain 256-level tree, however the entries came.
 */

#define KEY_BITS 256u

/* Inner nodes on one way down, and the leaf. */
#define WAY_MAX (KEY_BITS + 1u)

static unsigned int bit_at(const struct hash *key, unsigned int depth)
{
    return (unsigned int)(key->b[depth / 8] >> (7 - depth % 8)) & 1u;
}

/* The first bit where the keys part, KEY_BITS if nowhere. */
static unsigned int parting(const struct hash *a, const struct hash *b)
{
    for (unsigned int i = 0; i < sizeof(a->b); i++) {
        unsigned int differing = a->b[i] ^ b->b[i];
        if (differing != 0)
            return i * 8 + (unsigned int)__builtin_clz(differing) - 24;
    }
    return KEY_BITS;
}

/* Whether the entry of `key`, if it exists, stands in the subtree. */
static bool leads_to(const struct smap_node *node, const struct hash *key)
{
    return parting(&node->key, key) >= node->depth;
}

void smap_init(struct smap *map, struct smap_node *nodes, uint32_t capacity)
{
    MUST(capacity > 0);

    *map = (struct smap){.nodes = nodes, .capacity = capacity, .used = 1};
    nodes[0] = (struct smap_node){0};
}

static uint32_t n_free(const struct smap *map)
{
    /* A map never has more than capacity - 1 nodes in use: 2 n - 1 for n entries. */
    uint32_t in_use = map->n_entries == 0 ? 0 : 2 * map->n_entries - 1;
    return map->capacity - 1 - in_use;
}

static uint32_t node_new(struct smap *map)
{
    uint32_t index = map->free_list;

    if (index != 0)
        map->free_list = map->nodes[index].next_free;
    else
        index = map->used++;
    MUST(index < map->capacity);
    map->nodes[index] = (struct smap_node){.is_dirty = true};
    return index;
}

static void node_free(struct smap *map, uint32_t index)
{
    map->nodes[index] = (struct smap_node){.next_free = map->free_list};
    map->free_list = index;
}

static uint32_t leaf_new(struct smap *map, const struct hash *key, const struct hash *value)
{
    uint32_t index = node_new(map);
    struct smap_node *leaf = &map->nodes[index];

    leaf->is_leaf = true;
    leaf->depth = KEY_BITS;
    leaf->key = *key;
    leaf->value = *value;
    map->n_entries++;
    return index;
}

/* Puts an inner node in the place of *slot, over it and a new leaf. */
static void split(struct smap *map, uint32_t *slot, const struct hash *key,
                  const struct hash *value)
{
    uint32_t old = *slot;
    uint32_t index = node_new(map);
    struct smap_node *inner = &map->nodes[index];
    unsigned int depth = parting(&map->nodes[old].key, key);
    unsigned int side = bit_at(key, depth);

    inner->depth = (uint16_t)depth;
    inner->key = *key;
    inner->child[side] = leaf_new(map, key, value);
    inner->child[1 - side] = old;
    *slot = index;
}

bool smap_put(struct smap *map, const struct hash *key, const struct hash *value)
{
    uint32_t *slot = &map->root;

    while (*slot != 0) {
        struct smap_node *node = &map->nodes[*slot];
        if (!leads_to(node, key))
            break;
        node->is_dirty = true;
        if (node->is_leaf) {
            node->value = *value;
            return true;
        }
        slot = &node->child[bit_at(key, node->depth)];
    }

    uint32_t n_needed = *slot == 0 ? 1 : 2;
    if (n_free(map) < n_needed)
        return false;
    if (*slot == 0)
        *slot = leaf_new(map, key, value);
    else
        split(map, slot, key, value);
    return true;
}

bool smap_get(const struct smap *map, const struct hash *key, struct hash *ret_value)
{
    uint32_t index = map->root;

    while (index != 0) {
        const struct smap_node *node = &map->nodes[index];
        if (!leads_to(node, key))
            return false;
        if (node->is_leaf) {
            *ret_value = node->value;
            return true;
        }
        index = node->child[bit_at(key, node->depth)];
    }
    return false;
}

void smap_remove(struct smap *map, const struct hash *key)
{
    uint32_t *above = NULL; /* the slot of the inner node over `slot` */
    uint32_t *slot = &map->root;

    while (*slot != 0 && !map->nodes[*slot].is_leaf) {
        struct smap_node *node = &map->nodes[*slot];
        if (!leads_to(node, key))
            return;
        node->is_dirty = true;
        above = slot;
        slot = &node->child[bit_at(key, node->depth)];
    }
    if (*slot == 0 || !leads_to(&map->nodes[*slot], key))
        return;

    uint32_t leaf = *slot;
    if (above == NULL) {
        map->root = 0;
    } else {
        /* The sibling moves up: an inner node over one subtree would remember the
         * entry that is gone. */
        uint32_t parent = *above;
        const struct smap_node *inner = &map->nodes[parent];
        *above = inner->child[0] == leaf ? inner->child[1] : inner->child[0];
        node_free(map, parent);
    }
    node_free(map, leaf);
    map->n_entries--;
}

static struct hash pair_hash(const struct hash *left, const struct hash *right)
{
    const struct span parts[] = {span_of(left->b, sizeof(left->b)),
                                 span_of(right->b, sizeof(right->b))};
    return hash_tagged("node", parts, N_ELEMENTS(parts));
}

/* The hash of the node's subtree as seen at `depth`, at or above its own. */
static struct hash hash_at(const struct smap_node *node, unsigned int depth)
{
    static const struct hash empty = {{0}};
    struct hash hash = node->hash;

    if (node->is_leaf)
        return hash;
    for (unsigned int level = node->depth; level > depth; level--) {
        bool is_right = bit_at(&node->key, level - 1) != 0;
        hash = is_right ? pair_hash(&empty, &hash) : pair_hash(&hash, &empty);
    }
    return hash;
}

static void rehash(struct smap *map, struct smap_node *node)
{
    if (node->is_leaf) {
        const struct span parts[] = {span_of(node->key.b, sizeof(node->key.b)),
                                     span_of(node->value.b, sizeof(node->value.b))};
        node->hash = hash_tagged("leaf", parts, N_ELEMENTS(parts));
    } else {
        unsigned int below = node->depth + 1u;
        struct hash left = hash_at(&map->nodes[node->child[0]], below);
        struct hash right = hash_at(&map->nodes[node->child[1]], below);
        node->hash = pair_hash(&left, &right);
    }
    node->is_dirty = false;
}

/* A dirty child, 0 if none. */
static uint32_t dirty_child(const struct smap *map, const struct smap_node *node)
{
    for (unsigned int side = 0; side < 2; side++) {
        uint32_t child = node->child[side];
        if (child != 0 && map->nodes[child].is_dirty)
            return child;
    }
    return 0;
}

struct hash smap_root(struct smap *map)
{
    uint32_t way[WAY_MAX];
    uint32_t n_way = 0;

    if (map->nodes[map->root].is_dirty)
        way[n_way++] = map->root;
    while (n_way > 0) {
        struct smap_node *node = &map->nodes[way[n_way - 1]];
        uint32_t child = dirty_child(map, node);
        if (child != 0) {
            MUST(n_way < WAY_MAX);
            way[n_way++] = child;
        } else {
            rehash(map, node);
            n_way--;
        }
    }
    return map->root == 0 ? (struct hash){{0}} : hash_at(&map->nodes[map->root], 0);
}
