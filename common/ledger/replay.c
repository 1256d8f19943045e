#include "common/ledger/replay.h"

#include "common/event.h"
#include "common/must.h"

const char *replay_verdict_text(enum replay_verdict verdict)
{
    switch (verdict) {
    case REPLAY_OK:
        return "ok";
    case REPLAY_MALFORMED:
        return "the stored outcomes are malformed";
    case REPLAY_CODES:
        return "not one outcome for each event";
    case REPLAY_DERIVED:
        return "a derived fact out of place, or of an unknown namespace";
    }
    MUST(!"a replay verdict");
}

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

static struct span kernel_span(void)
{
    return span_of(NAMESPACE_KERNEL, sizeof(NAMESPACE_KERNEL) - 1);
}

bool ledger_start(struct ledger *ledger, const struct span *spaces, uint32_t n_spaces)
{
    ledger_init(ledger);
    bool fits = ledger_head_of(ledger, kernel_span()) != NULL;
    for (uint32_t i = 0; i < n_spaces && fits; i++)
        fits = ledger_head_of(ledger, spaces[i]) != NULL;
    return fits;
}

/* One way through a block's records. */
struct walk {
    struct ledger *ledger;
    const struct ledger_block *block;
    struct outcomes_view outcomes;
    size_t cursor;
    struct outcomes_derived next; /* meaningful where has_next */
    bool has_next;
    uint64_t n_events; /* appended so far */
    uint64_t index;    /* of the next record in the block */
};

/* Rejected events of a namespace the chain does not have stand in kernel: no
 * stranger can make the ledger grow a namespace. */
static struct ledger_head *head_for(struct ledger *ledger, struct span space)
{
    if (ledger_find(ledger, space) == NULL)
        space = kernel_span();
    return ledger_head_of(ledger, space);
}

static void append(struct walk *walk, struct ledger_head *head, uint8_t code, struct hash subject)
{
    const struct ledger_record record = {walk->block->height, walk->index, code, subject};

    ledger_append(head, &record);
    walk->index++;
}

static void append_derived(struct walk *walk)
{
    while (walk->has_next && walk->next.after == walk->n_events) {
        struct hash subject = ledger_derived_subject(walk->next.event);
        append(walk, head_for(walk->ledger, walk->next.space), 0, subject);
        walk->has_next = outcomes_next(&walk->outcomes, &walk->cursor, &walk->next);
    }
}

static void append_bundle(struct walk *walk, const struct bundle_view *bundle)
{
    struct ledger_head *head = head_for(walk->ledger, bundle->body.space);
    size_t cursor = 0;
    struct span event;

    for (uint64_t position = 0; blobs_next(&bundle->events, &cursor, &event); position++) {
        uint8_t code = walk->outcomes.codes.data[walk->n_events];
        append(walk, head, code, ledger_subject(&bundle->id, position, event));
        walk->n_events++;
        append_derived(walk);
    }
}

static enum replay_verdict check(const struct ledger *ledger, const struct ledger_block *block,
                                 const struct outcomes_view *outcomes)
{
    uint64_t n_events = 0;
    for (uint32_t i = 0; i < block->n_bundles; i++)
        n_events += block->bundles[i].events.n;
    if (n_events != outcomes->codes.size)
        return REPLAY_CODES;

    uint64_t after = 0;
    size_t cursor = 0;
    struct outcomes_derived derived;
    while (outcomes_next(outcomes, &cursor, &derived)) {
        bool is_in_place = derived.after >= after && derived.after <= n_events;
        if (!is_in_place || ledger_find(ledger, derived.space) == NULL)
            return REPLAY_DERIVED;
        after = derived.after;
    }
    return REPLAY_OK;
}

/* The namespaces that grew since `n_before`. */
static void collect(const struct ledger *ledger, const uint64_t *n_before,
                    struct ledger_segments *ret_segments)
{
    ret_segments->n = 0;
    for (uint32_t i = 0; i < ledger->n; i++) {
        const struct ledger_head *head = &ledger->heads[i];
        if (head->n_records == n_before[i])
            continue;
        ret_segments->list[ret_segments->n++] = (struct ledger_segment){
            .head = head,
            .first_seq = n_before[i],
            .n_records = (uint32_t)(head->n_records - n_before[i]),
            .tree_root = merkle_frontier_root(&head->tree),
        };
    }
}

enum replay_verdict ledger_replay(struct ledger *ledger, const struct ledger_block *block,
                                  struct span outcomes, struct ledger_segments *ret_segments)
{
    struct walk walk = {.ledger = ledger, .block = block};

    if (!outcomes_parse(outcomes, &walk.outcomes))
        return REPLAY_MALFORMED;
    enum replay_verdict verdict = check(ledger, block, &walk.outcomes);
    if (verdict != REPLAY_OK)
        return verdict;

    MUST(ledger_find(ledger, kernel_span()) != NULL);
    uint64_t n_before[NAMESPACES_MAX] = {0};
    for (uint32_t i = 0; i < ledger->n; i++)
        n_before[i] = ledger->heads[i].n_records;

    walk.has_next = outcomes_next(&walk.outcomes, &walk.cursor, &walk.next);
    append_derived(&walk);
    for (uint32_t i = 0; i < block->n_bundles; i++)
        append_bundle(&walk, &block->bundles[i]);
    collect(ledger, n_before, ret_segments);
    return REPLAY_OK;
}
