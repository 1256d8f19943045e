#include "services/cli/output_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/must.h"

#define FIELD_COLUMNS 22

void table_init(struct table *table, const char *const *headers, uint32_t n_columns)
{
    MUST(n_columns <= TABLE_COLUMNS_MAX);
    *table = (struct table){.n_columns = n_columns};
    for (uint32_t i = 0; i < n_columns; i++)
        table->headers[i] = headers[i];
}

void table_add(struct table *table, const char *const *cells)
{
    if (table->n_rows == table->capacity) {
        table->capacity = table->capacity == 0 ? 16 : table->capacity * 2;
        table->cells =
            mem_resize(table->cells, sizeof(*table->cells) * table->capacity * table->n_columns);
    }
    for (uint32_t i = 0; i < table->n_columns; i++)
        (void)snprintf(table->cells[table->n_rows * table->n_columns + i], CELL_BYTES_MAX, "%s",
                       cells[i]);
    table->n_rows++;
}

static void print_row(const struct table *table, const int *widths, uint32_t row)
{
    for (uint32_t i = 0; i < table->n_columns; i++) {
        const char *cell =
            row == UINT32_MAX ? table->headers[i] : table->cells[row * table->n_columns + i];
        bool is_last = i + 1 == table->n_columns;
        (void)printf("%-*s%s", is_last ? 0 : widths[i], cell, is_last ? "\n" : "  ");
    }
}

void table_print(struct table *table)
{
    int widths[TABLE_COLUMNS_MAX];
    for (uint32_t i = 0; i < table->n_columns; i++) {
        widths[i] = (int)strlen(table->headers[i]);
        for (uint32_t row = 0; row < table->n_rows; row++) {
            int n = (int)strlen(table->cells[row * table->n_columns + i]);
            widths[i] = n > widths[i] ? n : widths[i];
        }
    }
    print_row(table, widths, UINT32_MAX);
    for (uint32_t row = 0; row < table->n_rows; row++)
        print_row(table, widths, row);
    free(table->cells);
    table->cells = NULL;
}

void print_field(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)printf("%-*s", FIELD_COLUMNS, name);
    (void)vprintf(format, args);
    (void)fputc('\n', stdout);
    va_end(args);
}

uint64_t json_u64(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

bool json_flag(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

void scalar_text(const json_t *value, char out[SCALAR_BYTES])
{
    if (json_is_string(value))
        (void)snprintf(out, SCALAR_BYTES, "%s", json_string_value(value));
    else if (json_is_integer(value))
        (void)snprintf(out, SCALAR_BYTES, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(out, SCALAR_BYTES, "%.2f", json_real_value(value));
    else if (json_is_boolean(value))
        (void)snprintf(out, SCALAR_BYTES, "%s", json_is_true(value) ? "yes" : "no");
    else
        (void)snprintf(out, SCALAR_BYTES, "-");
}

void age_text(uint64_t age_ms, char out[32])
{
    uint64_t s = age_ms / 1000;
    if (s < 2)
        (void)snprintf(out, 32, "just now");
    else if (s < 120)
        (void)snprintf(out, 32, "%llus ago", (unsigned long long)s);
    else if (s < 7200)
        (void)snprintf(out, 32, "%llum ago", (unsigned long long)(s / 60));
    else
        (void)snprintf(out, 32, "%lluh ago", (unsigned long long)(s / 3600));
}
