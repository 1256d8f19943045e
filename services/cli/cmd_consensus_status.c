#include <stdio.h>

#include "common/clock.h"
#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"

static void print_scalar(const json_t *status, const char *name)
{
    char text[SCALAR_BYTES];
    scalar_text(json_object_get(status, name), text);
    print_field(name, "%s", text);
}

static bool is_plain(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static void age_since(const json_t *peer, const char *name, char out[32])
{
    uint64_t then_ms = json_u64(peer, name), now_ms = clock_wall_ms();
    age_text(now_ms > then_ms ? now_ms - then_ms : 0, out);
}

/* "n3  active, heard just now, rejoined 4m ago, height 812, rtt 1 ms, clock +3 ms" */
static void print_peer(const json_t *peer, const char *label)
{
    char text[200], heard[32] = "", rejoined[32] = "";
    const json_t *rtt = json_object_get(peer, "rtt_ms");
    bool was_heard = json_u64(peer, "last_seen_ms") > 0;
    bool has_rejoined = json_u64(peer, "rejoined_ms") > 0;
    bool is_measured = json_is_integer(rtt);

    age_since(peer, "last_seen_ms", heard);
    age_since(peer, "rejoined_ms", rejoined);
    (void)snprintf(text, sizeof(text), "%s, %s%s%s%s, height %llu",
                   json_flag(peer, "active") ? "active" : "NOT active",
                   was_heard ? "heard " : "never heard", was_heard ? heard : "",
                   has_rejoined ? ", rejoined " : "", has_rejoined ? rejoined : "",
                   (unsigned long long)json_u64(peer, "height"));
    if (is_measured)
        print_field(label, "%s  %s, rtt %lld ms, clock %+lld ms", json_text(peer, "id"), text,
                    (long long)json_integer_value(rtt),
                    (long long)json_integer_value(json_object_get(peer, "clock_offset_ms")));
    else
        print_field(label, "%s  %s", json_text(peer, "id"), text);
}

static void print_more(const json_t *status, const char *name, const json_t *value)
{
    const char *trouble = json_text(status, "database");
    if (json_object_get(value, "seq") != NULL) {
        print_field(name, "%llu.%llu.%llu", (unsigned long long)json_u64(value, "epoch"),
                    (unsigned long long)json_u64(value, "term"),
                    (unsigned long long)json_u64(value, "seq"));
    } else if (strcmp(name, "database") == 0) {
        print_field(name, "%s", trouble[0] != 0 ? trouble : "ok");
    } else if (json_is_object(value) || json_is_array(value)) {
        char *text = json_dumps(value, JSON_COMPACT);
        print_field(name, "%s", text != NULL ? text : "");
        free(text);
    } else {
        print_scalar(status, name);
    }
}

static void print_text(const json_t *status, bool is_verbose)
{
    static const char *const names[] = {
        "node_id",    "health",          "epoch",
        "term",       "round",           "height",
        "leader_id",  "is_leader",       "last_committed_hash",
        "state_root", "executed_height", "pending",
    };
    static const char *const quorum[] = {
        "validator_count", "active_validators", "quorum_threshold",
        "quorum_met",      "reasons",           "peers",
    };
    const char *name = NULL;
    json_t *value = NULL, *reason = NULL, *peer = NULL;
    size_t i = 0;

    for (size_t j = 0; j < N_ELEMENTS(names); j++)
        print_scalar(status, names[j]);
    print_field("validators", "%llu of %llu active, quorum %llu: %s",
                (unsigned long long)json_u64(status, "active_validators"),
                (unsigned long long)json_u64(status, "validator_count"),
                (unsigned long long)json_u64(status, "quorum_threshold"),
                json_flag(status, "quorum_met") ? "met" : "NOT met");
    json_array_foreach(json_object_get(status, "reasons"), i, reason)
        print_field(i == 0 ? "reasons" : "", "%s", json_string_value(reason));
    if (!is_verbose)
        return;
    json_object_foreach((json_t *)(uintptr_t)status, name, value)
    {
        if (is_plain(name, names, N_ELEMENTS(names)) || is_plain(name, quorum, N_ELEMENTS(quorum)))
            continue;
        print_more(status, name, value);
    }
    json_array_foreach(json_object_get(status, "peers"), i, peer)
        print_peer(peer, i == 0 ? "peers" : "");
}

int cmd_consensus_status(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    bool is_verbose = has_option(invocation, OPTION_verbose);
    json_t *args = json_pack("{s:b}", "verbose", is_verbose);
    json_t *status = NULL;

    enum apm_err err = ask(invocation, "status", args, &status, &complaint);
    json_decref(args);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    if (say_is_json(invocation))
        output_json(status);
    else
        print_text(status, is_verbose);
    bool is_healthy = strcmp(json_text(status, "health"), "healthy") == 0;
    json_decref(status);
    return is_healthy ? 0 : apm_err_exit(APM_ERR_UNHEALTHY);
}
