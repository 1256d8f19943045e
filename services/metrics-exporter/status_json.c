#include "services/metrics-exporter/status_json.h"

#include <inttypes.h>
#include <math.h>

#include "common/log.h"

static void put_text(struct buf *json, const char *name, const char *text)
{
    buf_printf(json, "\"%s\":", name);
    buf_json_string(json, log_text(text));
}

static void put_u64(struct buf *json, const char *name, uint64_t value)
{
    buf_printf(json, "\"%s\":%" PRIu64, name, value);
}

static void put_flag(struct buf *json, const char *name, bool value)
{
    buf_printf(json, "\"%s\":%s", name, value ? "true" : "false");
}

static void put_ms(struct buf *json, double seconds)
{
    if (isfinite(seconds))
        buf_printf(json, "%.3f", seconds * 1e3);
    else
        buf_text(json, "null");
}

static void comma(struct buf *json)
{
    buf_char(json, ',');
}

static void put_reasons(struct buf *json, const struct verdict *verdict)
{
    buf_text(json, "\"reasons\":[");
    for (uint32_t i = 0; i < verdict->n; i++) {
        const struct verdict_reason *reason = &verdict->reasons[i];
        buf_text(json, i > 0 ? ",{" : "{");
        put_text(json, "level", verdict_word(reason->level));
        comma(json);
        put_text(json, "text", reason->text);
        if (reason->command != NULL) {
            comma(json);
            put_text(json, "command", reason->command);
        }
        buf_char(json, '}');
    }
    buf_char(json, ']');
}

static void put_service(struct buf *json, enum sibling which, const struct service_view *view)
{
    buf_char(json, '{');
    put_text(json, "service", sibling_table[which].name);
    comma(json);
    put_flag(json, "up", view->is_up);
    comma(json);
    put_flag(json, "ready", view->is_ready);
    comma(json);
    put_text(json, "detail", view->is_up && !view->is_ready ? view->detail : "");
    comma(json);
    put_u64(json, "pid", view->is_up ? view->pid : 0);
    comma(json);
    put_u64(json, "uptime_ms", view->is_up ? view->uptime_ms : 0);
    comma(json);
    put_text(json, "version", view->version);
    buf_char(json, '}');
}

static void put_services(struct buf *json, const struct snapshot *snapshot)
{
    buf_text(json, "\"services\":[");
    for (enum sibling i = 0; i < SIBLINGS_N; i++) {
        if (i > 0)
            comma(json);
        put_service(json, i, &snapshot->services[i]);
    }
    buf_char(json, ']');
}

static void put_validator(struct buf *json, const struct validator_view *view, uint32_t index)
{
    buf_char(json, '{');
    put_text(json, "id", view->id);
    comma(json);
    put_u64(json, "index", index);
    comma(json);
    put_text(json, "role", view->is_leader ? "leader" : "follower");
    comma(json);
    put_flag(json, "self", view->is_self);
    comma(json);
    put_flag(json, "active", view->is_active);
    comma(json);
    put_u64(json, "last_seen_ms", view->last_seen_ms);
    comma(json);
    put_u64(json, "height", view->height);
    comma(json);
    put_u64(json, "missed_votes", view->n_missed);
    if (view->is_measured)
        buf_printf(json, ",\"rtt_ms\":%" PRIu64 ",\"clock_offset_ms\":%" PRId64, view->rtt_ms,
                   view->clock_offset_ms);
    else
        buf_text(json, ",\"rtt_ms\":null,\"clock_offset_ms\":null");
    comma(json);
    put_text(json, "votes", view->votes);
    buf_char(json, '}');
}

