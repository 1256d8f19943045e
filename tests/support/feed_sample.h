/*
 * feed_sample - a feed made up from a seed: records, heads signed by its author.
 *
 * Includes this in one test program only; its state is that program's.
 */
#ifndef APM2_TESTS_FEED_SAMPLE_H
#define APM2_TESTS_FEED_SAMPLE_H

#include <sodium.h>

#include "common/feed/feed.h"
#include "common/must.h"

#define SAMPLE_RECORDS 40u
#define SAMPLE_INCARNATION 7u

struct feed_sample {
    struct hash chain;
    struct key author;
    uint8_t secret[64];
    uint8_t bytes[SAMPLE_RECORDS * 256u];
    size_t ends[SAMPLE_RECORDS + 1]; /* record i stands at ends[i] .. ends[i + 1] */
    struct feed_edge edges[SAMPLE_RECORDS + 1];
};

static inline struct span sample_text(const char *text)
{
    return span_of(text, strlen(text));
}

static inline struct wire_feed_record sample_record(uint64_t seq)
{
    return (struct wire_feed_record){
        .space = sample_text("kernel"),
        .author = sample_text("n1"),
        .incarnation = SAMPLE_INCARNATION,
        .seq = seq,
        .hlc = feed_hlc(1000 + seq, 0),
        .kind = sample_text("Note"),
        .key = sample_text("k"),
        .payload = sample_text("payload"),
    };
}

/* Records first..last (from 0 on), as they lie behind one another. */
static inline struct span sample_records(const struct feed_sample *sample, uint32_t first,
                                         uint32_t end)
{
    return span_of(sample->bytes + sample->ends[first], sample->ends[end] - sample->ends[first]);
}

static inline size_t sample_head(const struct feed_sample *sample, uint32_t size,
                                 uint8_t out[FEED_HEAD_BYTES_MAX])
{
    const struct wire_feed_head head = {
        .space = sample_text("kernel"),
        .author = sample_text("n1"),
        .incarnation = SAMPLE_INCARNATION,
        .size = size,
        .root = merkle_frontier_root(&sample->edges[size].tree),
        .hlc_max = sample->edges[size].hlc_max,
        .key_epoch = 1,
    };
    uint8_t statement[FEED_STATEMENT_BYTES];
    struct sig sig;
    size_t n = feed_head_encode(&head, out);
    size_t signed_size = feed_head_statement(&sample->chain, span_of(out, n), statement);

    MUST(crypto_sign_detached(sig.b, NULL, statement, signed_size, sample->secret) == 0);
    feed_head_seal(out, n, &sig);
    return n;
}

static inline void sample_fill(struct feed_sample *sample)
{
    const uint8_t seed[32] = {5};

    *sample = (struct feed_sample){.chain = {{9}}};
    MUST(crypto_sign_seed_keypair(sample->author.b, sample->secret, seed) == 0);
    feed_edge_init(&sample->edges[0]);
    for (uint32_t i = 0; i < SAMPLE_RECORDS; i++) {
        struct wire_feed_record record = sample_record(i + 1);
        uint8_t *at = sample->bytes + sample->ends[i];
        size_t size = wire_encode(WIRE_feed_record, &record, at, 256);
        struct hash leaf = merkle_leaf(span_of(at, size));
        sample->ends[i + 1] = sample->ends[i] + size;
        sample->edges[i + 1] = sample->edges[i];
        merkle_frontier_append(&sample->edges[i + 1].tree, &leaf);
        sample->edges[i + 1].hlc_max = record.hlc;
    }
}

#endif
