/*
 * buf - a growing byte buffer with a maximum nobody can forget.
 *
 * The owner embeds it: buf_init, then buf_release. What would pass the maximum is
 * not appended, and `overflow` stays set until buf_clear: write freely, look once
 * at the end. One more 0 byte always follows the content, so that text is a string.
 */
#ifndef APM2_BUF_H
#define APM2_BUF_H

#include "common/ids.h"

#include <stdarg.h>

struct buf {
    uint8_t *data; /* NULL until something was appended */
    size_t size;
    size_t capacity;
    size_t max;
    bool overflow;
};

void buf_init(struct buf *buf, size_t max);
void buf_release(struct buf *buf);

/* Empties it and forgets an overflow; keeps the memory. */
void buf_clear(struct buf *buf);

/* False when it does not fit: nothing of it is appended then. */
bool buf_append(struct buf *buf, const void *data, size_t size);
bool buf_append_span(struct buf *buf, struct span bytes);
bool buf_text(struct buf *buf, const char *text);
bool buf_char(struct buf *buf, char c);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
bool buf_json_string(struct buf *buf, struct span text);

/* Lower-case hexadecimal. */
bool buf_hex(struct buf *buf, struct span bytes);

/* Room for `size` bytes behind the content (for wire_encode, read): NULL when it
 * does not fit. buf_grow then says how many of them were used. */
uint8_t *buf_reserve(struct buf *buf, size_t size);
void buf_grow(struct buf *buf, size_t size);

/* Drops the first `size` bytes. */
void buf_consume(struct buf *buf, size_t size);

/* The content; borrows until the next change. */
struct span buf_span(const struct buf *buf);

/* The content as a string, "" when empty; borrows until the next change. */
const char *buf_str(const struct buf *buf);

#endif
