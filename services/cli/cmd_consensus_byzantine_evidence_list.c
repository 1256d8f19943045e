#include <stdio.h>
#include <unistd.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"
#include "services/cli/parse_value.h"

#define PAGE_ROWS 500u
#define TERMINAL_ROWS 100u
#define ROWS_MAX 1000000u

/* Into a file goes everything, as JSON: the runbook saves it before anything else. */
static bool is_saved(void)
{
    return isatty(STDOUT_FILENO) != 1;
}

static json_t *page_args(const struct invocation *invocation, uint64_t room, const json_t *next)
{
    json_t *args = json_pack("{s:I}", "limit", (json_int_t)(room < PAGE_ROWS ? room : PAGE_ROWS));
    const char *fault_type = invocation->option[OPTION_fault_type];

    if (fault_type != NULL)
        (void)json_object_set_new(args, "fault_type", json_string(fault_type));
    if (next != NULL)
        (void)json_object_set_new(args, "before", json_integer(json_integer_value(next)));
    return args;
}

/* Page by page; ret_body is the last answer with the rows of all of them. */
static enum apm_err ask_all(const struct invocation *invocation, uint64_t limit, json_t **ret_body,
                            struct complaint *complaint)
{
    json_t *all = json_array();
    json_t *page = NULL;

    for (;;) {
        json_t *args =
            page_args(invocation, limit - json_array_size(all), json_object_get(page, "next"));
        const struct request request = {"byzantine-monitor", "evidence_list", args};
        json_decref(page);
        page = NULL;
        enum apm_err err = ask_service(invocation, &request, &page, complaint);
        json_decref(args);
        if (err != APM_OK) {
            json_decref(all);
            return err;
        }
        (void)json_array_extend(all, json_object_get(page, "evidence"));
        if (json_object_get(page, "next") == NULL || json_array_size(all) >= limit)
            break;
    }
    (void)json_object_set_new(page, "evidence", all);
    (void)json_object_del(page, "next");
    (void)json_object_set_new(page, "truncated",
                              json_boolean(json_array_size(all) < json_u64(page, "total")));
    *ret_body = page;
    return APM_OK;
}

static void add_row(struct table *table, const json_t *row)
{
    char round[SCALAR_BYTES], count[SCALAR_BYTES], id[17];

    scalar_text(json_object_get(row, "round"), round);
    scalar_text(json_object_get(row, "count"), count);
    (void)snprintf(id, sizeof(id), "%s", json_text(row, "id"));
    table_add(table, (const char *[]){id, json_text(row, "timestamp"), json_text(row, "fault_type"),
                                      json_text(row, "validator_id"), round, count,
                                      json_flag(row, "attributable") ? "yes" : "no",
                                      json_flag(row, "acknowledged") ? "yes" : "no"});
}

static void print_text(const json_t *body)
{
    static const char *const headers[] = {"ID",    "TIME",  "FAULT TYPE", "VALIDATOR",
                                          "ROUND", "COUNT", "PROVEN",     "ACKNOWLEDGED"};
    struct table table;
    size_t i = 0;
    json_t *row = NULL;

    table_init(&table, headers, N_ELEMENTS(headers));
    json_array_foreach(json_object_get(body, "evidence"), i, row) add_row(&table, row);
    table_print(&table);
    (void)printf("%zu of %llu shown, %llu unacknowledged\n",
                 json_array_size(json_object_get(body, "evidence")),
                 (unsigned long long)json_u64(body, "total"),
                 (unsigned long long)json_u64(body, "unacknowledged"));
}

int cmd_consensus_byzantine_evidence_list(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    uint64_t limit = is_saved() ? ROWS_MAX : TERMINAL_ROWS;
    json_t *body = NULL;

    enum apm_err err =
        parse_u64(invocation, OPTION_limit, (struct bounds){1, ROWS_MAX}, &limit, &complaint);
    if (err == APM_OK)
        err = ask_all(invocation, limit, &body, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation) || is_saved())
        output_json(body);
    else
        print_text(body);
    json_decref(body);
    return 0;
}
