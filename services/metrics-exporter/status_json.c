#include "services/metrics-exporter/status_json.h"

#include <inttypes.h>
#include <math.h>

#include "common/log.h"

/* Between what stands side by side; not after what opens. */
static void separate(struct buf *json)
{
    char last = json->size > 0 ? (char)json->data[json->size - 1] : '{';

    if (last != '{' && last != '[')
        buf_char(json, ',');
}

static void put_name(struct buf *json, const char *name)
{
    separate(json);
    buf_printf(json, "\"%s\":", name);
}

static void open_in(struct buf *json, const char *name, char bracket)
{
    put_name(json, name);
    buf_char(json, bracket);
}

static void open_item(struct buf *json)
{
    separate(json);
    buf_char(json, '{');
}

static void put_text(struct buf *json, const char *name, const char *text)
{
    put_name(json, name);
    buf_json_string(json, log_text(text));
}

static void put_u64(struct buf *json, const char *name, uint64_t value)
{
    put_name(json, name);
    buf_printf(json, "%" PRIu64, value);
}

static void put_flag(struct buf *json, const char *name, bool value)
{
    put_name(json, name);
    buf_text(json, value ? "true" : "false");
}

/* In a list. */
static void put_number(struct buf *json, uint64_t value)
{
    separate(json);
    buf_printf(json, "%" PRIu64, value);
}

static void put_null(struct buf *json, const char *name)
{
    put_name(json, name);
    buf_text(json, "null");
}

static void put_ms(struct buf *json, double seconds)
{
    separate(json);
    if (isfinite(seconds))
        buf_printf(json, "%.3f", seconds * 1e3);
    else
        buf_text(json, "null");
}

static void put_reasons(struct buf *json, const struct verdict *verdict)
{
    open_in(json, "reasons", '[');
    for (uint32_t i = 0; i < verdict->n; i++) {
        const struct verdict_reason *reason = &verdict->reasons[i];
        open_item(json);
        put_text(json, "level", verdict_word(reason->level));
        put_text(json, "text", reason->text);
        if (reason->command != NULL)
            put_text(json, "command", reason->command);
        buf_char(json, '}');
    }
    buf_char(json, ']');
}

static void put_service(struct buf *json, enum sibling which, const struct service_view *view)
{
    open_item(json);
    put_text(json, "service", sibling_table[which].name);
    put_flag(json, "up", view->is_up);
    put_flag(json, "ready", view->is_ready);
    put_text(json, "detail", view->is_up && !view->is_ready ? view->detail : "");
    put_u64(json, "pid", view->is_up ? view->pid : 0);
    put_u64(json, "uptime_ms", view->is_up ? view->uptime_ms : 0);
    put_text(json, "version", view->version);
    buf_char(json, '}');
}

static void put_services(struct buf *json, const struct snapshot *snapshot)
{
    open_in(json, "services", '[');
    for (enum sibling i = 0; i < SIBLINGS_N; i++)
        put_service(json, i, &snapshot->services[i]);
    buf_char(json, ']');
}

static void put_validator(struct buf *json, const struct validator_view *view, uint32_t index)
{
    open_item(json);
    put_text(json, "id", view->id);
    put_u64(json, "index", index);
    put_text(json, "role", view->is_leader ? "leader" : "follower");
    put_flag(json, "self", view->is_self);
    put_flag(json, "active", view->is_active);
    put_u64(json, "last_seen_ms", view->last_seen_ms);
    put_u64(json, "height", view->height);
    put_u64(json, "missed_votes", view->n_missed);
    if (view->is_measured) {
        put_u64(json, "rtt_ms", view->rtt_ms);
        put_name(json, "clock_offset_ms");
        buf_printf(json, "%" PRId64, view->clock_offset_ms);
    } else {
        put_null(json, "rtt_ms");
        put_null(json, "clock_offset_ms");
    }
    put_text(json, "votes", view->votes);
    buf_char(json, '}');
}

static void put_strip(struct buf *json, const struct consensus_view *view)
{
    put_u64(json, "first_height", view->first_height);
    open_in(json, "terms", '[');
    for (uint32_t i = 0; i < view->n_heights; i++)
        put_number(json, view->terms[i]);
    buf_char(json, ']');
    open_in(json, "authors", '[');
    for (uint32_t i = 0; i < view->n_heights; i++)
        put_number(json, view->authors[i]);
    buf_char(json, ']');
}

