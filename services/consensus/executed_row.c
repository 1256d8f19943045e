/* The row of an executed block: copies of all its spans, in one allocation. */
#include "services/consensus/commit_log.h"

#include <stdlib.h>

#include "common/mem.h"

/* The list at the start of the bytes, the names behind it. Returns their end. */
static uint8_t *copy_segments(struct executed_row *row, const struct ledger_segments *segments)
{
    struct store_segment *list = (struct store_segment *)(void *)row->bytes;
    uint8_t *at = row->bytes + segments->n * sizeof(*list);

    for (uint32_t i = 0; i < segments->n; i++) {
        const struct ledger_segment *segment = &segments->list[i];
        size_t size = strlen(segment->head->space);
        memcpy(at, segment->head->space, size);
        list[i] = (struct store_segment){span_of(at, size), segment->first_seq, segment->n_records,
                                         segment->head->chain, segment->tree_root};
        at += size;
    }
    row->row.segments = list;
    row->row.n_segments = segments->n;
    return at;
}

static struct span copy(uint8_t **at, struct span from)
{
    struct span copied = span_of(*at, from.size);

    if (from.size > 0)
        memcpy(*at, from.data, from.size);
    *at += from.size;
    return copied;
}

void executed_row_init(struct executed_row *row, const struct commit_entry *entry,
                       const struct executed *executed)
{
    struct span ids = span_of(entry->ids.data, entry->n_bundles * sizeof(struct hash));
    struct span proof = span_of(entry->proof, entry->proof_size);
    size_t segment_size = sizeof(struct store_segment) + ID_BYTES_MAX + 1;

    row->bytes = mem_new(1, executed->segments.n * segment_size + ids.size + proof.size +
                                executed->outcomes.size + 1);
    row->row = (struct store_commit_row){
        .height = entry->height,
        .block = entry->id,
        .state_root = executed->state_root,
        .authority_root = executed->authority_root,
        .ledger_root = executed->ledger_root,
        .time_ms = entry->header.time_ms,
    };
    uint8_t *at = copy_segments(row, &executed->segments);
    row->row.bundles = copy(&at, ids);
    row->row.proof = copy(&at, proof);
    row->row.outcomes = copy(&at, executed->outcomes);
}

void executed_row_release(struct executed_row *row)
{
    free(row->bytes);
    row->bytes = NULL;
}
