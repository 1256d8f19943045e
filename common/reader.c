#include "common/wire.h"

#include "common/wire_desc.h"

/* msgpack's first bytes (spec.md, "Formats"); fix* are ranges. */
enum tag {
    TAG_FIXMAP = 0x80,
    TAG_FIXARRAY = 0x90,
    TAG_FIXSTR = 0xa0,
    TAG_NIL = 0xc0,
    TAG_NEVER_USED = 0xc1,
    TAG_FALSE = 0xc2,
    TAG_TRUE = 0xc3,
    TAG_BIN8 = 0xc4,
    TAG_BIN16 = 0xc5,
    TAG_BIN32 = 0xc6,
    TAG_EXT8 = 0xc7,
    TAG_EXT16 = 0xc8,
    TAG_EXT32 = 0xc9,
    TAG_FLOAT32 = 0xca,
    TAG_FLOAT64 = 0xcb,
    TAG_UINT8 = 0xcc,
    TAG_UINT16 = 0xcd,
    TAG_UINT32 = 0xce,
    TAG_UINT64 = 0xcf,
    TAG_INT8 = 0xd0,
    TAG_INT16 = 0xd1,
    TAG_INT32 = 0xd2,
    TAG_INT64 = 0xd3,
    TAG_FIXEXT1 = 0xd4,
    TAG_FIXEXT16 = 0xd8,
    TAG_STR8 = 0xd9,
    TAG_STR16 = 0xda,
    TAG_STR32 = 0xdb,
    TAG_ARRAY16 = 0xdc,
    TAG_ARRAY32 = 0xdd,
    TAG_MAP16 = 0xde,
    TAG_MAP32 = 0xdf,
    TAG_NEGATIVE_FIXINT = 0xe0,
};

struct reader reader_of(struct span bytes)
{
    /* An empty span may have no address, and NULL + 0 is no C. */
    static const uint8_t nothing[1] = {0};
    const uint8_t *data = bytes.size > 0 ? bytes.data : nothing;

    return (struct reader){data, data + bytes.size, WIRE_OK};
}

void reader_fail(struct reader *reader, enum wire_verdict verdict)
{
    if (reader->verdict == WIRE_OK)
        reader->verdict = verdict;
    /* With nothing left every further read fails by itself. */
    reader->at = reader->end;
}

bool reader_is_done(const struct reader *reader)
{
    return reader->verdict == WIRE_OK && reader->at == reader->end;
}

static size_t bytes_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static uint8_t take_tag(struct reader *reader)
{
    if (reader->at == reader->end) {
        reader_fail(reader, WIRE_TRUNCATED);
        return TAG_NEVER_USED;
    }
    return *reader->at++;
}

static struct span take_bytes(struct reader *reader, size_t size, size_t max)
{
    if (size > max) {
        reader_fail(reader, WIRE_OVER_LIMIT);
        return (struct span){NULL, 0};
    }
    if (size > bytes_left(reader)) {
        reader_fail(reader, WIRE_TRUNCATED);
        return (struct span){NULL, 0};
    }
    struct span bytes = {reader->at, size};
    reader->at += size;
    return bytes;
}

