#include "common/feed/feed.h"

#include "tests/support/feed_sample.h"
#include "tests/support/unit.h"

static struct feed_sample sample;

static void fill(void)
{
    sample_fill(&sample);
}

static struct wire_feed_head head_of(uint32_t size, uint8_t bytes[FEED_HEAD_BYTES_MAX])
{
    struct wire_feed_head head;
    size_t n = sample_head(&sample, size, bytes);

    ck_assert_int_eq(feed_head_decode(span_of(bytes, n), &head), FEED_OK);
    return head;
}

/* ---- heads ---- */

START_TEST(a_head_is_its_authors)
{
    uint8_t bytes[FEED_HEAD_BYTES_MAX];
    size_t n = sample_head(&sample, 5, bytes);
    struct wire_feed_head head;
    struct key other = sample.author;
    struct hash chain = sample.chain;

    other.b[0] ^= 1;
    chain.b[31] ^= 1;
    ck_assert_int_eq(feed_head_decode(span_of(bytes, n), &head), FEED_OK);
    ck_assert_uint_eq(head.size, 5);
    ck_assert_int_eq(feed_head_verify(&sample.chain, &sample.author, span_of(bytes, n)), FEED_OK);
    ck_assert_int_eq(feed_head_verify(&sample.chain, &other, span_of(bytes, n)),
                     FEED_BAD_SIGNATURE);
    ck_assert_int_eq(feed_head_verify(&chain, &sample.author, span_of(bytes, n)),
                     FEED_BAD_SIGNATURE);
}
END_TEST

