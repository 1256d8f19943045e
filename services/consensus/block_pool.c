#include "services/consensus/block_pool.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/must.h"

struct pooled_block *block_pool_find(struct block_pool *pool, const struct hash *id)
{
    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX; i++)
        if (pool->blocks[i].is_used && hash_eq(&pool->blocks[i].id, id))
            return &pool->blocks[i];
    return NULL;
}

struct pooled_block *block_pool_add(struct block_pool *pool, const struct hash *id,
                                    const struct wire_header *header, struct span proposal,
                                    uint32_t from)
{
    struct pooled_block *block = NULL;

    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX && block == NULL; i++)
        if (!pool->blocks[i].is_used)
            block = &pool->blocks[i];
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

void pooled_block_release(struct pooled_block *block)
{
    free(block->proposal);
    *block = (struct pooled_block){.is_used = false};
}

void block_pool_release(struct block_pool *pool)
{
    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX; i++)
        if (pool->blocks[i].is_used)
            pooled_block_release(&pool->blocks[i]);
}

uint32_t block_pool_chain(struct block_pool *pool, const struct hash *id, struct hash *ret_blocks,
                          uint32_t max)
{
    uint32_t n = 0;

    for (struct pooled_block *at = block_pool_find(pool, id); at != NULL && n < max;
         at = block_pool_find(pool, &at->header.parent))
        ret_blocks[n++] = at->id;
    return n;
}
