#include "common/buf.h"
#include "common/mem.h"
#include "common/must.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256u

void buf_init(struct buf *buf, size_t max)
{
    MUST(max > 0 && max < SIZE_MAX / 4);
    *buf = (struct buf){.max = max};
}

void buf_release(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->overflow = false;
    if (buf->data != NULL) {
        buf->data[0] = 0;
    }
}

uint8_t *buf_reserve(struct buf *buf, size_t size)
{
    MUST(buf->max > 0); /* buf_init was forgotten */
    if (buf->overflow || size > buf->max - buf->size) {
        buf->overflow = true;
        return NULL;
    }

    size_t needed = buf->size + size + 1;
    if (needed > buf->capacity) {
        size_t capacity = buf->capacity == 0 ? FIRST_CAPACITY : buf->capacity * 2;
        if (capacity > buf->max + 1) {
            capacity = buf->max + 1;
        }
        buf->capacity = capacity < needed ? needed : capacity;
        buf->data = mem_resize(buf->data, buf->capacity);
        buf->data[buf->size] = 0;
    }
    return buf->data + buf->size;
}

void buf_grow(struct buf *buf, size_t size)
{
    MUST(size == 0 || (buf->data != NULL && size < buf->capacity - buf->size));
    buf->size += size;
    if (buf->data != NULL) {
        buf->data[buf->size] = 0;
    }
}

bool buf_append(struct buf *buf, const void *data, size_t size)
{
    uint8_t *room = buf_reserve(buf, size);
    if (room == NULL) {
        return false;
    }
    if (size > 0) {
        memcpy(room, data, size);
    }
    buf_grow(buf, size);
    return true;
}

bool buf_append_span(struct buf *buf, struct span bytes)
{
    return buf_append(buf, bytes.data, bytes.size);
}

bool buf_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

bool buf_char(struct buf *buf, char c)
{
    return buf_append(buf, &c, 1);
}

bool buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    MUST(length >= 0);

    uint8_t *room = buf_reserve(buf, (size_t)length);
    if (room == NULL) {
        return false;
    }
    int written = vsnprintf((char *)room, (size_t)length + 1, format, args);
    MUST(written == length);
    buf_grow(buf, (size_t)length);
    return true;
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool fits = buf_vprintf(buf, format, args);
    va_end(args);
    return fits;
}

bool buf_hex(struct buf *buf, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";

    uint8_t *room = bytes.size > buf->max ? NULL : buf_reserve(buf, bytes.size * 2);
    if (room == NULL) {
        buf->overflow = true;
        return false;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        room[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
        room[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
    }
    buf_grow(buf, bytes.size * 2);
    return true;
}

/* Length of the well-formed UTF-8 character at `at`, 0 if there is none: no
 * overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length > left) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (lead == 0xe0 && at[1] < 0xa0) || (lead == 0xf0 && at[1] < 0x90);
    bool is_out = (lead == 0xed && at[1] > 0x9f) || (lead == 0xf4 && at[1] > 0x8f);
    return is_overlong || is_out ? 0 : length;
}

static bool append_ascii(struct buf *buf, uint8_t c)
{
    switch (c) {
    case '"':
        return buf_text(buf, "\\\"");
    case '\\':
        return buf_text(buf, "\\\\");
    case '\n':
        return buf_text(buf, "\\n");
    case '\r':
        return buf_text(buf, "\\r");
    case '\t':
        return buf_text(buf, "\\t");
    default:
        return c < 0x20 || c == 0x7f ? buf_printf(buf, "\\u%04x", c) : buf_char(buf, (char)c);
    }
}

bool buf_json_string(struct buf *buf, struct span text)
{
    buf_char(buf, '"');
    for (size_t i = 0; i < text.size && !buf->overflow;) {
        size_t length = utf8_length(text.data + i, text.size - i);
        if (length == 0) {
            buf_text(buf, "\xef\xbf\xbd");
            i++;
        } else if (length == 1) {
            append_ascii(buf, text.data[i]);
            i++;
        } else {
            buf_append(buf, text.data + i, length);
            i += length;
        }
    }
    return buf_char(buf, '"');
}

void buf_consume(struct buf *buf, size_t size)
{
    MUST(size <= buf->size);
    if (size == 0) {
        return;
    }
    memmove(buf->data, buf->data + size, buf->size - size);
    buf->size -= size;
    buf->data[buf->size] = 0;
}

struct span buf_span(const struct buf *buf)
{
    return span_of(buf->data, buf->size);
}

const char *buf_str(const struct buf *buf)
{
    return buf->data == NULL ? "" : (const char *)buf->data;
}