static void put_consensus(struct buf *json, const struct consensus_view *view)
{
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {{"epoch", view->epoch},
                   {"term", view->term},
                   {"height", view->height},
                   {"executed_height", view->executed_height},
                   {"pending", view->pending},
                   {"validator_count", view->n_validators},
                   {"active_validators", view->n_active},
                   {"quorum_threshold", view->quorum}};

    open_in(json, "consensus", '{');
    put_text(json, "health", view->health);
    for (size_t i = 0; i < N_ELEMENTS(figures); i++)
        put_u64(json, figures[i].name, figures[i].value);
    put_text(json, "leader_id", view->leader);
    put_text(json, "last_committed_hash", view->last_hash);
    put_text(json, "waiting_for", view->waiting_for);
    put_text(json, "why", view->why);
    open_in(json, "validators", '[');
    for (uint32_t i = 0; i < view->n_validators; i++)
        put_validator(json, &view->validators[i], i);
    buf_char(json, ']');
    open_in(json, "votes", '{');
    put_strip(json, view);
    buf_text(json, "}}");
}

static void put_evidence(struct buf *json, const struct evidence_view *view)
{
    open_in(json, "evidence", '{');
    put_u64(json, "unacknowledged", view->n_unacknowledged);
    put_u64(json, "equivocation", view->n_equivocation);
    put_u64(json, "invalid_signature", view->n_invalid_signature);
    put_u64(json, "quorum_forgery", view->n_quorum_forgery);
    put_u64(json, "replay", view->n_replay);
    open_in(json, "newest", '[');
    for (uint32_t i = 0; i < view->n_items; i++) {
        open_item(json);
        put_text(json, "id", view->items[i].id);
        put_text(json, "fault_type", view->items[i].fault_type);
        put_text(json, "validator_id", view->items[i].validator);
        buf_char(json, '}');
    }
    buf_text(json, "]}");
}

/* Oldest first, one array per line of the page. */
static void put_series(struct buf *json, const struct history *history, const char *name,
                       void (*put)(struct buf *json, const struct history_bin *bin))
{
    open_in(json, name, '[');
    for (uint32_t age = history_n(history); age > 0; age--) {
        put(json, history_at(history, age - 1));
    }
    buf_char(json, ']');
}

static void put_p50(struct buf *json, const struct history_bin *bin)
{
    put_ms(json, history_latency(bin, 0.50));
}

static void put_p99(struct buf *json, const struct history_bin *bin)
{
    put_ms(json, history_latency(bin, 0.99));
}

static void put_commits(struct buf *json, const struct history_bin *bin)
{
    put_number(json, bin->commits);
}

static void put_elections(struct buf *json, const struct history_bin *bin)
{
    put_number(json, bin->elections);
}

static void put_conflicts(struct buf *json, const struct history_bin *bin)
{
    put_number(json, bin->conflicts);
}

static void put_history(struct buf *json, const struct history *history)
{
    open_in(json, "history", '{');
    put_u64(json, "bin_ms", HISTORY_BIN_MS);
    put_series(json, history, "latency_p50_ms", put_p50);
    put_series(json, history, "latency_p99_ms", put_p99);
    put_series(json, history, "commits", put_commits);
    put_series(json, history, "elections", put_elections);
    put_series(json, history, "conflicts", put_conflicts);
    buf_char(json, '}');
}

void status_json(const struct snapshot *snapshot, const struct verdict *verdict,
                 const struct history *history, struct buf *ret_json)
{
    buf_char(ret_json, '{');
    put_text(ret_json, "node_id", snapshot->node);
    put_text(ret_json, "version", snapshot->version);
    put_u64(ret_json, "taken_ms", snapshot->taken_ms);
    put_text(ret_json, "health", verdict_word(verdict->level));
    put_reasons(ret_json, verdict);
    put_services(ret_json, snapshot);
    if (snapshot->consensus.is_known)
        put_consensus(ret_json, &snapshot->consensus);
    else
        put_null(ret_json, "consensus");
    put_evidence(ret_json, &snapshot->evidence);
    if (snapshot->has_schemas)
        put_u64(ret_json, "schemas", snapshot->n_schemas);
    else
        put_null(ret_json, "schemas");
    put_history(ret_json, history);
    buf_char(ret_json, '}');
}
