#include "common/wire.h"

#include "common/hash.h"
#include "tests/support/unit.h"

/* What is read, and what it is worth as a number: the value, a size or a count. */
enum op { U64, I64, BOOL, STR, BIN, ARRAY, MAP, SKIP };

#define MAX 300u /* for texts, bytes and counts */
#define DEPTH 3u /* for skips */

static int64_t read_as(enum op op, struct reader *reader)
{
    switch (op) {
    case U64:
        return (int64_t)reader_u64(reader);
    case I64:
        return reader_i64(reader);
    case BOOL:
        return reader_bool(reader);
    case STR:
        return (int64_t)reader_str(reader, MAX).size;
    case BIN:
        return (int64_t)reader_bin(reader, MAX).size;
    case ARRAY:
        return reader_array(reader, MAX);
    case MAP:
        return reader_map(reader, MAX);
    case SKIP:
        reader_skip(reader, DEPTH);
        return 0;
    }
    return -1;
}

static const struct row {
    const char *hex;
    enum op op;
    enum wire_verdict want;
    int64_t value;
} rows[] = {
    {"00", U64, WIRE_OK, 0},
    {"7f", U64, WIRE_OK, 127},
    {"cc80", U64, WIRE_OK, 128},
    {"cc7f", U64, WIRE_NOT_SHORTEST, 0},
    {"cd0100", U64, WIRE_OK, 256},
    {"cd00ff", U64, WIRE_NOT_SHORTEST, 0},
    {"ce00010000", U64, WIRE_OK, 65536},
    {"ce0000ffff", U64, WIRE_NOT_SHORTEST, 0},
    {"cf0000000100000000", U64, WIRE_OK, INT64_C(1) << 32},
    {"cf00000000ffffffff", U64, WIRE_NOT_SHORTEST, 0},
    {"cfffffffffffffffff", U64, WIRE_OK, -1},
    {"cf00000001000000", U64, WIRE_TRUNCATED, 0},
    {"", U64, WIRE_TRUNCATED, 0},
    {"ff", U64, WIRE_BAD_TYPE, 0},
    {"c1", U64, WIRE_BAD_TYPE, 0},
    {"2a", I64, WIRE_OK, 42},
    {"cf7fffffffffffffff", I64, WIRE_OK, INT64_MAX},
    {"cf8000000000000000", I64, WIRE_OVER_LIMIT, 0},
    {"ff", I64, WIRE_OK, -1},
    {"e0", I64, WIRE_OK, -32},
    {"d0df", I64, WIRE_OK, -33},
    {"d0e0", I64, WIRE_NOT_SHORTEST, 0},
    {"d02a", I64, WIRE_NOT_SHORTEST, 0},
    {"d080", I64, WIRE_OK, -128},
    {"d1ff7f", I64, WIRE_OK, -129},
    {"d1ff80", I64, WIRE_NOT_SHORTEST, 0},
    {"d2ffff7fff", I64, WIRE_OK, -32769},
    {"d2ffff8000", I64, WIRE_NOT_SHORTEST, 0},
    {"d3ffffffff7fffffff", I64, WIRE_OK, INT64_C(-2147483649)},
    {"d3ffffffff80000000", I64, WIRE_NOT_SHORTEST, 0},
    {"d38000000000000000", I64, WIRE_OK, INT64_MIN},
    {"d1ff", I64, WIRE_TRUNCATED, 0},
    {"a0", I64, WIRE_BAD_TYPE, 0},
    {"c3", BOOL, WIRE_OK, 1},
    {"c2", BOOL, WIRE_OK, 0},
    {"01", BOOL, WIRE_BAD_TYPE, 0},
    {"a3616263", STR, WIRE_OK, 3},
    {"a36162", STR, WIRE_TRUNCATED, 0},
    {"c403616263", STR, WIRE_BAD_TYPE, 0},
    {"da012d", STR, WIRE_OVER_LIMIT, 0},
    {"da00ff", STR, WIRE_NOT_SHORTEST, 0},
    {"dbffffffff", STR, WIRE_OVER_LIMIT, 0},
    {"a2c3a9", STR, WIRE_OK, 2},
    {"a1c3", STR, WIRE_BAD_UTF8, 0},
    {"a180", STR, WIRE_BAD_UTF8, 0},
    {"a2c080", STR, WIRE_BAD_UTF8, 0},     /* overlong */
    {"a3e08080", STR, WIRE_BAD_UTF8, 0},   /* overlong */
    {"a3eda080", STR, WIRE_BAD_UTF8, 0},   /* a surrogate */
    {"a3ed9fbf", STR, WIRE_OK, 3},         /* the last before them */
    {"a3e28228", STR, WIRE_BAD_UTF8, 0},   /* third byte is no continuation */
    {"a4f0808080", STR, WIRE_BAD_UTF8, 0}, /* overlong */
    {"a4f48fbfbf", STR, WIRE_OK, 4},       /* U+10FFFF */
    {"a4f4908080", STR, WIRE_BAD_UTF8, 0}, /* above it */
    {"a4f5808080", STR, WIRE_BAD_UTF8, 0},
    {"c400", BIN, WIRE_OK, 0},
    {"c402ffff", BIN, WIRE_OK, 2},
    {"c402ff", BIN, WIRE_TRUNCATED, 0},
    {"c50010", BIN, WIRE_NOT_SHORTEST, 0},
    {"c60000ffff", BIN, WIRE_NOT_SHORTEST, 0},
    {"a0", BIN, WIRE_BAD_TYPE, 0},
    {"920102", ARRAY, WIRE_OK, 2},
    {"9201", ARRAY, WIRE_TRUNCATED, 0},
    {"dc000f", ARRAY, WIRE_NOT_SHORTEST, 0},
    {"ddffffffff", ARRAY, WIRE_OVER_LIMIT, 0},
    {"810102", MAP, WIRE_OK, 1},
    {"8101", MAP, WIRE_TRUNCATED, 0},
    {"dfffffffff", MAP, WIRE_OVER_LIMIT, 0},
    {"90", MAP, WIRE_BAD_TYPE, 0},
    {"c0", SKIP, WIRE_OK, 0},
    {"9181a1619190", SKIP, WIRE_OVER_LIMIT, 0}, /* four deep */
    {"9181a16190", SKIP, WIRE_OK, 0},           /* three deep */
    {"91cc05", SKIP, WIRE_NOT_SHORTEST, 0},
    {"cb0000000000000000", SKIP, WIRE_OK, 0},
    {"ca000000", SKIP, WIRE_TRUNCATED, 0},
    {"d8000102030405060708090a0b0c0d0e0f10", SKIP, WIRE_OK, 0},
    {"c7020001ff", SKIP, WIRE_OK, 0},
    {"c9ffffffff00", SKIP, WIRE_TRUNCATED, 0},
    {"c1", SKIP, WIRE_BAD_TYPE, 0},
    {"ddffffffff", SKIP, WIRE_TRUNCATED, 0},
    {"dfffffffff", SKIP, WIRE_TRUNCATED, 0},
};

