#include <stdio.h>

#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"

static void print_peers(const json_t *peers)
{
    static const char *const columns[] = {"peer", "state", "strikes", "last_strike"};
    static const char *const headers[] = {"PEER", "STATE", "STRIKES", "LAST STRIKE"};
    char texts[N_ELEMENTS(columns)][SCALAR_BYTES];
    const char *cells[N_ELEMENTS(columns)];
    struct table table;
    size_t i = 0;
    json_t *row = NULL;

    table_init(&table, headers, N_ELEMENTS(headers));
    json_array_foreach((json_t *)(uintptr_t)peers, i, row)
    {
        for (size_t j = 0; j < N_ELEMENTS(columns); j++) {
            scalar_text(json_object_get(row, columns[j]), texts[j]);
            cells[j] = texts[j];
        }
        table_add(&table, cells);
    }
    table_print(&table);
}

static void print_text(const json_t *body)
{
    const json_t *run = json_object_get(body, "catch_up");
    const json_t *last = json_object_get(run, "last");

    print_field("node", "%s", json_text(body, "node"));
    print_field("feeds", "%llu", (unsigned long long)json_u64(body, "feeds"));
    print_field("records", "%llu", (unsigned long long)json_u64(body, "records"));
    if (json_flag(run, "is_active"))
        print_field("catching_up", "at %llu of %llu", (unsigned long long)json_u64(run, "height"),
                    (unsigned long long)json_u64(run, "tip"));
    else if (json_u64(last, "blocks") > 0)
        print_field("caught_up", "%llu blocks, %llu bytes in %llu ms",
                    (unsigned long long)json_u64(last, "blocks"),
                    (unsigned long long)json_u64(last, "bytes"),
                    (unsigned long long)json_u64(last, "took_ms"));
    print_peers(json_object_get(body, "peers"));
}

int cmd_sync_status(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    const struct request request = {"anti-entropy", "status", NULL};
    json_t *body = NULL;

    if (ask_service(invocation, &request, &body, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation))
        output_json(body);
    else
        print_text(body);
    json_decref(body);
    return 0;
}
