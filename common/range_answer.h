/*
 * range_answer - committed blocks on their way into one `range` message.
 *
 * Filled row by row from a store, oldest first; only blocks up to the last one that has a
 * proof are sent. Blocks are copied; whoever began it releases it. At most RANGE_BLOCKS_MAX
 * blocks and what fits into a frame: what comes beyond is left out, and asked for again.
 */
#ifndef APM2_RANGE_ANSWER_H
#define APM2_RANGE_ANSWER_H

#include "common/limits.h"
#include "common/wire.h"

/* Bytes of blocks to read for one answer: a frame, less what wraps them. */
#define RANGE_ANSWER_READ_MAX (FRAME_BYTES_MAX - 512u * KIB)

struct range_answer {
    uint64_t request;
    uint64_t from_height;
    uint32_t n;
    uint32_t n_proven; /* blocks up to the last one that has a proof */
    size_t bytes;
    struct span blocks[RANGE_BLOCKS_MAX]; /* sync_block records, owned */
    uint8_t proof[QC_BYTES_MAX];
    size_t proof_size;
};

/* `proof` is empty for a block committed as an ancestor of a later one. */
void range_answer_add(struct range_answer *answer, const struct wire_sync_block *block,
                      struct span proof);

/* Borrows from the answer. */
struct wire_range range_answer_message(const struct range_answer *answer, uint64_t tip_height);

void range_answer_release(struct range_answer *answer);

#endif
