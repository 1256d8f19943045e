#include "common/ledger/replay.h"

#include "common/event.h"
#include "common/must.h"

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

static void append(struct ledger *ledger, uint64_t height, const struct record *record)
{
    const struct bundle_view *bundle = record->bundle;
    const struct ledger_record entry = {
        .height = height,
        .index = record->index,
        .code = record->code,
        .subject = bundle == NULL ? ledger_derived_subject(record->event)
                                  : ledger_subject(&bundle->id, record->position, record->event),
    };

    ledger_append(ledger_head_of(ledger, record->space), &entry);
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

enum records_verdict ledger_replay(struct ledger *ledger, const struct ledger_block *block,
                                   struct span outcomes, struct ledger_segments *ret_segments)
{
    struct records records;
    struct record record;

    enum records_verdict verdict = records_begin(&records, ledger, block, outcomes);
    if (verdict != RECORDS_OK)
        return verdict;

    MUST(ledger_find(ledger, kernel_span()) != NULL);
    uint64_t n_before[NAMESPACES_MAX] = {0};
    for (uint32_t i = 0; i < ledger->n; i++)
        n_before[i] = ledger->heads[i].n_records;

    while (records_next(&records, &record))
        append(ledger, block->height, &record);
    collect(ledger, n_before, ret_segments);
    return RECORDS_OK;
}