static void put_strip(struct buf *json, const struct consensus_view *view)
{
    put_u64(json, "first_height", view->first_height);
    buf_text(json, ",\"terms\":[");
    for (uint32_t i = 0; i < view->n_heights; i++)
        buf_printf(json, "%s%" PRIu64, i > 0 ? "," : "", view->terms[i]);
    buf_text(json, "],\"authors\":[");
    for (uint32_t i = 0; i < view->n_heights; i++)
        buf_printf(json, "%s%u", i > 0 ? "," : "", view->authors[i]);
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

    buf_text(json, "\"consensus\":{");
    put_text(json, "health", view->health);
    for (size_t i = 0; i < N_ELEMENTS(figures); i++) {
        comma(json);
        put_u64(json, figures[i].name, figures[i].value);
    }
    comma(json);
    put_text(json, "leader_id", view->leader);
    comma(json);
    put_text(json, "last_committed_hash", view->last_hash);
    comma(json);
    put_text(json, "waiting_for", view->waiting_for);
    comma(json);
    put_text(json, "why", view->why);
    buf_text(json, ",\"validators\":[");
    for (uint32_t i = 0; i < view->n_validators; i++) {
        if (i > 0)
            comma(json);
        put_validator(json, &view->validators[i], i);
    }
    buf_text(json, "],\"votes\":{");
    put_strip(json, view);
    buf_text(json, "}}");
}

static void put_evidence(struct buf *json, const struct evidence_view *view)
{
    buf_text(json, "\"evidence\":{");
    put_u64(json, "unacknowledged", view->n_unacknowledged);
    comma(json);
    put_u64(json, "equivocation", view->n_equivocation);
    comma(json);
    put_u64(json, "invalid_signature", view->n_invalid_signature);
    comma(json);
    put_u64(json, "quorum_forgery", view->n_quorum_forgery);
    comma(json);
    put_u64(json, "replay", view->n_replay);
    buf_text(json, ",\"newest\":[");
    for (uint32_t i = 0; i < view->n_items; i++) {
        buf_text(json, i > 0 ? ",{" : "{");
        put_text(json, "id", view->items[i].id);
        comma(json);
        put_text(json, "fault_type", view->items[i].fault_type);
        comma(json);
        put_text(json, "validator_id", view->items[i].validator);
        buf_char(json, '}');
    }
    buf_text(json, "]}");
}

/* Oldest first, one array per line of the page. */
static void put_series(struct buf *json, const struct history *history, const char *name,
                       void (*put)(struct buf *json, const struct history_bin *bin))
{
    buf_printf(json, ",\"%s\":[", name);
    for (uint32_t age = history_n(history); age > 0; age--) {
        put(json, history_at(history, age - 1));
        if (age > 1)
            comma(json);
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
    buf_printf(json, "%" PRIu64, bin->commits);
}

static void put_elections(struct buf *json, const struct history_bin *bin)
{
    buf_printf(json, "%" PRIu64, bin->elections);
}

static void put_conflicts(struct buf *json, const struct history_bin *bin)
{
    buf_printf(json, "%" PRIu64, bin->conflicts);
}

static void put_history(struct buf *json, const struct history *history)
{
    buf_printf(json, "\"history\":{\"bin_ms\":%u", HISTORY_BIN_MS);
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
    comma(ret_json);
    put_text(ret_json, "version", snapshot->version);
    comma(ret_json);
    put_u64(ret_json, "taken_ms", snapshot->taken_ms);
    comma(ret_json);
    put_text(ret_json, "health", verdict_word(verdict->level));
    comma(ret_json);
    put_reasons(ret_json, verdict);
    comma(ret_json);
    put_services(ret_json, snapshot);
    comma(ret_json);
    if (snapshot->consensus.is_known)
        put_consensus(ret_json, &snapshot->consensus);
    else
        buf_text(ret_json, "\"consensus\":null");
    comma(ret_json);
    put_evidence(ret_json, &snapshot->evidence);
    comma(ret_json);
    if (snapshot->has_schemas)
        put_u64(ret_json, "schemas", snapshot->n_schemas);
    else
        buf_text(ret_json, "\"schemas\":null");
    comma(ret_json);
    put_history(ret_json, history);
    buf_char(ret_json, '}');
}
