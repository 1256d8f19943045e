/* event_get: what became of a bundle, or what a record is, read back from the store. */
#include "services/consensus/queries.h"

#include <stdlib.h>

#include "common/event_json.h"
#include "common/ledger/records.h"
#include "common/mem.h"
#include "common/outcome.h"

struct lookup {
    struct node *node;
    uint64_t ticket;
    bool is_record; /* else a bundle */
    struct hash bundle;
    char space[ID_BYTES_MAX + 1];
    uint64_t seq;
    uint64_t height;
    uint64_t index; /* as the store's finder says */
    bool is_answered;
};

/* A block as read back, taken apart. */
struct looked_up {
    const struct store_committed *row;
    struct ledger_block block;
    struct records records; /* at the block's first */
};

static void answer(struct lookup *lookup, enum apm_err err, json_t *body)
{
    struct buf text;

    buf_init(&text, JSON_BYTES_MAX);
    if (body != NULL && admin_body(body, &text) != APM_OK)
        err = APM_ERR_TOO_LARGE;
    admin_answer(lookup->node->env->admin, lookup->ticket, err, buf_span(&text));
    buf_release(&text);
    lookup->is_answered = true;
}

static void refuse(struct lookup *lookup, enum apm_err err, const char *message)
{
    answer(lookup, err, json_pack("{s:s}", "message", message));
}

static void set_text(json_t *json, const char *name, struct span text)
{
    json_object_set_new(json, name, json_stringn((const char *)text.data, text.size));
}

static void set_u64(json_t *json, const char *name, uint64_t value)
{
    json_object_set_new(json, name, json_integer((json_int_t)value));
}

static void set_hash(json_t *json, const char *name, const struct hash *hash)
{
    struct hash_text text = hash_to_text(hash);

    json_object_set_new(json, name, json_string(text.text));
}

static void set_key(json_t *json, const char *name, const struct key *key)
{
    char text[65];

    hex_encode(key->b, sizeof(key->b), text);
    json_object_set_new(json, name, json_string(text));
}

static void set_outcome(json_t *json, uint8_t code)
{
    json_object_set_new(json, "outcome", json_string(outcome_name(code)));
    if (code != OUTCOME_APPLIED)
        json_object_set_new(json, "reason", json_string(outcome_text(code)));
}

/* ---- a bundle ---- */

static json_t *events_json(struct records *records, const struct bundle_view *bundle)
{
    json_t *list = json_array();
    struct record record;

    while (records_next(records, &record)) {
        if (record.bundle != bundle)
            continue;
        json_t *json = event_json_of(record.event);
        if (json == NULL)
            json = json_object();
        set_outcome(json, record.code);
        json_array_append_new(list, json);
    }
    return list;
}

/* Executed: a quorum vouches for its outcome too, by a checkpoint or a later block. */
static const char *state_of(const struct lookup *lookup)
{
    const struct core_view *view = &lookup->node->view;
    bool is_vouched =
        view->checkpoint_height >= lookup->height || view->committed.height > lookup->height;

    return is_vouched ? "executed" : "ordered";
}

static json_t *bundle_json(const struct lookup *lookup, struct looked_up *at)
{
    const struct bundle_view *bundle = &at->block.bundles[lookup->index];
    json_t *json = json_object();

    set_hash(json, "bundle", &bundle->id);
    json_object_set_new(json, "state", json_string(state_of(lookup)));
    set_text(json, "namespace", bundle->body.space);
    set_u64(json, "height", lookup->height);
    set_u64(json, "index", lookup->index);
    set_u64(json, "time_ms", at->row->time_ms);
    set_hash(json, "block", &at->row->block.id);
    set_key(json, "actor", &bundle->body.actor);
    set_u64(json, "nonce", bundle->body.nonce);
    set_u64(json, "expiry_height", bundle->body.expiry_height);
    json_object_set_new(json, "events", events_json(&at->records, bundle));
    return json;
}

/* ---- a record ---- */

