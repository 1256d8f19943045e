/*
 * admin_json - the JSON of a query's arguments and of its answer.
 */
#ifndef APM2_ADMIN_JSON_H
#define APM2_ADMIN_JSON_H

#include <jansson.h>

#include "common/buf.h"
#include "common/err.h"

/* A new reference; NULL when there are none, or none that can be read. */
json_t *admin_args(struct span args);

/* Prints the body into the answer and lets it go. TOO_LARGE: it does not fit. */
WARN_UNUSED enum apm_err admin_body(json_t *body, struct buf *ret_body);

#endif
