#include <stdlib.h>

#include "common/mem.h"
#include "common/bundle.h"
#include "common/clock.h"
#include "services/libapm2/apm2_internal.h"

/* Body, signature and headers beside the events themselves. */
#define BUNDLE_OVERHEAD_BYTES 1024u
#define EVENT_OVERHEAD_BYTES 5u

static bool schema_of(const void *context, enum event_type type, struct hash *ret_digest)
{
    const struct genesis *genesis = context;
    const char *name = event_info(type)->name;
    for (uint32_t i = 0; i < genesis->n_schemas; i++) {
        if (strcmp(genesis->schemas[i].type, name) == 0) {
            *ret_digest = genesis->schemas[i].digest;
            return true;
        }
    }
    return false;
}

bool apm2_event_new(struct apm2_cluster *cluster, const char *json, size_t n,
                    struct apm2_event **ret_event, struct apm2_why *ret_why)
{
    struct event_draft draft;
    struct why why = {""};
    struct hlc stamp = hlc_now(&cluster->hlc, clock_wall_ms());
    struct event_json_context context = {
        .schema_of = schema_of,
        .context = cluster->genesis,
        .hlc_wall_ms = stamp.wall_ms,
        .hlc_counter = stamp.counter,
    };
    enum apm_err err = event_json_parse(span_of(json, n), &context, &draft, &why);
    if (err != APM_OK)
        return apm2_fail(ret_why, err, why.text);

    struct apm2_event *event = mem_new(1, sizeof(*event) + draft.size);
    memcpy(event->space, draft.space, sizeof(event->space));
    memcpy(event->bytes, draft.bytes, draft.size);
    event->size = draft.size;
    *ret_event = event;
    return true;
}

void apm2_event_free(struct apm2_event **event)
{
    free(*event);
    *event = NULL;
}

const char *apm2_event_namespace(const struct apm2_event *event)
{
    return event->space;
}

size_t apm2_event_size(const struct apm2_event *event)
{
    return event->size + EVENT_OVERHEAD_BYTES;
}

/* Every event in one namespace; ret_size is what the bundle can take up at most. */
static bool measure(const struct apm2_event *const *events, uint32_t n, struct span *spans,
                    size_t *ret_size)
{
    size_t size = BUNDLE_OVERHEAD_BYTES;
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(events[i]->space, events[0]->space) != 0)
            return false;
        spans[i] = span_of(events[i]->bytes, events[i]->size);
        size += apm2_event_size(events[i]);
    }
    *ret_size = size;
    return true;
}

bool apm2_bundle_new(const struct apm2_cluster *cluster, const struct apm2_key *key,
                     const struct apm2_draft *wanted, struct apm2_bundle **ret_bundle,
                     struct apm2_why *ret_why)
{
    struct span spans[BUNDLE_EVENTS_MAX];
    const struct apm2_event *const *events = wanted->events;
    uint32_t n = wanted->n_events;
    size_t capacity = 0;
    if (n == 0 || n > BUNDLE_EVENTS_MAX)
        return apm2_fail(ret_why, APM_ERR_BAD_INPUT, "a bundle holds 1 to 1000 events");
    if (!measure(events, n, spans, &capacity))
        return apm2_fail(ret_why, APM_ERR_BAD_INPUT, "a bundle holds events of one namespace");

    struct apm2_bundle *bundle = mem_new(1, sizeof(*bundle) + capacity);
    struct bundle_draft draft = {
        .chain = cluster->genesis->chain,
        .space = span_of(events[0]->space, strlen(events[0]->space)),
        .actor = key->pair.public_key,
        .nonce = wanted->nonce,
        .expiry_height = wanted->expiry_height,
        .events = spans,
        .n_events = n,
    };
    struct hash id;
    bundle->size = bundle_sign(&draft, key->pair.secret, bundle->bytes, capacity, &id);
    if (bundle->size == 0 || bundle->size > BUNDLE_BYTES_MAX) {
        free(bundle);
        return apm2_fail(ret_why, APM_ERR_TOO_LARGE, "the bundle is over 1 MiB: fewer events");
    }
    memcpy(bundle->id, id.b, sizeof(bundle->id));
    *ret_bundle = bundle;
    return true;
}
