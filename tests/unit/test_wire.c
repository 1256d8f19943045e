#include "common/wire.h"

#include <stdio.h>

#include "common/hash.h"
#include "tests/support/golden.h"
#include "tests/support/unit.h"
#include "tests/support/wire_sample.h"

#define MUTATIONS 100000u

static size_t encode_sample(const struct sample *sample, uint8_t *out, size_t capacity)
{
    struct wire_message message;
    sample->fill(&message.proposal);
    return wire_encode(sample->id, &message.proposal, out, capacity);
}

/* Decodes from memory of exactly this size: a sanitizer sees any byte beyond. */
static enum wire_verdict decode_exactly(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    struct wire_message message;
    enum wire_verdict verdict = wire_decode(span_of(size > 0 ? copy : copy + 1, size), &message);
    free(copy);
    return verdict;
}

/* ---- all messages ---- */

START_TEST(a_message_comes_back_as_it_was)
{
    const struct sample *sample = &samples[_i];
    struct wire_message message;
    uint8_t bytes[4096];
    uint8_t again[4096];

    sample->fill(&message.proposal);
    size_t size = wire_encode(sample->id, &message.proposal, bytes, sizeof(bytes));
    ck_assert_uint_gt(size, 0);
    ck_assert_uint_le(size, wire_encoded_max(sample->id, &message.proposal));
    ck_assert_uint_eq(wire_encode(sample->id, &message.proposal, again, size), size);
    ck_assert_uint_eq(wire_encode(sample->id, &message.proposal, again, size - 1), 0);

    struct wire_message decoded;
    ck_assert_int_eq(wire_decode(span_of(bytes, size), &decoded), WIRE_OK);
    ck_assert_int_eq(decoded.id, sample->id);
    ck_assert(sample->same(&message.proposal, &decoded.proposal));
    ck_assert_int_eq(wire_decode_as(sample->id, span_of(bytes, size), &decoded.proposal), WIRE_OK);
    ck_assert(sample->same(&message.proposal, &decoded.proposal));

    ck_assert_uint_eq(wire_encode(sample->id, &decoded.proposal, again, sizeof(again)), size);
    ck_assert_mem_eq(bytes, again, size);
    ck_assert_uint_le(size, wire_encoded_max(sample->id, &decoded.proposal));
    ck_assert_str_eq(wire_name(sample->id), sample->name);
}
END_TEST

START_TEST(a_message_cut_anywhere_is_truncated)
{
    uint8_t bytes[4096];
    size_t size = encode_sample(&samples[_i], bytes, sizeof(bytes));

    for (size_t cut = 0; cut < size; cut++) {
        enum wire_verdict got = decode_exactly(bytes, cut);
        ck_assert_msg(got == WIRE_TRUNCATED, "%s cut at %zu: %s", samples[_i].name, cut,
                      wire_verdict_text(got));
    }
    ck_assert_int_eq(decode_exactly(bytes, size), WIRE_OK);
}
END_TEST

START_TEST(a_byte_too_many_is_trailing)
{
    uint8_t bytes[4096];
    size_t size = encode_sample(&samples[_i], bytes, sizeof(bytes));

    bytes[size] = 0xc0;
    ck_assert_int_eq(decode_exactly(bytes, size + 1), WIRE_TRAILING);
}
END_TEST

/* Whatever is accepted has one encoding only, so bytes and meaning are one. */
START_TEST(mutations_are_refused_or_canonical)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    uint32_t n_accepted = 0;

    for (uint32_t i = 0; i < MUTATIONS; i++) {
        uint8_t bytes[4096];
        uint8_t again[4096];
        size_t size = encode_sample(&samples[i % N_ELEMENTS(samples)], bytes, sizeof(bytes));
        for (unsigned flips = 0; flips <= i % 3; flips++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            /* Heads stand among the first bytes: go there every other time. */
            size_t at = (seed >> 32) % (seed & 1 ? size : 24);
            bytes[at % size] = (uint8_t)(seed >> 8);
        }

        struct wire_message message;
        if (wire_decode(span_of(bytes, size), &message) != WIRE_OK) {
            ck_assert_int_ne(decode_exactly(bytes, size), WIRE_OK);
            continue;
        }
        n_accepted++;
        ck_assert_uint_eq(wire_encode(message.id, &message.proposal, again, sizeof(again)), size);
        ck_assert_mem_eq(bytes, again, size);
    }
    ck_assert_uint_gt(n_accepted, MUTATIONS / 10);
    ck_assert_uint_lt(n_accepted, MUTATIONS);
}
END_TEST

/* ---- golden vectors: scripts/golden rewrites them ---- */

static void put_golden_lines(FILE *out)
{
    for (size_t i = 0; i < N_ELEMENTS(samples); i++) {
        uint8_t bytes[4096];
        char hex[2 * sizeof(bytes) + 1];
        hex_encode(bytes, encode_sample(&samples[i], bytes, sizeof(bytes)), hex);
        fprintf(out, "%s %s\n", samples[i].name, hex);
    }
}

START_TEST(bytes_are_the_golden_ones)
{
    golden_check("wire.txt", put_golden_lines);
}
END_TEST

