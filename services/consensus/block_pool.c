/* Blocks above the committed one, with the bytes the core does not hold. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/must.h"

struct pooled_block *block_find(struct node *node, const struct hash *id)
{
    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX; i++)
        if (node->blocks[i].is_used && hash_eq(&node->blocks[i].id, id))
            return &node->blocks[i];
    return NULL;
}

struct pooled_block *block_add(struct node *node, const struct hash *id,
                               const struct wire_header *header, struct span proposal,
                               uint32_t from)
{
    struct pooled_block *block = NULL;

    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX && block == NULL; i++)
        if (!node->blocks[i].is_used)
            block = &node->blocks[i];
    if (block == NULL)
        return NULL;

    *block = (struct pooled_block){.is_used = true,
                                   .id = *id,
                                   .header = *header,
                                   .from = from,
                                   .proposal_size = proposal.size};
    block->proposal = mem_new(1, proposal.size);
    memcpy(block->proposal, proposal.data, proposal.size);

    struct wire_proposal message;
    enum wire_verdict verdict =
        wire_decode_as(WIRE_proposal, span_of(block->proposal, block->proposal_size), &message);
    MUST(verdict == WIRE_OK);
    block->ids = message.bundles;
    block->n_bundles = (uint32_t)(message.bundles.size / sizeof(struct hash));
    return block;
}

void block_release(struct pooled_block *block)
{
    free(block->proposal);
    *block = (struct pooled_block){.is_used = false};
}

void block_forget(struct node *node, const struct hash *id)
{
    struct pooled_block *block = block_find(node, id);

    mempool_unmark(node->mempool, id);
    if (block != NULL)
        block_release(block);
}

uint32_t block_chain(struct node *node, const struct hash *id, struct hash *ret_blocks,
                     uint32_t max)
{
    uint32_t n = 0;

    for (struct pooled_block *at = block_find(node, id); at != NULL && n < max;
         at = block_find(node, &at->header.parent))
        ret_blocks[n++] = at->id;
    return n;
}
