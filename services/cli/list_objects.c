#include "services/cli/list_objects.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"

static void cell_text(const json_t *value, char out[SCALAR_BYTES])
{
    size_t i = 0, size = 0;
    json_t *item = NULL;
    if (!json_is_array(value)) {
        scalar_text(value, out);
        return;
    }
    out[0] = 0;
    json_array_foreach(value, i, item)
    {
        char text[SCALAR_BYTES];
        scalar_text(item, text);
        int n = snprintf(out + size, SCALAR_BYTES - size, "%s%s", i > 0 ? "," : "", text);
        if (n < 0 || size + (size_t)n >= SCALAR_BYTES)
            return;
        size += (size_t)n;
    }
}

static bool is_time(const char *column)
{
    size_t n = strlen(column);
    return n > 3 && strcmp(column + n - 3, "_ms") == 0;
}

/* The chain's clock, as 2026-11-24T07:04:07Z. */
static void time_text(const json_t *value, char out[SCALAR_BYTES])
{
    struct tm parts;
    time_t seconds = (time_t)(json_integer_value(value) / 1000);
    if (seconds == 0)
        (void)snprintf(out, SCALAR_BYTES, "never");
    else if (gmtime_r(&seconds, &parts) == NULL ||
             strftime(out, SCALAR_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        scalar_text(value, out);
}

/* "resource_prefix" -> "RESOURCE PREFIX", "expires_ms" -> "EXPIRES" */
static void header_text(const char *column, char out[SCALAR_BYTES])
{
    size_t n = strlen(column) - (is_time(column) ? 3 : 0);
    (void)snprintf(out, SCALAR_BYTES, "%.*s", (int)n, column);
    for (char *c = out; *c != 0; c++)
        *c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
}

static void print_table(const struct object_list *list, const json_t *objects)
{
    char header_texts[TABLE_COLUMNS_MAX][SCALAR_BYTES], texts[TABLE_COLUMNS_MAX][SCALAR_BYTES];
    const char *headers[TABLE_COLUMNS_MAX], *cells[TABLE_COLUMNS_MAX];
    struct table table;
    size_t n = json_array_size(objects);

    for (uint32_t j = 0; j < list->n_columns; j++) {
        header_text(list->columns[j], header_texts[j]);
        headers[j] = header_texts[j];
        cells[j] = texts[j];
    }
    table_init(&table, headers, list->n_columns);
    for (size_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < list->n_columns; j++) {
            const json_t *value = json_object_get(json_array_get(objects, i), list->columns[j]);
            (is_time(list->columns[j]) ? time_text : cell_text)(value, texts[j]);
        }
        table_add(&table, cells);
    }
    table_print(&table);
}

/* One page after the other, until an answer names no `next`. ret_body is the last answer
 * with the objects of all of them. */
static enum apm_err ask_all(const struct invocation *invocation, const struct object_list *list,
                            json_t *args, json_t **ret_body, struct complaint *complaint)
{
    json_t *all = json_array();

    for (;;) {
        json_t *page = NULL;
        const struct request request = {list->service, list->verb, args};
        enum apm_err err = ask_service(invocation, &request, &page, complaint);
        if (err != APM_OK) {
            json_decref(all);
            return err;
        }
        (void)json_array_extend(all, json_object_get(page, list->verb));
        json_t *next = json_object_get(page, "next");
        if (next == NULL) {
            (void)json_object_set_new(page, list->verb, all);
            *ret_body = page;
            return APM_OK;
        }
        (void)json_object_set(args, "cursor", next);
        json_decref(page);
    }
}

int list_objects(const struct invocation *invocation, const struct object_list *list)
{
    struct complaint complaint = {0};
    const char *space = invocation->option[OPTION_namespace];
    json_t *args = json_pack("{s:s}", "namespace", space != NULL ? space : "kernel");
    json_t *body = NULL;
    if (list->filter != NULL)
        (void)json_object_set_new(args, list->filter_name, json_string(list->filter));
    enum apm_err err = ask_all(invocation, list, args, &body, &complaint);
    json_decref(args);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);

    const json_t *objects = json_object_get(body, list->verb);
    if (list->filter != NULL && json_array_size(objects) == 0) {
        json_decref(body);
        (void)complain(&complaint, APM_ERR_NOT_FOUND, "no %s \"%s\"", list->filter_name,
                       list->filter);
        return say_complaint(invocation, &complaint);
    }
    if (say_is_json(invocation))
        output_json(body);
    else
        print_table(list, objects);
    json_decref(body);
    return 0;
}
