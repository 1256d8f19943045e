/*
 * canonical_json - RFC 8785 form of jansson values, for hashing and signing.
 *
 * The subset we use: null, booleans, integers within +-(2^53 - 1), strings,
 * arrays, objects. Reals are refused: nothing we sign holds one. Keys are sorted
 * by UTF-16 code units. Nesting at most CANONICAL_JSON_DEPTH_MAX.
 */
#ifndef APM2_CANONICAL_JSON_H
#define APM2_CANONICAL_JSON_H

#include <jansson.h>

#include "common/explain.h"
#include "common/ids.h"
#include "common/limits.h"

#define CANONICAL_JSON_DEPTH_MAX 64u
#define CANONICAL_JSON_BYTES_MAX (16u * MIB)

/* ret_text is malloc'ed, ret_size bytes and a final zero that does not count.
 * BAD_INPUT: a real, an integer out of range, too deep, too long. */
WARN_UNUSED enum apm_err canonical_json(const json_t *value, char **ret_text, size_t *ret_size);

/* The same without the object's member `leave_out` (NULL for none). */
WARN_UNUSED enum apm_err canonical_json_without(const json_t *object, const char *leave_out,
                                                char **ret_text, size_t *ret_size);

/* Reads one JSON text of at most size_max bytes from a file: no duplicate keys. */
WARN_UNUSED enum apm_err json_read_file(const char *path, size_t size_max, json_t **ret_value,
                                        struct why *ret_why);

/* Writes the canonical form and a newline into a new file of this mode, synced;
 * BUSY if it exists. Nothing is left behind on failure. */
WARN_UNUSED enum apm_err json_write_file(const char *path, const json_t *value, int mode,
                                         struct why *ret_why);

#endif
