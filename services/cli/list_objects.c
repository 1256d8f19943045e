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

static void print_table(const struct object_list *list, const json_t *objects)
{
    char headers[TABLE_COLUMNS_MAX][32], cells[TABLE_COLUMNS_MAX][SCALAR_BYTES];
    const char *header[TABLE_COLUMNS_MAX], *cell[TABLE_COLUMNS_MAX];
    struct table table;
    size_t i = 0;
    json_t *object = NULL;

    for (uint32_t j = 0; j < list->n_columns; j++) {
        (void)snprintf(headers[j], sizeof(headers[j]), "%s", list->columns[j]);
        for (char *c = headers[j]; *c != 0; c++)
            *c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
        header[j] = headers[j];
        cell[j] = cells[j];
    }
    table_init(&table, header, list->n_columns);
    json_array_foreach(objects, i, object)
    {
        for (uint32_t j = 0; j < list->n_columns; j++)
            cell_text(json_object_get(object, list->columns[j]), cells[j]);
        table_add(&table, cell);
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
