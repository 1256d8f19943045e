#include "common/ledger/records.h"

#include "common/event.h"
#include "common/must.h"

const char *records_verdict_text(enum records_verdict verdict)
{
    switch (verdict) {
    case RECORDS_OK:
        return "ok";
    case RECORDS_MALFORMED:
        return "the stored outcomes are malformed";
    case RECORDS_CODES:
        return "not one outcome for each event";
    case RECORDS_DERIVED:
        return "a derived fact out of place, or of an unknown namespace";
    }
    MUST(!"a records verdict");
}

/* ---- outcomes ---- */

static struct outcomes_derived read_derived(struct reader *reader)
{
    struct outcomes_derived derived = {0};

    if (reader_array(reader, 3) != 3) {
        reader->verdict = WIRE_BAD_TYPE;
        return derived;
    }
    derived.after = reader_u64(reader);
    derived.space = reader_str(reader, ID_BYTES_MAX);
    derived.event = reader_bin(reader, EVENT_BYTES_MAX);
    return derived;
}

bool outcomes_parse(struct span bytes, struct outcomes_view *ret_view)
{
    struct reader reader = reader_of(bytes);

    if (reader_array(&reader, 3) != 3 || reader_u64(&reader) != OUTCOMES_VERSION)
        return false;

    struct outcomes_view view = {.codes = reader_bin(&reader, BLOCK_EVENTS_MAX)};
    view.n_derived = reader_array(&reader, UINT32_MAX);
    const uint8_t *start = reader.at;
    for (uint32_t i = 0; i < view.n_derived && reader.verdict == WIRE_OK; i++)
        (void)read_derived(&reader);
    view.derived = span_of(start, (size_t)(reader.at - start));

    if (!reader_is_done(&reader))
        return false;
    *ret_view = view;
    return true;
}

bool outcomes_next(const struct outcomes_view *view, size_t *cursor,
                   struct outcomes_derived *ret_derived)
{
    MUST(*cursor <= view->derived.size);
    if (*cursor == view->derived.size)
        return false;

    struct span rest = span_of(view->derived.data + *cursor, view->derived.size - *cursor);
    struct reader reader = reader_of(rest);
    struct outcomes_derived derived = read_derived(&reader);
    /* outcomes_parse has walked these bytes before. */
    MUST(reader.verdict == WIRE_OK);
    *cursor += (size_t)(reader.at - rest.data);
    *ret_derived = derived;
    return true;
}

/* ---- the walk ---- */

static enum records_verdict check(const struct ledger *ledger, const struct ledger_block *block,
                                  const struct outcomes_view *outcomes)
{
    uint64_t n_events = 0;
    for (uint32_t i = 0; i < block->n_bundles; i++)
        n_events += block->bundles[i].events.n;
    if (n_events != outcomes->codes.size)
        return RECORDS_CODES;

    uint64_t after = 0;
    size_t cursor = 0;
    struct outcomes_derived derived;
    while (outcomes_next(outcomes, &cursor, &derived)) {
        bool is_in_place = derived.after >= after && derived.after <= n_events;
        if (!is_in_place || ledger_find(ledger, derived.space) == NULL)
            return RECORDS_DERIVED;
        after = derived.after;
    }
    return RECORDS_OK;
}

enum records_verdict records_begin(struct records *records, const struct ledger *ledger,
                                   const struct ledger_block *block, struct span outcomes)
{
    struct records walk = {.ledger = ledger, .block = block};

    if (!outcomes_parse(outcomes, &walk.outcomes))
        return RECORDS_MALFORMED;
    enum records_verdict verdict = check(ledger, block, &walk.outcomes);
    if (verdict != RECORDS_OK)
        return verdict;
    walk.has_derived = outcomes_next(&walk.outcomes, &walk.derived_cursor, &walk.derived);
    *records = walk;
    return RECORDS_OK;
}

/* Rejected events of a namespace the chain does not have stand in kernel: no
 * stranger can make the ledger grow a namespace. */
static struct span recorded_in(const struct ledger *ledger, struct span space)
{
    if (ledger_find(ledger, space) != NULL)
        return space;
    return span_of(NAMESPACE_KERNEL, sizeof(NAMESPACE_KERNEL) - 1);
}

static bool next_event(struct records *records, struct record *ret_record)
{
    const struct ledger_block *block = records->block;
    struct span event;

    for (; records->bundle < block->n_bundles; records->bundle++) {
        const struct bundle_view *bundle = &block->bundles[records->bundle];
        if (blobs_next(&bundle->events, &records->event_cursor, &event)) {
            *ret_record = (struct record){
                .index = records->index++,
                .space = recorded_in(records->ledger, bundle->body.space),
                .code = records->outcomes.codes.data[records->n_events++],
                .bundle = bundle,
                .position = records->position++,
                .event = event,
            };
            return true;
        }
        records->event_cursor = 0;
        records->position = 0;
    }
    return false;
}

bool records_next(struct records *records, struct record *ret_record)
{
    if (!records->has_derived || records->derived.after != records->n_events)
        return next_event(records, ret_record);

    *ret_record = (struct record){
        .index = records->index++,
        .space = records->derived.space,
        .event = records->derived.event,
    };
    records->has_derived =
        outcomes_next(&records->outcomes, &records->derived_cursor, &records->derived);
    return true;
}

bool records_find(struct records *records, struct span space, uint64_t k, struct record *ret_record)
{
    struct record record;

    while (records_next(records, &record)) {
        if (!span_eq(record.space, space) || k-- > 0)
            continue;
        *ret_record = record;
        return true;
    }
    return false;
}
