#include "services/anti-entropy/batch.h"

#include "common/mem.h"

struct batch *batch_new(struct feed *feed)
{
    struct batch *batch = mem_new(1, sizeof(*batch));

    batch->feed = feed;
    batch->edge = feed->edge;
    batch->first_seq = feed->edge.tree.n + 1;
    buf_init(&batch->records, 2u * CHUNK_BYTES_MAX);
    return batch;
}

void batch_destroy(struct batch **batch)
{
    if (*batch == NULL)
        return;
    buf_release(&(*batch)->records);
    free(*batch);
    *batch = NULL;
}

struct span batch_head(const struct batch *batch)
{
    return span_of(batch->head, batch->head_size);
}