/* Whatever still decodes as a head is refused by its signature. */
START_TEST(a_flipped_bit_anywhere_is_seen)
{
    uint8_t bytes[FEED_HEAD_BYTES_MAX];
    size_t n = sample_head(&sample, 5, bytes);

    for (size_t i = 0; i < n * 8; i++) {
        struct wire_feed_head head;
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        if (feed_head_decode(span_of(bytes, n), &head) == FEED_OK)
            ck_assert_int_eq(feed_head_verify(&sample.chain, &sample.author, span_of(bytes, n)),
                             FEED_BAD_SIGNATURE);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}
END_TEST

/* ---- chunks ---- */

START_TEST(a_feed_is_followed_in_pieces)
{
    uint8_t bytes[FEED_HEAD_BYTES_MAX];
    struct feed_edge edge;
    uint32_t n = 0;

    feed_edge_init(&edge);
    for (uint32_t at = 0; at < SAMPLE_RECORDS; at += (uint32_t)_i + 1) {
        uint32_t end =
            at + (uint32_t)_i + 1 < SAMPLE_RECORDS ? at + (uint32_t)_i + 1 : SAMPLE_RECORDS;
        struct wire_feed_head head = head_of(end, bytes);
        ck_assert_int_eq(feed_edge_take_chunk(&edge, &head, sample_records(&sample, at, end), &n),
                         FEED_OK);
        ck_assert_uint_eq(n, end - at);
        ck_assert_uint_eq(edge.tree.n, end);
    }
    struct hash root = merkle_frontier_root(&edge.tree);
    struct hash whole = merkle_frontier_root(&sample.edges[SAMPLE_RECORDS].tree);
    ck_assert(hash_eq(&root, &whole));
}
END_TEST

enum lie {
    LIE_NONE,
    LIE_PAYLOAD,  /* another payload */
    LIE_SPACE,    /* of another feed */
    LIE_SEQ,      /* a gap */
    LIE_CLOCK,    /* a stamp that does not rise */
    LIE_LEFT_OUT, /* fewer than the head says */
    LIE_NO_RECORD,
    LIE_EMPTY,
};

static const struct row {
    const char *label;
    enum lie lie;
    enum feed_verdict want;
} rows[] = {
    {"the truth", LIE_NONE, FEED_OK},
    {"another payload", LIE_PAYLOAD, FEED_WRONG_ROOT},
    {"a record of another namespace", LIE_SPACE, FEED_OTHER_FEED},
    {"a number left out", LIE_SEQ, FEED_WRONG_SEQ},
    {"a stamp twice", LIE_CLOCK, FEED_CLOCK},
    {"a record left out at the end", LIE_LEFT_OUT, FEED_WRONG_SEQ},
    {"bytes that are no record", LIE_NO_RECORD, FEED_MALFORMED},
    {"nothing at all", LIE_EMPTY, FEED_MALFORMED},
};

/* Three records, the second of them as the lie has it. */
static size_t tell(enum lie lie, uint8_t *out, size_t capacity)
{
    size_t size = 0;

    if (lie == LIE_EMPTY)
        return 0;
    for (uint64_t seq = 1; seq <= (lie == LIE_LEFT_OUT ? 2u : 3u); seq++) {
        struct wire_feed_record record = sample_record(seq);
        if (seq == 2 && lie == LIE_PAYLOAD)
            record.payload = sample_text("PAYLOAD");
        if (seq == 2 && lie == LIE_SPACE)
            record.space = sample_text("other");
        if (seq == 2 && lie == LIE_SEQ)
            record.seq = 3;
        if (seq == 2 && lie == LIE_CLOCK)
            record.hlc = feed_hlc(1001, 0);
        size += wire_encode(WIRE_feed_record, &record, out + size, capacity - size);
    }
    if (lie == LIE_NO_RECORD)
        out[size++] = 0xc0;
    return size;
}

START_TEST(lies_are_told_apart)
{
    const struct row *row = &rows[_i];
    uint8_t records[1024], bytes[FEED_HEAD_BYTES_MAX];
    struct wire_feed_head head = head_of(3, bytes);
    struct feed_edge edge;
    uint32_t n = 77;

    feed_edge_init(&edge);
    size_t size = tell(row->lie, records, sizeof(records));
    enum feed_verdict got = feed_edge_take_chunk(&edge, &head, span_of(records, size), &n);
    ck_assert_msg(got == row->want, "%s: %s", row->label, feed_verdict_text(got));
    ck_assert_uint_eq(edge.tree.n, got == FEED_OK ? 3 : 0);
    ck_assert_uint_eq(n, got == FEED_OK ? 3 : 77);
}
END_TEST

START_TEST(an_edge_is_stored_and_read_back)
{
    const struct feed_edge *edge = &sample.edges[_i];
    uint8_t bytes[FEED_EDGE_BYTES_MAX];
    struct feed_edge again;
    size_t size = feed_edge_encode(edge, bytes);

    ck_assert(feed_edge_decode(edge->tree.n, edge->hlc_max, span_of(bytes, size), &again));
    struct hash a = merkle_frontier_root(&edge->tree), b = merkle_frontier_root(&again.tree);
    ck_assert(hash_eq(&a, &b));
    ck_assert(!feed_edge_decode(edge->tree.n, 0, span_of(bytes, size + 32), &again));
    if (size > 0)
        ck_assert(!feed_edge_decode(edge->tree.n, 0, span_of(bytes, size - 1), &again));
}
END_TEST

/* ---- comparing ---- */

static struct feed_position position(uint8_t feed, uint64_t size, uint64_t fork_at)
{
    return (struct feed_position){.feed = {{feed}}, .size = size, .fork_at = fork_at};
}

START_TEST(what_is_wanted_is_what_is_missing)
{
    const struct feed_position mine[] = {position(1, 10, 0), position(3, 5, 0), position(4, 2, 2)};
    const struct feed_position theirs[] = {position(1, 10, 0), position(2, 3, 0), position(3, 9, 0),
                                           position(4, 8, 0)};
    struct wire_feed_run runs[4];

    const struct feed_list ours = {mine, 3}, others = {theirs, 4};
    ck_assert_uint_eq(feed_want(ours, others, runs, 4), 2);
    ck_assert_uint_eq(runs[0].feed.b[0], 2);
    ck_assert_uint_eq(runs[0].from_seq, 1);
    ck_assert_uint_eq(runs[0].to_seq, 3);
    ck_assert_uint_eq(runs[1].feed.b[0], 3);
    ck_assert_uint_eq(runs[1].from_seq, 6);
    ck_assert_uint_eq(runs[1].to_seq, 9);
    ck_assert_uint_eq(feed_want(ours, others, runs, 1), 1);
}
END_TEST

START_TEST(digests_agree_only_on_equal_positions)
{
    struct feed_position a[] = {position(1, 10, 0), position(3, 5, 0)};
    struct hash whole = feed_digest(a, 2);
    struct hash same = feed_digest(a, 2);
    ck_assert(hash_eq(&whole, &same));
    a[1].fork_at = 3;
    struct hash forked = feed_digest(a, 2);
    a[1].fork_at = 0;
    a[1].root.b[0] = 1;
    struct hash rooted = feed_digest(a, 2);
    struct hash shorter = feed_digest(a, 1);
    ck_assert(!hash_eq(&whole, &forked) && !hash_eq(&whole, &rooted) && !hash_eq(&whole, &shorter));
}
END_TEST

START_TEST(names_have_no_strange_bytes)
{
    ck_assert(feed_text_is_valid(sample_text("a:b/c.d_e-9"), 64, false));
    ck_assert(!feed_text_is_valid(sample_text("a b"), 64, false));
    ck_assert(!feed_text_is_valid(sample_text("\xc3\xbc"), 64, false));
    ck_assert(!feed_text_is_valid(sample_text(""), 64, false));
    ck_assert(feed_text_is_valid(sample_text(""), 64, true));
    ck_assert(!feed_text_is_valid(sample_text("abc"), 2, false));
}
END_TEST

UNIT_MAIN("feed", fill, NULL, {
    tcase_add_test(tc, a_head_is_its_authors);
    tcase_add_test(tc, a_flipped_bit_anywhere_is_seen);
    tcase_add_loop_test(tc, a_feed_is_followed_in_pieces, 0, 7);
    tcase_add_loop_test(tc, lies_are_told_apart, 0, N_ELEMENTS(rows));
    tcase_add_loop_test(tc, an_edge_is_stored_and_read_back, 0, SAMPLE_RECORDS + 1);
    tcase_add_test(tc, what_is_wanted_is_what_is_missing);
    tcase_add_test(tc, digests_agree_only_on_equal_positions);
    tcase_add_test(tc, names_have_no_strange_bytes);
})