/* ---- bad input, by verdict ---- */

#define H31 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"
#define X16 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct row {
    const char *label;
    const char *hex;
    enum wire_verdict want;
} rows[] = {
    {"a whole rank_query", "920c05", WIRE_OK},
    {"nothing", "", WIRE_TRUNCATED},
    {"a count of 4 G", "ddffffffff", WIRE_TRUNCATED},
    {"a count of 4 G where blobs belong", "9207ddffffffff", WIRE_OVER_LIMIT},
    {"a bin of 4 G", "9209c6ffffffff", WIRE_TRUNCATED},
    {"an empty array", "90", WIRE_FIELD_COUNT},
    {"an id and no field", "910c", WIRE_FIELD_COUNT},
    {"a field too many", "930c0505", WIRE_FIELD_COUNT},
    {"id 0", "920005", WIRE_UNKNOWN_ID},
    {"an id past all", "92cd7fff05", WIRE_UNKNOWN_ID},
    {"an id beyond 32 bits", "92cf000000010000000c05", WIRE_UNKNOWN_ID},
    {"a map", "810c05", WIRE_BAD_TYPE},
    {"an integer", "0c", WIRE_BAD_TYPE},
    {"an id that is text", "92a16305", WIRE_BAD_TYPE},
    {"a negative id", "92ff05", WIRE_BAD_TYPE},
    {"a byte left", "920c0500", WIRE_TRAILING},
    {"5 as uint 8", "920ccc05", WIRE_NOT_SHORTEST},
    {"5 as uint 16", "920ccd0005", WIRE_NOT_SHORTEST},
    {"5 as uint 32", "920cce00000005", WIRE_NOT_SHORTEST},
    {"5 as uint 64", "920ccf0000000000000005", WIRE_NOT_SHORTEST},
    {"id as uint 8", "92cc0c05", WIRE_NOT_SHORTEST},
    {"two as array 16", "dc00020c05", WIRE_NOT_SHORTEST},
    {"two as array 32", "dd000000020c05", WIRE_NOT_SHORTEST},
    {"5 as int 8", "920cd005", WIRE_BAD_TYPE},
    {"minus one", "920cff", WIRE_BAD_TYPE},
    {"nil", "920cc0", WIRE_BAD_TYPE},
    {"a float", "920cca00000000", WIRE_BAD_TYPE},
    {"a hash of 31 bytes", "9209c41f" H31, WIRE_BAD_TYPE},
    {"a hash of 33 bytes", "9209c421" H31 "ffff", WIRE_BAD_TYPE},
    {"a hash in bin 16", "9209c50020" H31 "ff", WIRE_NOT_SHORTEST},
    {"a hash as text", "9209a0", WIRE_BAD_TYPE},
    {"31 bytes of hashes", "9208c41f" H31, WIRE_BAD_TYPE},
    {"one hash of hashes", "9208c420" H31 "ff", WIRE_OK},
    {"no hashes", "9208c400", WIRE_OK},
    {"1025 hashes", "9208c58020", WIRE_OVER_LIMIT},
    {"no blobs", "920790", WIRE_OK},
    {"a blob missing", "920792c400", WIRE_TRUNCATED},
    {"a blob that is an integer", "92079105", WIRE_BAD_TYPE},
    {"a blob in bin 16", "920791c50001aa", WIRE_NOT_SHORTEST},
    {"65535 blobs", "9207dcffff", WIRE_OVER_LIMIT},
    {"a rank of two", "9503920102030405", WIRE_BAD_TYPE},
    {"a rank of four", "950394010203040506", WIRE_BAD_TYPE},
    {"a query", "94cd010401a16180", WIRE_BAD_TYPE},
    {"text that is no UTF-8", "94cd010401a1ffa0", WIRE_BAD_UTF8},
    {"text over its limit", "94cd010401d941" X16 X16 X16 X16 "aaa0", WIRE_OVER_LIMIT},
    {"short text as str 8", "94cd010401d90161a0", WIRE_NOT_SHORTEST},
};

START_TEST(verdicts)
{
    const struct row *row = &rows[_i];
    uint8_t bytes[256];
    size_t size = strlen(row->hex) / 2;

    ck_assert(hex_decode(row->hex, size, bytes));
    enum wire_verdict got = decode_exactly(bytes, size);
    ck_assert_msg(got == row->want, "%s: got \"%s\", want \"%s\"", row->label,
                  wire_verdict_text(got), wire_verdict_text(row->want));
}
END_TEST

START_TEST(failure_leaves_the_output_alone)
{
    static const uint8_t bad[] = {0x92, 0x0c, 0xcc, 0x05};
    static const uint8_t good[] = {0x92, 0x0c, 0x05};
    struct wire_message message;
    struct wire_message untouched;

    memset(&message, 0x5a, sizeof(message));
    memset(&untouched, 0x5a, sizeof(untouched));
    ck_assert_int_eq(wire_decode(span_of(bad, sizeof(bad)), &message), WIRE_NOT_SHORTEST);
    ck_assert_mem_eq(&message, &untouched, sizeof(message));

    struct span other = span_of(good, sizeof(good));
    ck_assert_int_eq(wire_decode_as(WIRE_vote, other, &message.vote), WIRE_UNKNOWN_ID);
    ck_assert_mem_eq(&message, &untouched, sizeof(message));
}
END_TEST

