/*
 * body - the bytes of one bundle, shared by whoever still needs them.
 *
 * One allocation, counted references. The count is not atomic: a body belongs to
 * one thread at a time and crosses threads only through a locked queue, with all
 * of its references.
 */
#ifndef APM2_BODY_H
#define APM2_BODY_H

#include "common/ids.h"

struct body {
    uint32_t refs;
    uint32_t size;
    uint8_t data[];
};

/* A copy of the bytes (at most BUNDLE_BYTES_MAX), with one reference. */
struct body *body_new(struct span bytes);

struct body *body_ref(struct body *body);

/* Drops one reference and sets the pointer to NULL; the last one frees. NULL is fine. */
void body_unref(struct body **body);

static inline struct span body_span(const struct body *body)
{
    return span_of(body->data, body->size);
}

#endif
