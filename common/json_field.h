/*
 * json_field - one member of a jansson object, of one form, or false.
 *
 * For documents that people edit: what is missing, of another type or out of
 * bounds is refused, and the caller names the field.
 */
#ifndef APM2_JSON_FIELD_H
#define APM2_JSON_FIELD_H

#include <jansson.h>

#include "common/ids.h"

/* A string of 1..capacity - 1 bytes without zeros, copied with its final zero. */
bool json_field_text(const json_t *object, const char *name, char *ret_text, size_t capacity);
/* Exactly 2 * size hex digits. */
bool json_field_hex(const json_t *object, const char *name, size_t size, void *ret_bytes);
bool json_hex(const json_t *value, size_t size, void *ret_bytes);
/* A non-negative integer. */
bool json_field_u64(const json_t *object, const char *name, uint64_t max, uint64_t *ret_value);
/* 1..65535. */
bool json_field_port(const json_t *object, const char *name, uint16_t *ret_port);

/* A new string of lower-case hex, at most 64 bytes of input. */
json_t *json_of_hex(const void *bytes, size_t size);

#endif
