/*
 * wire_sample - one fixed sample of every message and record, filled by the kinds
 * of messages.def, and a comparison by the same kinds.
 *
 * Written from messages.def and not from the descriptor table, which it tests.
 * Spans borrow from constants.
 */
#ifndef APM2_TESTS_WIRE_SAMPLE_H
#define APM2_TESTS_WIRE_SAMPLE_H

#include "common/wire.h"

static void fill_u64(uint64_t *out, unsigned *n)
{
    static const uint64_t values[] = {
        0, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
    *out = values[(*n)++ % N_ELEMENTS(values)];
}

static void fill_raw(uint8_t *out, size_t size, unsigned *n)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(*n * 16 + i);
    (*n)++;
}

static void fill_hash(struct hash *out, unsigned *n)
{
    fill_raw(out->b, sizeof(out->b), n);
}

static void fill_key(struct key *out, unsigned *n)
{
    fill_raw(out->b, sizeof(out->b), n);
}

static void fill_sig(struct sig *out, unsigned *n)
{
    fill_raw(out->b, sizeof(out->b), n);
}

static void fill_rank(struct rank *out, unsigned *n)
{
    fill_u64(&out->epoch, n);
    fill_u64(&out->term, n);
    fill_u64(&out->seq, n);
}

static void fill_str(struct span *out, unsigned *n)
{
    static const char *const texts[] = {"", "kernel",
                                        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9d"};
    const char *text = texts[(*n)++ % N_ELEMENTS(texts)];
    *out = span_of(text, strlen(text));
}

static const uint8_t bytes_64[] =
    "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789ABCDEF";

static void fill_bytes(struct span *out, unsigned *n)
{
    *out = span_of(bytes_64, (*n)++ % 64);
}

static void fill_hashes(struct span *out, unsigned *n)
{
    *out = span_of(bytes_64, 32 * ((*n)++ % 3));
}

static void fill_blobs(struct blobs *out, unsigned *n)
{
    static const struct span items[] = {{bytes_64, 1}, {bytes_64, 0}, {bytes_64, 33}};
    *out = (struct blobs){(*n)++ % 4, items, {NULL, 0}};
}

static bool same_blobs(const struct blobs *a, const struct blobs *b)
{
    size_t at_a = 0;
    size_t at_b = 0;
    struct span x;
    struct span y;

    while (blobs_next(a, &at_a, &x)) {
        if (!blobs_next(b, &at_b, &y) || !span_eq(x, y))
            return false;
    }
    return a->n == b->n && !blobs_next(b, &at_b, &y);
}

#define SAME_u64(a, b) (*(a) == *(b))
#define SAME_hash(a, b) hash_eq(a, b)
#define SAME_key(a, b) key_eq(a, b)
#define SAME_sig(a, b) (memcmp(a, b, sizeof(struct sig)) == 0)
#define SAME_rank(a, b) rank_eq(*(a), *(b))
#define SAME_str(a, b) span_eq(*(a), *(b))
#define SAME_bytes(a, b) span_eq(*(a), *(b))
#define SAME_hashes(a, b) span_eq(*(a), *(b))
#define SAME_blobs(a, b) same_blobs(a, b)

#define FILL(S, kind, field, limit) fill_##kind(&msg->field, &n);
#define SAME(S, kind, field, limit) &&SAME_##kind(&a->field, &b->field)
#define SAMPLE(id, name)                                                                           \
    static void fill_##name##_message(void *out)                                                   \
    {                                                                                              \
        struct wire_##name *msg = out;                                                             \
        unsigned n = (id);                                                                         \
        FIELDS_##name(FILL, name)                                                                  \
    }                                                                                              \
    static bool same_##name##_message(const void *left, const void *right)                         \
    {                                                                                              \
        const struct wire_##name *a = left;                                                        \
        const struct wire_##name *b = right;                                                       \
        return true FIELDS_##name(SAME, name);                                                     \
    }
WIRE_ALL(SAMPLE)

#define SAMPLE_ROW(id, name) {#name, WIRE_##name, fill_##name##_message, same_##name##_message},
static const struct sample {
    const char *name;
    enum wire_id id;
    void (*fill)(void *out);
    bool (*same)(const void *a, const void *b);
} samples[] = {WIRE_ALL(SAMPLE_ROW)};

#endif