static json_t *record_json(const struct lookup *lookup, const struct looked_up *at,
                           const struct record *record)
{
    json_t *json = json_object();
    json_t *event = event_json_of(record->event);

    json_object_set_new(json, "namespace", json_string(lookup->space));
    set_u64(json, "seq", lookup->seq);
    set_u64(json, "height", lookup->height);
    set_u64(json, "index", record->index);
    json_object_set_new(json, "kind", json_string(record->bundle == NULL ? "derived" : "event"));
    json_object_set(json, "type", json_object_get(event, "type"));
    set_outcome(json, record->code);
    if (record->bundle != NULL) {
        set_hash(json, "bundle", &record->bundle->id);
        set_u64(json, "position", record->position);
        set_key(json, "actor", &record->bundle->body.actor);
    }
    json_object_set_new(json, "event", event);
    set_u64(json, "time_ms", at->row->time_ms);
    set_hash(json, "block", &at->row->block.id);
    return json;
}

/* ---- the block that holds it ---- */

static void answer_from(struct lookup *lookup, struct looked_up *at)
{
    struct span space = span_of(lookup->space, strlen(lookup->space));
    struct record record;

    if (lookup->is_record && records_find(&at->records, space, lookup->index, &record))
        answer(lookup, APM_OK, record_json(lookup, at, &record));
    else if (!lookup->is_record && lookup->index < at->block.n_bundles)
        answer(lookup, APM_OK, bundle_json(lookup, at));
}

static bool parse_bundles(const struct lookup *lookup, const struct blobs *bundles,
                          struct bundle_view *ret_views)
{
    size_t cursor = 0;
    struct span bytes;

    for (uint32_t i = 0; i < bundles->n; i++)
        if (!blobs_next(bundles, &cursor, &bytes) ||
            bundle_parse(bytes, &lookup->node->genesis->chain, &ret_views[i]) != BUNDLE_OK)
            return false;
    return true;
}

/* Unanswered on return: the block is not what the store said it is. */
static void on_row(void *context, const struct store_committed *row)
{
    struct lookup *lookup = context;
    const struct blobs *bundles = &row->block.bundles;
    struct looked_up at = {.row = row};

    if (bundles->n > BLOCK_BUNDLES_MAX || row->block.height != lookup->height)
        return;
    struct bundle_view *views = mem_new(bundles->n + 1, sizeof(*views));
    at.block = (struct ledger_block){lookup->height, views, bundles->n};
    if (parse_bundles(lookup, bundles, views) &&
        records_begin(&at.records, execution_ledger(lookup->node->execution), &at.block,
                      row->outcomes) == RECORDS_OK)
        answer_from(lookup, &at);
    free(views);
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
    if (err != APM_ERR_NOT_FOUND)
        refuse(lookup, err, "the database does not answer");
    else
        refuse(lookup, err,
               lookup->is_record ? "no record of this number in the namespace here"
                                 : "no committed bundle of this id here");
    free(lookup);
}

static enum apm_err find_record(struct lookup *lookup, struct span args,
                                const struct store_finder *finder)
{
    lookup->is_record = true;
    lookup->seq = query_u64(args, "seq", UINT64_MAX);
    if (lookup->seq > INT64_MAX || !query_text(args, "namespace", lookup->space))
        return APM_ERR_BAD_INPUT;
    struct span space = span_of(lookup->space, strlen(lookup->space));
    return store_find_record(lookup->node->store, space, lookup->seq, finder);
}

void query_event_get(void *state, uint64_t ticket, struct span args)
{
    struct lookup *lookup = mem_new(1, sizeof(*lookup));
    struct store_finder finder = {.context = lookup, .found = on_found};
    enum apm_err err;

    *lookup = (struct lookup){.node = state, .ticket = ticket};
    if (query_hash(args, "bundle", &lookup->bundle))
        err = store_find_bundle(lookup->node->store, &lookup->bundle, &finder);
    else
        err = find_record(lookup, args, &finder);
    if (err == APM_OK)
        return;
    refuse(lookup, err,
           err == APM_ERR_BAD_INPUT ? "bundle: must be 64 hex digits; or a namespace and a seq"
                                    : "the database does not answer");
    free(lookup);
}
