#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"

/* "n1, n2"; "nobody". */
static void print_names(const char *label, const json_t *names)
{
    char text[512] = "nobody";
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(names) && used < sizeof(text); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        int n = snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? ", " : "",
                         name != NULL ? name : "?");
        used += n > 0 ? (size_t)n : 0;
    }
    print_field(label, "%s", text);
}

static void print_block(const json_t *block)
{
    bool is_certified = json_flag(block, "certified");

    if (!json_is_object(block))
        return;
    print_field("block", "%llu, by %s at term %llu, seq %llu",
                (unsigned long long)json_u64(block, "height"), json_text(block, "author"),
                (unsigned long long)json_u64(block, "term"),
                (unsigned long long)json_u64(block, "seq"));
    print_names("voted", json_object_get(block, "voted"));
    print_names("not voted", json_object_get(block, "not_voted"));
    if (!is_certified)
        return;
    print_names("commit voted", json_object_get(block, "commit_voted"));
    print_names("not commit voted", json_object_get(block, "not_commit_voted"));
}

static void print_text(const json_t *why)
{
    uint64_t since_ms = json_u64(why, "since_ms"), now_ms = clock_wall_ms();
    char age[32];

    (void)printf("%s\n", json_text(why, "summary"));
    print_field("waiting for", "%s", json_text(why, "waiting_for"));
    if (since_ms > 0) {
        age_text(now_ms > since_ms ? now_ms - since_ms : 0, age);
        print_field("since", "%s", age);
    }
    print_field("height", "%llu", (unsigned long long)json_u64(why, "height"));
    print_field("leader", "%s, term %llu", json_text(why, "leader_id"),
                (unsigned long long)json_u64(why, "term"));
    print_field("pending", "%llu bundles", (unsigned long long)json_u64(why, "pending"));
    print_names("silent", json_object_get(why, "silent"));
    if (json_array_size(json_object_get(why, "timed_out")) > 0)
        print_names("want a new term", json_object_get(why, "timed_out"));
    print_block(json_object_get(why, "block"));
}

int cmd_consensus_why(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *why = NULL;

    if (ask(invocation, "why", NULL, &why, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation))
        output_json(why);
    else
        print_text(why);
    json_decref(why);
    return 0;
}
