/*
 * json_read - jansson for texts from outside, with a bound on what they cost.
 *
 * Every value of a JSON text takes an object of the library's, however short it is
 * written: "[[[[..." or "{},{},..." takes a hundred times its own size. The text is
 * weighed before it is parsed, and refused when it would take more than
 * JSON_COST_PER_BYTE times its size and JSON_COST_BASE. What people write is far below.
 */
#ifndef APM2_JSON_READ_H
#define APM2_JSON_READ_H

#include <jansson.h>

#include "common/explain.h"
#include "common/ids.h"

#define JSON_COST_PER_BYTE 7u
#define JSON_COST_BASE 49152u

/* A new reference. BAD_INPUT: not JSON, or a member twice; TOO_LARGE: see above. */
WARN_UNUSED enum apm_err json_read(struct span text, json_t **ret_json, struct why *ret_why);

#endif
