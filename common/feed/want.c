/* Comparing what two nodes hold. */
#include "common/feed/feed.h"

#include "common/hash.h"

#define FEED_DIGEST_TAG "apm2/feeds/1"

int feed_id_cmp(const struct hash *a, const struct hash *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

static void put_u64(uint8_t out[8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* A chain over the positions, so that any number of them needs no memory. */
struct hash feed_digest(const struct feed_position *positions, uint32_t n)
{
    struct hash digest = {{0}};

    for (uint32_t i = 0; i < n; i++) {
        uint8_t size[8], fork_at[8];
        put_u64(size, positions[i].size);
        put_u64(fork_at, positions[i].fork_at);
        const struct span parts[] = {
            span_of(digest.b, sizeof(digest.b)), span_of(positions[i].feed.b, sizeof(struct hash)),
            span_of(size, sizeof(size)),         span_of(positions[i].root.b, sizeof(struct hash)),
            span_of(fork_at, sizeof(fork_at)),
        };
        digest = hash_tagged(FEED_DIGEST_TAG, parts, N_ELEMENTS(parts));
    }
    return digest;
}

/* How much of their feed is here: all of it when it forked, for then no more is wanted. */
static uint64_t size_here(struct feed_list mine, uint32_t at, const struct feed_position *their)
{
    if (at == mine.n || feed_id_cmp(&mine.at[at].feed, &their->feed) != 0)
        return 0;
    return mine.at[at].fork_at != 0 ? UINT64_MAX : mine.at[at].size;
}

uint32_t feed_want(struct feed_list mine, struct feed_list theirs, struct wire_feed_run *ret_runs,
                   uint32_t max)
{
    uint32_t n = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i < theirs.n && n < max; i++) {
        while (at < mine.n && feed_id_cmp(&mine.at[at].feed, &theirs.at[i].feed) < 0)
            at++;
        uint64_t have = size_here(mine, at, &theirs.at[i]);
        if (theirs.at[i].size > have)
            ret_runs[n++] = (struct wire_feed_run){theirs.at[i].feed, have + 1, theirs.at[i].size};
    }
    return n;
}
