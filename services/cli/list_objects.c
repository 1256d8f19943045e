#include "services/cli/list_objects.h"

#include <ctype.h>
#include <stdio.h>

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

/* "expires_ms" -> "EXPIRES MS" */
static void header_text(const char *column, char out[SCALAR_BYTES])
{
    (void)snprintf(out, SCALAR_BYTES, "%s", column);
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
        for (uint32_t j = 0; j < list->n_columns; j++)
            cell_text(json_object_get(json_array_get(objects, i), list->columns[j]), texts[j]);
        table_add(&table, cells);
    }
    table_print(&table);
}

int list_objects(const struct invocation *invocation, const struct object_list *list)
{
    struct complaint complaint = {0};
    const char *space = invocation->option[OPTION_namespace];
    json_t *args = json_pack("{s:s}", "namespace", space != NULL ? space : "kernel");
    json_t *body = NULL;
    if (list->filter != NULL)
        (void)json_object_set_new(args, list->filter_name, json_string(list->filter));
    enum apm_err err = ask(invocation, list->verb, args, &body, &complaint);
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