START_TEST(values_and_verdicts)
{
    const struct row *row = &rows[_i];
    uint8_t bytes[64];
    size_t size = strlen(row->hex) / 2;
    ck_assert(hex_decode(row->hex, size, bytes));

    struct reader reader = reader_of(span_of(bytes, size));
    int64_t value = read_as(row->op, &reader);
    ck_assert_msg(reader.verdict == row->want, "%s: got \"%s\", want \"%s\"", row->hex,
                  wire_verdict_text(reader.verdict), wire_verdict_text(row->want));
    ck_assert_msg(value == row->value, "%s: got %lld", row->hex, (long long)value);
}
END_TEST

START_TEST(the_first_verdict_stays)
{
    static const uint8_t bytes[] = {0xcc, 0x05, 0x07, 0xa1, 'a'};
    struct reader reader = reader_of(span_of(bytes, sizeof(bytes)));

    ck_assert_uint_eq(reader_u64(&reader), 0);
    ck_assert_uint_eq(reader_u64(&reader), 0);
    ck_assert_uint_eq(reader_str(&reader, MAX).size, 0);
    ck_assert_int_eq(reader_peek(&reader), READER_OTHER);
    ck_assert_int_eq(reader.verdict, WIRE_NOT_SHORTEST);
    ck_assert(!reader_is_done(&reader));
}
END_TEST

START_TEST(integers_come_back)
{
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int64_t off = -2; off <= 2; off++) {
            int64_t value = (int64_t)((UINT64_C(1) << shift) + (uint64_t)off);
            int64_t negative = (int64_t)(0 - (uint64_t)value);
            uint8_t out[32];
            struct writer writer = writer_of(out, sizeof(out));
            writer_i64(&writer, value);
            writer_i64(&writer, negative);
            writer_u64(&writer, (uint64_t)value);
            ck_assert(!writer.overflow);

            struct reader reader = reader_of(span_of(out, writer.size));
            ck_assert_int_eq(reader_i64(&reader), value);
            ck_assert_int_eq(reader_i64(&reader), negative);
            ck_assert_uint_eq(reader_u64(&reader), (uint64_t)value);
            ck_assert(reader_is_done(&reader));
        }
    }
}
END_TEST

START_TEST(lengths_come_back)
{
    static const size_t sizes[] = {0, 15, 16, 31, 32, 255, 256, 65535, 65536};
    static uint8_t zeros[65536];
    static uint8_t out[4 * sizeof(zeros)];

    for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
        struct span bytes = span_of(zeros, sizes[i]);
        struct writer writer = writer_of(out, sizeof(out));
        writer_str(&writer, bytes);
        writer_bin(&writer, bytes);
        writer_array(&writer, (uint32_t)sizes[i]);
        for (size_t n = 0; n < sizes[i]; n++)
            writer_nil(&writer);
        writer_map(&writer, 1);
        writer_bool(&writer, true);
        writer_bool(&writer, false);
        ck_assert(!writer.overflow);

        struct reader reader = reader_of(span_of(out, writer.size));
        ck_assert_uint_eq(reader_str(&reader, SIZE_MAX).size, sizes[i]);
        ck_assert_uint_eq(reader_bin(&reader, SIZE_MAX).size, sizes[i]);
        reader_skip(&reader, DEPTH);
        ck_assert_uint_eq(reader_map(&reader, 1), 1);
        ck_assert(reader_bool(&reader));
        ck_assert(!reader_bool(&reader));
        ck_assert(reader_is_done(&reader));
    }
}
END_TEST

START_TEST(overflow_is_sticky)
{
    uint8_t out[5] = {0};
    struct writer writer = writer_of(out, 4);

    writer_u64(&writer, 1);
    writer_bin(&writer, span_of("abc", 3));
    ck_assert(writer.overflow);
    size_t size = writer.size;
    writer_u64(&writer, 2); /* would fit */
    ck_assert(writer.overflow);
    ck_assert_uint_eq(writer.size, size);
    ck_assert_uint_eq(out[4], 0);
}
END_TEST

UNIT_MAIN("reader", NULL, NULL, {
    tcase_add_loop_test(tc, values_and_verdicts, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, the_first_verdict_stays);
    tcase_add_test(tc, integers_come_back);
    tcase_add_test(tc, lengths_come_back);
    tcase_add_test(tc, overflow_is_sticky);
})
