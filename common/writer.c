#include "common/wire.h"

#include <limits.h> /* msgpack wants CHAR_MIN and does not ask for it */

#include <msgpack/pack.h>

#include "common/wire_desc.h"

/* msgpack-c knows the shortest forms; this is where its bytes go. */
static int append(void *data, const char *bytes, size_t size)
{
    struct writer *writer = data;

    if (writer->overflow || size > writer->capacity - writer->size) {
        writer->overflow = true;
        return -1;
    }
    if (size > 0)
        memcpy(writer->out + writer->size, bytes, size);
    writer->size += size;
    return 0;
}

static msgpack_packer packer_of(struct writer *writer)
{
    return (msgpack_packer){writer, append};
}

struct writer writer_of(uint8_t *out, size_t capacity)
{
    return (struct writer){out, capacity, 0, false};
}

void writer_raw(struct writer *writer, struct span bytes)
{
    (void)append(writer, (const char *)bytes.data, bytes.size);
}

void writer_u64(struct writer *writer, uint64_t value)
{
    msgpack_packer packer = packer_of(writer);
    (void)msgpack_pack_uint64(&packer, value);
}

void writer_i64(struct writer *writer, int64_t value)
{
    msgpack_packer packer = packer_of(writer);
    (void)msgpack_pack_int64(&packer, value);
}

void writer_bool(struct writer *writer, bool value)
{
    msgpack_packer packer = packer_of(writer);
    (void)(value ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer));
}

void writer_nil(struct writer *writer)
{
    msgpack_packer packer = packer_of(writer);
    (void)msgpack_pack_nil(&packer);
}

/* Beyond 32 bits msgpack has no length, and msgpack-c would cut it. */
static bool is_too_long(struct writer *writer, size_t size)
{
    if (size > UINT32_MAX)
        writer->overflow = true;
    return writer->overflow;
}

void writer_str(struct writer *writer, struct span text)
{
    if (is_too_long(writer, text.size))
        return;
    msgpack_packer packer = packer_of(writer);
    (void)msgpack_pack_str(&packer, text.size);
    writer_raw(writer, text);
}

void writer_bin(struct writer *writer, struct span bytes)
{
    if (is_too_long(writer, bytes.size))
        return;
    msgpack_packer packer = packer_of(writer);
    (void)msgpack_pack_bin(&packer, bytes.size);
    writer_raw(writer, bytes);
}

void writer_array(struct writer *writer, uint32_t n)
{
    msgpack_packer packer = packer_of(writer);
    (void)msgpack_pack_array(&packer, n);
}

void writer_map(struct writer *writer, uint32_t n)
{
    msgpack_packer packer = packer_of(writer);
    (void)msgpack_pack_map(&packer, n);
}