START_TEST(the_encoder_refuses_what_the_decoder_would)
{
    static uint8_t zeros[ENTRY_BYTES_MAX + 1];
    static struct span items[BLOCK_BUNDLES_MAX + 1];
    static uint8_t out[BLOCK_BUNDLES_MAX * 40];
    struct wire_query query = {.verb = span_of("\xff", 1)};
    struct wire_certificate certificate = {.body = span_of(zeros, ENTRY_BYTES_MAX + 1)};
    struct wire_bundle_request request = {.ids = span_of(zeros, 33)};
    struct wire_bundles bundles = {.bundles = {BLOCK_BUNDLES_MAX + 1, items, {NULL, 0}}};

    ck_assert_uint_eq(wire_encode(WIRE_query, &query, out, sizeof(out)), 0);
    query.verb = span_of(zeros, ID_BYTES_MAX + 1);
    ck_assert_uint_eq(wire_encode(WIRE_query, &query, out, sizeof(out)), 0);
    query.verb = span_of(zeros, ID_BYTES_MAX);
    ck_assert_uint_gt(wire_encode(WIRE_query, &query, out, sizeof(out)), 0);

    ck_assert_uint_eq(wire_encode(WIRE_certificate, &certificate, out, sizeof(out)), 0);
    certificate.body.size--;
    ck_assert_uint_gt(wire_encode(WIRE_certificate, &certificate, out, sizeof(out)), 0);

    ck_assert_uint_eq(wire_encode(WIRE_bundle_request, &request, out, sizeof(out)), 0);
    ck_assert_uint_eq(wire_encode(WIRE_bundles, &bundles, out, sizeof(out)), 0);
    bundles.bundles.n--;
    ck_assert_uint_gt(wire_encode(WIRE_bundles, &bundles, out, sizeof(out)), 0);
}
END_TEST

START_TEST(an_unknown_id_cannot_be_encoded)
{
    uint8_t out[16] = {0};
    (void)wire_encode(WIRE_END, out, out, sizeof(out));
}
END_TEST

/* ---- printing ---- */

START_TEST(print_is_json)
{
    static const struct span items[] = {{(const uint8_t *)"\x01\xff", 2}, {NULL, 0}};
    struct wire_message message = {.id = WIRE_answer};
    char out[256];

    message.answer =
        (struct wire_answer){7, span_of("OK", 2), span_of("a\"\n\xc2\x9b\xc3\xa9\x7f", 8)};
    size_t size = wire_print(&message, out, sizeof(out));
    ck_assert_str_eq(out, "{\"id\": \"answer\", \"request\": 7, \"error\": \"OK\", "
                          "\"body\": \"a\\u0022\\u000a\\u009b\xc3\xa9\\u007f\"}");
    ck_assert_uint_eq(size, strlen(out));

    message = (struct wire_message){.id = WIRE_bundles, .bundles = {{2, items, {NULL, 0}}}};
    ck_assert_uint_eq(wire_print(&message, out, 16), 15);
    ck_assert_str_eq(out, "{\"id\": \"bund...");
    (void)wire_print(&message, out, sizeof(out));
    ck_assert_str_eq(out, "{\"id\": \"bundles\", \"bundles\": [\"01ff\", \"\"]}");
}
END_TEST

START_TEST(any_message_prints_at_any_size)
{
    struct wire_message message = {.id = samples[_i].id};
    char out[8192];

    samples[_i].fill(&message.proposal);
    size_t whole = wire_print(&message, out, sizeof(out));
    ck_assert_int_eq(out[whole - 1], '}');
    for (size_t capacity = 4; capacity <= whole; capacity++)
        ck_assert_uint_eq(wire_print(&message, out, capacity), capacity - 1);
}
END_TEST

UNIT_MAIN("wire", NULL, NULL, {
    tcase_add_loop_test(tc, a_message_comes_back_as_it_was, 0, N_ELEMENTS(samples));
    tcase_add_loop_test(tc, a_message_cut_anywhere_is_truncated, 0, N_ELEMENTS(samples));
    tcase_add_loop_test(tc, a_byte_too_many_is_trailing, 0, N_ELEMENTS(samples));
    tcase_add_loop_test(tc, verdicts, 0, N_ELEMENTS(rows));
    tcase_add_loop_test(tc, any_message_prints_at_any_size, 0, N_ELEMENTS(samples));
    tcase_add_test(tc, mutations_are_refused_or_canonical);
    tcase_add_test(tc, bytes_are_the_golden_ones);
    tcase_add_test(tc, failure_leaves_the_output_alone);
    tcase_add_test(tc, the_encoder_refuses_what_the_decoder_would);
    tcase_add_test_raise_signal(tc, an_unknown_id_cannot_be_encoded, SIGABRT);
    tcase_add_test(tc, print_is_json);
})
