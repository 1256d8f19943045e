/*
 * mempool_rig - a small mempool, and bundles and blocks known by a digit or a letter.
 *
 * Owned by the test that includes it: mempool_fixture() before, mempool_cleanup() after.
 */
#ifndef APM2_TESTS_MEMPOOL_RIG_H
#define APM2_TESTS_MEMPOOL_RIG_H

#include "services/consensus/mempool.h"

#define BODY_BYTES 100u

static struct mempool *pool;

static const struct mempool_limits small = {
    .bundles_max = 8,
    .bytes_max = 2000,
    .client_bundles_max = 4,
    .client_bytes_max = 1000,
    .peer_bundles_max = 6,
    .peer_bytes_max = 1500,
    .actor_bundles_max = 3,
};

static inline void mempool_fixture(void)
{
    pool = mempool_new(&small, 42);
}

static inline void mempool_cleanup(void)
{
    mempool_destroy(&pool);
}

static inline struct hash id_of(uint32_t number)
{
    struct hash id = {{0}};
    memcpy(id.b, &number, sizeof(number));
    id.b[31] = 1;
    return id;
}

static inline struct key key_of(uint32_t number)
{
    struct hash id = id_of(number);
    struct key key;
    memcpy(key.b, id.b, sizeof(key.b));
    return key;
}

static inline struct mempool_item item_of(uint32_t number)
{
    return (struct mempool_item){
        .id = id_of(number),
        .origin = key_of(number),
        .actor = key_of(number),
        .nonce = number,
        .expiry_height = 100,
        .received_ms = 1000 + number,
    };
}

static inline enum mempool_verdict add_item(struct mempool_item item, uint32_t size)
{
    uint8_t *bytes = calloc(1, size);
    item.body = body_new(span_of(bytes, size));
    free(bytes);
    enum mempool_verdict verdict = mempool_add(pool, &item);
    body_unref(&item.body);
    return verdict;
}

static inline enum mempool_verdict add(uint32_t number)
{
    return add_item(item_of(number), BODY_BYTES);
}

static inline struct hash block_of(char name)
{
    struct hash block;
    memset(block.b, name, sizeof(block.b));
    return block;
}

/* "1 2 3": numbers of one digit. */
static inline uint32_t ids_of(const char *numbers, struct hash *ids)
{
    uint32_t n = 0;
    for (const char *at = numbers; *at != 0; at++)
        if (*at != ' ')
            ids[n++] = id_of((uint32_t)(*at - '0'));
    return n;
}

static inline bool mark(char block, const char *numbers)
{
    struct hash ids[BLOCK_BUNDLES_MAX], id = block_of(block);
    return mempool_mark(pool, &id, ids, ids_of(numbers, ids));
}

static inline void unmark(char block)
{
    struct hash id = block_of(block);
    mempool_unmark(pool, &id);
}

static inline void commit(char block, const char *numbers)
{
    struct hash ids[BLOCK_BUNDLES_MAX], id = block_of(block);
    mempool_commit(pool, &id, ids, ids_of(numbers, ids));
}

static inline struct mempool_pending pending_on(const char *chain)
{
    struct hash blocks[8];
    uint32_t n = 0;
    for (; chain[n] != 0; n++)
        blocks[n] = block_of(chain[n]);
    struct mempool_pending pending;
    mempool_look_pending(pool, &(struct mempool_chain){blocks, n}, &pending);
    return pending;
}

static const struct mempool_budget plenty = {BLOCK_BUNDLES_MAX, BLOCK_BYTES_MAX, 1};

static inline void expect_pick(const char *chain, const struct mempool_budget *budget,
                               const char *want)
{
    struct hash blocks[8], picked[BLOCK_BUNDLES_MAX], wanted[BLOCK_BUNDLES_MAX];
    uint32_t n = 0;
    for (; chain[n] != 0; n++)
        blocks[n] = block_of(chain[n]);
    uint32_t n_picked = mempool_pick(pool, &(struct mempool_chain){blocks, n}, budget, picked);
    ck_assert_msg(n_picked == ids_of(want, wanted), "on \"%s\": %u, want %s", chain, n_picked,
                  want);
    for (uint32_t i = 0; i < n_picked; i++)
        ck_assert(hash_eq(&picked[i], &wanted[i]));
}

static inline void add_some(const char *numbers)
{
    for (; *numbers != 0; numbers++)
        if (*numbers != ' ')
            ck_assert_int_eq(add((uint32_t)(*numbers - '0')), MEMPOOL_ADDED);
}

#endif
