/* event_get: what became of a bundle, read back from the store. */
#include "services/consensus/queries.h"

#include <stdlib.h>

#include "common/event_json.h"
#include "common/ledger/replay.h"
#include "common/mem.h"
#include "common/outcome.h"

struct lookup {
    struct node *node;
    uint64_t ticket;
    struct hash bundle;
    uint64_t height;
    uint64_t index;
    bool is_answered;
};

static void answer(struct lookup *lookup, enum apm_err err, json_t *body)
{
    struct buf text;

    buf_init(&text, JSON_BYTES_MAX);
    if (body != NULL && query_done(body, &text) != APM_OK)
        err = APM_ERR_TOO_LARGE;
    admin_answer(lookup->node->env->admin, lookup->ticket, err, buf_span(&text));
    buf_release(&text);
    lookup->is_answered = true;
}

static void refuse(struct lookup *lookup, enum apm_err err, const char *message)
{
    answer(lookup, err, json_pack("{s:s}", "message", message));
}

static json_t *events_json(const struct bundle_view *view, const uint8_t *codes)
{
    json_t *list = json_array();
    size_t cursor = 0;
    struct span event;

    for (uint32_t i = 0; blobs_next(&view->events, &cursor, &event); i++) {
        json_t *json = event_json_of(event);
        if (json == NULL)
            json = json_object();
        json_object_set_new(json, "outcome", json_string(outcome_name(codes[i])));
        if (codes[i] != OUTCOME_APPLIED)
            json_object_set_new(json, "reason", json_string(outcome_text(codes[i])));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *bundle_json(const struct lookup *lookup, const struct store_committed *row,
                           const struct bundle_view *view, const uint8_t *codes)
{
    struct hash_text id = hash_to_text(&view->id);
    struct hash_text block = hash_to_text(&row->block.id);
    bool is_executed = lookup->node->view.checkpoint_height >= lookup->height ||
                       lookup->node->view.committed.height > lookup->height;
    char actor[65];

    hex_encode(view->body.actor.b, sizeof(view->body.actor.b), actor);
    return json_pack("{s:s,s:s,s:s#,s:I,s:I,s:I,s:s,s:I,s:I,s:o}", "bundle", id.text, "state",
                     is_executed ? "executed" : "ordered", "namespace",
                     (const char *)view->body.space.data, (int)view->body.space.size, "height",
                     (json_int_t)lookup->height, "index", (json_int_t)lookup->index, "time_ms",
                     (json_int_t)row->time_ms, "block", block.text, "nonce",
                     (json_int_t)view->body.nonce, "expiry_height",
                     (json_int_t)view->body.expiry_height, "events", events_json(view, codes));
}

static void on_row(void *context, const struct store_committed *row)
{
    struct lookup *lookup = context;
    struct outcomes_view outcomes;
    struct span bytes;
    size_t cursor = 0;
    size_t before = 0;

    if (!outcomes_parse(row->outcomes, &outcomes))
        return;
    for (uint64_t i = 0; blobs_next(&row->block.bundles, &cursor, &bytes); i++) {
        struct bundle_view view;
        if (bundle_parse(bytes, &lookup->node->genesis->chain, &view) != BUNDLE_OK ||
            before + view.events.n > outcomes.codes.size)
            return;
        if (i == lookup->index) {
            answer(lookup, APM_OK, bundle_json(lookup, row, &view, outcomes.codes.data + before));
            return;
        }
        before += view.events.n;
    }
}

static void on_done(void *context, enum apm_err err)
{
    struct lookup *lookup = context;

    if (!lookup->is_answered)
        refuse(lookup, err == APM_OK ? APM_ERR_CORRUPT : err, "its block cannot be read");
    free(lookup);
}

static void on_found(void *context, enum apm_err err, uint64_t height, uint64_t index)
{
    struct lookup *lookup = context;
    struct store_range range = {.from_height = height, .max_blocks = 1, .max_bytes = 1};
    struct store_reader reader = {.context = lookup, .row = on_row, .done = on_done};

    lookup->height = height;
    lookup->index = index;
    if (err == APM_OK)
        err = store_read_range(lookup->node->store, &range, &reader);
    if (err == APM_OK)
        return;
    refuse(lookup, err,
           err == APM_ERR_NOT_FOUND ? "no committed bundle of this id here"
                                    : "the database does not answer");
    free(lookup);
}

void query_event_get(void *state, uint64_t ticket, struct span args)
{
    struct lookup *lookup = mem_new(1, sizeof(*lookup));
    struct store_finder finder = {.context = lookup, .found = on_found};

    *lookup = (struct lookup){.node = state, .ticket = ticket};
    enum apm_err err = APM_ERR_BAD_INPUT;
    if (query_hash(args, "bundle", &lookup->bundle))
        err = store_find_bundle(lookup->node->store, &lookup->bundle, &finder);
    if (err == APM_OK)
        return;
    refuse(lookup, err,
           err == APM_ERR_BAD_INPUT ? "bundle: must be 64 hex digits"
                                    : "the database does not answer");
    free(lookup);
}
