/*
 * output_text - answers for people: aligned tables and lists of names and values.
 *
 * A table is printed in one go by table_print, so that columns fit their content.
 * Cells are cut at CELL_BYTES_MAX.
 */
#ifndef APM2_CLI_OUTPUT_TEXT_H
#define APM2_CLI_OUTPUT_TEXT_H

#include <jansson.h>

#include "services/cli/command.h"

#define TABLE_COLUMNS_MAX 10u
#define CELL_BYTES_MAX 80u

struct table {
    uint32_t n_columns;
    uint32_t n_rows, capacity;
    const char *headers[TABLE_COLUMNS_MAX];
    char (*cells)[CELL_BYTES_MAX]; /* row by row */
};

/* Headers are given in upper case: the words below them are not (grep "leader"). */
void table_init(struct table *table, const char *const *headers, uint32_t n_columns);
/* One row: as many texts as columns. */
void table_add(struct table *table, const char *const *cells);
/* Prints and releases. */
void table_print(struct table *table);

/* "name   value" */
void print_field(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Members of an answer; 0, "" or false when absent. */
uint64_t json_u64(const json_t *object, const char *name);
const char *json_text(const json_t *object, const char *name);
bool json_flag(const json_t *object, const char *name);

/* A scalar as text: numbers, booleans, strings; "-" for null and absent. */
#define SCALAR_BYTES 80u
void scalar_text(const json_t *value, char out[SCALAR_BYTES]);

/* "just now", "4m ago" for milliseconds since; "-" for 0. */
void age_text(uint64_t age_ms, char out[32]);

#endif
