#include <stdio.h>

#include "common/log.h"
#include "services/cli/observation.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"
#include "services/cli/parse_value.h"

#define ROWS_MAX 1000000u

/* Takes one page into the array; false after the last. */
static enum apm_err take_page(struct span frame, json_t *all, struct wire_observe_list *list,
                              bool *ret_is_end, struct complaint *complaint)
{
    struct wire_observe_page page;
    struct observed observed;
    struct span item;
    size_t cursor = 0;

    if (wire_decode_as(WIRE_observe_page, frame, &page) != WIRE_OK)
        return complain(complaint, APM_ERR_FAILED, "the answer is no answer");
    enum apm_err err = observation_error(page.error, page.detail, complaint);
    if (err != APM_OK)
        return err;
    while (blobs_next(&page.records, &cursor, &item))
        if (observed_decode(item, &observed))
            (void)json_array_append_new(all, observation_to_json(&observed));
    list->after = page.next;
    list->limit -= page.records.n < list->limit ? page.records.n : list->limit;
    *ret_is_end = page.is_end != 0 || list->limit == 0;
    return APM_OK;
}

static enum apm_err ask_all(const struct invocation *invocation, struct wire_observe_list *list,
                            json_t *all, struct complaint *complaint)
{
    const struct observation_question question = {WIRE_observe_list, list, WIRE_observe_page};
    enum apm_err err = APM_OK;
    bool is_end = false;
    struct buf frame;

    buf_init(&frame, FRAME_BYTES_MAX);
    while (err == APM_OK && !is_end) {
        buf_clear(&frame);
        err = observation_ask(invocation, &question, &frame, complaint);
        if (err == APM_OK)
            err = take_page(buf_span(&frame), all, list, &is_end, complaint);
    }
    buf_release(&frame);
    return err;
}

static void print_table(const json_t *all)
{
    static const char *const columns[] = {"cursor", "author", "seq",    "namespace",
                                          "kind",   "id",     "payload"};
    static const char *const headers[] = {"CURSOR", "AUTHOR", "SEQ",    "NAMESPACE",
                                          "KIND",   "ID",     "PAYLOAD"};
    char texts[N_ELEMENTS(columns)][SCALAR_BYTES];
    const char *cells[N_ELEMENTS(columns)];
    struct table table;
    size_t i = 0;
    json_t *row = NULL;

    table_init(&table, headers, N_ELEMENTS(headers));
    json_array_foreach((json_t *)(uintptr_t)all, i, row)
    {
        for (size_t j = 0; j + 1 < N_ELEMENTS(columns); j++) {
            scalar_text(json_object_get(row, columns[j]), texts[j]);
            cells[j] = texts[j];
        }
        char *payload = json_dumps(json_object_get(row, "payload"), JSON_COMPACT | JSON_ENCODE_ANY);
        cells[N_ELEMENTS(columns) - 1] = payload != NULL ? payload : "";
        table_add(&table, cells);
        free(payload);
    }
    table_print(&table);
}

static struct span filter(const struct invocation *invocation, enum option option)
{
    const char *text = invocation->option[option];
    return log_text(text != NULL ? text : "");
}

int cmd_observe_list(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct wire_observe_list list = {
        .limit = ROWS_MAX,
        .space = filter(invocation, OPTION_namespace),
        .kind = filter(invocation, OPTION_kind),
        .key = filter(invocation, OPTION_id),
    };
    json_t *all = json_array();

    enum apm_err err =
        parse_u64(invocation, OPTION_after, (struct bounds){0, INT64_MAX}, &list.after, &complaint);
    if (err == APM_OK)
        err = parse_u64(invocation, OPTION_limit, (struct bounds){1, ROWS_MAX}, &list.limit,
                        &complaint);
    if (err == APM_OK)
        err = ask_all(invocation, &list, all, &complaint);
    if (err == APM_OK && say_is_json(invocation)) {
        json_t *body = json_pack("{s:O, s:I}", "observations", all, "next", (json_int_t)list.after);
        output_json(body);
        json_decref(body);
    } else if (err == APM_OK) {
        print_table(all);
    }
    json_decref(all);
    return err == APM_OK ? 0 : say_complaint(invocation, &complaint);
}
