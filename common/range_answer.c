#include "common/range_answer.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void range_answer_add(struct range_answer *answer, const struct wire_sync_block *block,
                      struct span proof)
{
    size_t max = wire_encoded_max(WIRE_sync_block, block);

    if (answer->n == RANGE_BLOCKS_MAX || answer->bytes + max > FRAME_BYTES_MAX - 64u * KIB)
        return;
    uint8_t *bytes = mem_new(1, max);
    size_t size = wire_encode(WIRE_sync_block, block, bytes, max);
    answer->blocks[answer->n++] = span_of(bytes, size);
    answer->bytes += size;
    if (proof.size > 0 && proof.size <= sizeof(answer->proof)) {
        memcpy(answer->proof, proof.data, proof.size);
        answer->proof_size = proof.size;
        answer->n_proven = answer->n;
    }
}

struct wire_range range_answer_message(const struct range_answer *answer, uint64_t tip_height)
{
    return (struct wire_range){
        .request = answer->request,
        .from_height = answer->from_height,
        .blocks = {.n = answer->n_proven, .items = answer->blocks},
        .proof = span_of(answer->proof, answer->proof_size),
        .tip_height = tip_height,
    };
}

void range_answer_release(struct range_answer *answer)
{
    for (uint32_t i = 0; i < answer->n; i++)
        free((void *)(uintptr_t)answer->blocks[i].data);
    answer->n = 0;
}
