/*
 * output_json - answers for programs: one JSON value on stdout.
 */
#ifndef APM2_CLI_OUTPUT_JSON_H
#define APM2_CLI_OUTPUT_JSON_H

#include <jansson.h>

/* Members in the order they were made; indented by two. */
void output_json(const json_t *value);

/* One line, for streams. */
void output_json_line(const json_t *value);

#endif