static uint64_t take_big_endian(struct reader *reader, size_t size)
{
    struct span bytes = take_bytes(reader, size, size);
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

/* `least` is the smallest value that needs `size` bytes. */
static uint64_t take_unsigned(struct reader *reader, size_t size, uint64_t least)
{
    uint64_t value = take_big_endian(reader, size);

    if (value < least)
        reader_fail(reader, WIRE_NOT_SHORTEST);
    return reader->verdict == WIRE_OK ? value : 0;
}

/* `most` is the greatest value, all of them negative, that needs `size` bytes. */
static int64_t take_negative(struct reader *reader, size_t size, int64_t most)
{
    unsigned shift = (unsigned)(64 - 8 * size);
    int64_t value = (int64_t)(take_big_endian(reader, size) << shift) >> shift;

    if (value > most)
        reader_fail(reader, WIRE_NOT_SHORTEST);
    return reader->verdict == WIRE_OK ? value : 0;
}

static enum reader_type type_of(uint8_t tag)
{
    if (tag < TAG_FIXMAP || (tag >= TAG_UINT8 && tag <= TAG_UINT64))
        return READER_UINT;
    if (tag >= TAG_NEGATIVE_FIXINT || (tag >= TAG_INT8 && tag <= TAG_INT64))
        return READER_INT;
    if (tag < TAG_FIXARRAY || tag == TAG_MAP16 || tag == TAG_MAP32)
        return READER_MAP;
    if (tag < TAG_FIXSTR || tag == TAG_ARRAY16 || tag == TAG_ARRAY32)
        return READER_ARRAY;
    if (tag < TAG_NIL || (tag >= TAG_STR8 && tag <= TAG_STR32))
        return READER_STR;
    if (tag >= TAG_BIN8 && tag <= TAG_BIN32)
        return READER_BIN;
    if (tag == TAG_FALSE || tag == TAG_TRUE)
        return READER_BOOL;
    return tag == TAG_NIL ? READER_NIL : READER_OTHER;
}

enum reader_type reader_peek(const struct reader *reader)
{
    return reader->at == reader->end ? READER_OTHER : type_of(*reader->at);
}

uint64_t reader_u64(struct reader *reader)
{
    uint8_t tag = take_tag(reader);

    if (tag < TAG_FIXMAP)
        return tag;

    switch (tag) {
    case TAG_UINT8:
        return take_unsigned(reader, 1, 0x80);
    case TAG_UINT16:
        return take_unsigned(reader, 2, 0x100);
    case TAG_UINT32:
        return take_unsigned(reader, 4, 0x10000);
    case TAG_UINT64:
        return take_unsigned(reader, 8, 0x100000000);
    }
    reader_fail(reader, WIRE_BAD_TYPE);
    return 0;
}

static int64_t read_positive(struct reader *reader)
{
    uint64_t value = reader_u64(reader);

    if (value > INT64_MAX) {
        reader_fail(reader, WIRE_OVER_LIMIT);
        return 0;
    }
    return (int64_t)value;
}

int64_t reader_i64(struct reader *reader)
{
    if (reader_peek(reader) == READER_UINT)
        return read_positive(reader);

    uint8_t tag = take_tag(reader);

    if (tag >= TAG_NEGATIVE_FIXINT)
        return (int8_t)tag;

    switch (tag) {
    case TAG_INT8:
        return take_negative(reader, 1, -33);
    case TAG_INT16:
        return take_negative(reader, 2, INT8_MIN - 1);
    case TAG_INT32:
        return take_negative(reader, 4, INT16_MIN - 1);
    case TAG_INT64:
        return take_negative(reader, 8, (int64_t)INT32_MIN - 1);
    }
    reader_fail(reader, WIRE_BAD_TYPE);
    return 0;
}

bool reader_bool(struct reader *reader)
{
    uint8_t tag = take_tag(reader);

    if (tag != TAG_FALSE && tag != TAG_TRUE)
        reader_fail(reader, WIRE_BAD_TYPE);
    return tag == TAG_TRUE;
}

static uint64_t take_str_size(struct reader *reader)
{
    uint8_t tag = take_tag(reader);

    if (tag >= TAG_FIXSTR && tag < TAG_NIL)
        return tag - TAG_FIXSTR;

    switch (tag) {
    case TAG_STR8:
        return take_unsigned(reader, 1, 32);
    case TAG_STR16:
        return take_unsigned(reader, 2, 0x100);
    case TAG_STR32:
        return take_unsigned(reader, 4, 0x10000);
    }
    reader_fail(reader, WIRE_BAD_TYPE);
    return 0;
}

struct span reader_str(struct reader *reader, size_t max)
{
    uint64_t size = take_str_size(reader);
    struct span text = take_bytes(reader, (size_t)size, max);

    if (!utf8_is_valid(text)) {
        reader_fail(reader, WIRE_BAD_UTF8);
        return (struct span){NULL, 0};
    }
    return text;
}

static uint64_t take_bin_size(struct reader *reader)
{
    switch (take_tag(reader)) {
    case TAG_BIN8:
        return take_unsigned(reader, 1, 0);
    case TAG_BIN16:
        return take_unsigned(reader, 2, 0x100);
    case TAG_BIN32:
        return take_unsigned(reader, 4, 0x10000);
    }
    reader_fail(reader, WIRE_BAD_TYPE);
    return 0;
}

struct span reader_bin(struct reader *reader, size_t max)
{
    uint64_t size = take_bin_size(reader);
    return take_bytes(reader, (size_t)size, max);
}

/* An element takes a byte at least: a count beyond that is a lie, found out
 * before anybody loops over it. */
static uint32_t check_count(struct reader *reader, uint64_t n, uint64_t n_bytes, uint32_t max)
{
    if (n > max)
        reader_fail(reader, WIRE_OVER_LIMIT);
    else if (n_bytes > bytes_left(reader))
        reader_fail(reader, WIRE_TRUNCATED);
    return reader->verdict == WIRE_OK ? (uint32_t)n : 0;
}

static uint64_t take_array_count(struct reader *reader)
{
    uint8_t tag = take_tag(reader);

    if (tag >= TAG_FIXARRAY && tag < TAG_FIXSTR)
        return tag - TAG_FIXARRAY;

    switch (tag) {
    case TAG_ARRAY16:
        return take_unsigned(reader, 2, 16);
    case TAG_ARRAY32:
        return take_unsigned(reader, 4, 0x10000);
    }
    reader_fail(reader, WIRE_BAD_TYPE);
    return 0;
}

uint32_t reader_array(struct reader *reader, uint32_t max)
{
    uint64_t n = take_array_count(reader);
    return check_count(reader, n, n, max);
}

static uint64_t take_map_count(struct reader *reader)
{
    uint8_t tag = take_tag(reader);

    if (tag >= TAG_FIXMAP && tag < TAG_FIXARRAY)
        return tag - TAG_FIXMAP;

    switch (tag) {
    case TAG_MAP16:
        return take_unsigned(reader, 2, 16);
    case TAG_MAP32:
        return take_unsigned(reader, 4, 0x10000);
    }
    reader_fail(reader, WIRE_BAD_TYPE);
    return 0;
}

uint32_t reader_map(struct reader *reader, uint32_t max)
{
    uint64_t n = take_map_count(reader);
    return check_count(reader, n, 2 * n, max);
}

/* Floats and extensions: of fixed size but for ext 8, 16 and 32. */
static void skip_other(struct reader *reader)
{
    uint8_t tag = take_tag(reader);
    uint64_t size = 0;

    if (tag == TAG_FLOAT32 || tag == TAG_FLOAT64)
        size = tag == TAG_FLOAT32 ? 4 : 8;
    else if (tag >= TAG_FIXEXT1 && tag <= TAG_FIXEXT16)
        size = 1 + (1u << (tag - TAG_FIXEXT1));
    else if (tag == TAG_EXT8)
        size = 1 + take_unsigned(reader, 1, 0);
    else if (tag == TAG_EXT16)
        size = 1 + take_unsigned(reader, 2, 0x100);
    else if (tag == TAG_EXT32)
        size = 1 + take_unsigned(reader, 4, 0x10000);
    else
        reader_fail(reader, WIRE_BAD_TYPE);

    (void)take_bytes(reader, (size_t)size, SIZE_MAX);
}

static void skip_elements(struct reader *reader, uint64_t n, uint32_t depth)
{
    for (uint64_t i = 0; i < n && reader->verdict == WIRE_OK; i++)
        reader_skip(reader, depth);
}

void reader_skip(struct reader *reader, uint32_t depth)
{
    if (depth == 0) {
        reader_fail(reader, WIRE_OVER_LIMIT);
        return;
    }

    switch (reader_peek(reader)) {
    case READER_NIL:
        (void)take_tag(reader);
        break;
    case READER_BOOL:
        (void)reader_bool(reader);
        break;
    case READER_UINT:
        (void)reader_u64(reader);
        break;
    case READER_INT:
        (void)reader_i64(reader);
        break;
    case READER_STR:
        (void)reader_str(reader, SIZE_MAX);
        break;
    case READER_BIN:
        (void)reader_bin(reader, SIZE_MAX);
        break;
    case READER_ARRAY:
        skip_elements(reader, reader_array(reader, UINT32_MAX), depth - 1);
        break;
    case READER_MAP:
        skip_elements(reader, 2 * (uint64_t)reader_map(reader, UINT32_MAX), depth - 1);
        break;
    case READER_OTHER:
        skip_other(reader);
        break;
    }
}
