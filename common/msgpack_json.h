/*
 * msgpack_json - payloads of observations as JSON, and back.
 *
 * The JSON side has no fractions and no numbers beyond 64 bits. Byte strings, which JSON
 * lacks, read as "hex:0a1b"; texts stay texts. Bounded like the wire: EVENT_DEPTH_MAX deep.
 */
#ifndef APM2_MSGPACK_JSON_H
#define APM2_MSGPACK_JSON_H

#include <jansson.h>

#include "common/buf.h"
#include "common/err.h"

/* Appends the value's msgpack. BAD_INPUT: a fraction; TOO_LARGE: too deep, or over the
 * buffer's maximum. */
WARN_UNUSED enum apm_err msgpack_of_json(const json_t *value, struct buf *ret_bytes);

/* A new reference; NULL when the bytes are not one msgpack value of these kinds. */
json_t *json_of_msgpack(struct span bytes);

#endif
