#include "services/metrics-exporter/snapshot.h"

#include <stdio.h>
#include <string.h>

static uint64_t u64(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

static bool flag(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* Cut to the capacity, at the end of a character. */
static void put(char *text, size_t capacity, const char *from)
{
    size_t size = from == NULL ? 0 : strlen(from);

    if (size >= capacity) {
        size = capacity - 1;
        while (size > 0 && ((uint8_t)from[size] & 0xc0) == 0x80)
            size--;
    }
    if (size > 0)
        memcpy(text, from, size);
    text[size] = 0;
}

static void copy(char *text, size_t capacity, const json_t *object, const char *name)
{
    put(text, capacity, json_string_value(json_object_get(object, name)));
}

#define COPY(field, object, name) copy(field, sizeof(field), object, name)

static void read_detail(struct service_view *view, const json_t *checks)
{
    view->detail[0] = 0;
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        if (flag(check, "ok"))
            continue;
        char name[32], detail[160];
        COPY(name, check, "name");
        COPY(detail, check, "detail");
        (void)snprintf(view->detail, sizeof(view->detail), "%s: %s", name, detail);
        return;
    }
}

void snapshot_read_service(struct service_view *view, const json_t *body)
{
    view->is_up = true;
    view->was_up = true;
    view->is_ready = flag(body, "ready");
    view->is_draining = flag(body, "draining");
    view->pid = u64(body, "pid");
    view->uptime_ms = u64(body, "uptime_ms");
    COPY(view->version, body, "version");
    read_detail(view, json_object_get(body, "checks"));
}

static void read_reasons(struct consensus_view *view, const json_t *reasons)
{
    view->n_reasons = 0;
    for (size_t i = 0; i < json_array_size(reasons) && view->n_reasons < REASONS_MAX; i++) {
        put(view->reasons[view->n_reasons], REASON_BYTES,
            json_string_value(json_array_get(reasons, i)));
        view->n_reasons++;
    }
}

static struct validator_view *find(struct consensus_view *view, const char *id)
{
    for (uint32_t i = 0; id != NULL && i < view->n_validators; i++)
        if (strcmp(view->validators[i].id, id) == 0)
            return &view->validators[i];
    return NULL;
}

static void read_peer(struct validator_view *validator, const json_t *peer)
{
    const json_t *rtt = json_object_get(peer, "rtt_ms");

    validator->is_measured = json_is_integer(rtt);
    validator->rtt_ms = u64(peer, "rtt_ms");
    validator->clock_offset_ms = json_integer_value(json_object_get(peer, "clock_offset_ms"));
}

void snapshot_read_status(struct consensus_view *view, const json_t *body)
{
    const json_t *peers = json_object_get(body, "peers");

    view->is_known = true;
    COPY(view->health, body, "health");
    COPY(view->leader, body, "leader_id");
    COPY(view->last_hash, body, "last_committed_hash");
    view->epoch = u64(body, "epoch");
    view->term = u64(body, "term");
    view->height = u64(body, "height");
    view->executed_height = u64(body, "executed_height");
    view->pending = u64(body, "pending");
    view->n_active = (uint32_t)u64(body, "active_validators");
    view->quorum = (uint32_t)u64(body, "quorum_threshold");
    view->is_leader = flag(body, "is_leader");
    read_reasons(view, json_object_get(body, "reasons"));
    for (size_t i = 0; i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i);
        struct validator_view *validator =
            find(view, json_string_value(json_object_get(peer, "id")));
        if (validator != NULL)
            read_peer(validator, peer);
    }
}

static void read_validator(struct validator_view *validator, const json_t *body)
{
    struct validator_view fresh = {.is_measured = false};
    const char *role = json_string_value(json_object_get(body, "role"));

    COPY(fresh.id, body, "id");
    /* What the other answers said of it stays. */
    if (strcmp(fresh.id, validator->id) == 0)
        fresh = *validator;
    fresh.is_self = flag(body, "self");
    fresh.is_leader = role != NULL && strcmp(role, "leader") == 0;
    fresh.is_active = flag(body, "active");
    fresh.last_seen_ms = u64(body, "last_seen_ms");
    fresh.height = u64(body, "height");
    fresh.n_missed = u64(body, "missed_votes");
    *validator = fresh;
}

void snapshot_read_validators(struct consensus_view *view, const json_t *body)
{
    const json_t *list = json_object_get(body, "validators");
    size_t n = json_array_size(list);

    view->n_validators = (uint32_t)(n < VALIDATORS_MAX ? n : VALIDATORS_MAX);
    for (uint32_t i = 0; i < view->n_validators; i++)
        read_validator(&view->validators[i], json_array_get(list, i));
}

/* Letters of the strip; anything else is as good as unknown. */
static void read_row(struct validator_view *validator, const char *votes, uint32_t n)
{
    size_t size = votes == NULL ? 0 : strlen(votes);

    for (uint32_t i = 0; i < n; i++) {
        char cell = i < size ? votes[i] : ' ';
        validator->votes[i] = cell == 'x' || cell == '.' ? cell : ' ';
    }
    validator->votes[n] = 0;
}

void snapshot_read_votes(struct consensus_view *view, const json_t *body)
{
    const json_t *terms = json_object_get(body, "terms");
    const json_t *authors = json_object_get(body, "authors");
    const json_t *rows = json_object_get(body, "validators");
    size_t n = json_array_size(terms);

    view->n_heights = (uint32_t)(n < STRIP_HEIGHTS_MAX ? n : STRIP_HEIGHTS_MAX);
    view->first_height = u64(body, "first_height");
    for (uint32_t i = 0; i < view->n_heights; i++) {
        json_int_t author = json_integer_value(json_array_get(authors, i));
        json_int_t term = json_integer_value(json_array_get(terms, i));
        view->authors[i] = author >= 0 && author < VALIDATORS_MAX ? (uint8_t)author : 0;
        view->terms[i] = term > 0 ? (uint64_t)term : 0;
    }
    for (uint32_t i = 0; i < view->n_validators; i++)
        read_row(&view->validators[i], NULL, view->n_heights);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct validator_view *validator =
            find(view, json_string_value(json_object_get(row, "id")));
        if (validator != NULL)
            read_row(validator, json_string_value(json_object_get(row, "votes")), view->n_heights);
    }
}

void snapshot_read_why(struct consensus_view *view, const json_t *body)
{
    COPY(view->waiting_for, body, "waiting_for");
    COPY(view->why, body, "summary");
    view->waits_since_ms = u64(body, "since_ms");
}

void snapshot_read_evidence(struct evidence_view *view, const json_t *body)
{
    const json_t *list = json_object_get(body, "evidence");

    view->n_items = 0;
    for (size_t i = 0; i < json_array_size(list) && view->n_items < EVIDENCE_SHOWN_MAX; i++) {
        const json_t *entry = json_array_get(list, i);
        struct evidence_item *item = &view->items[view->n_items];
        if (flag(entry, "acknowledged"))
            continue;
        COPY(item->id, entry, "id");
        COPY(item->fault_type, entry, "fault_type");
        COPY(item->validator, entry, "validator_id");
        view->n_items += item->id[0] != 0;
    }
}
