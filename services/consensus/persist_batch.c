/* What goes into one write: how many of the queued jobs, and their blocks, wherever they are. */
#include "services/consensus/node.h"

/* With room to spare for what is written beside the bytes, and for one block more. */
#define WRITE_BYTES (STORE_WRITE_BYTES_MAX / 4u)

/* ---- how many ---- */

static uint64_t pooled_bytes(struct node *node, const struct pooled_block *block)
{
    uint64_t bytes = block->proposal_size;

    for (uint32_t i = 0; i < block->n_bundles; i++) {
        struct hash id;
        memcpy(&id, block->ids.data + i * sizeof(id), sizeof(id));
        const struct body *body = mempool_body(node->mempool, &id);
        bytes += body != NULL ? body->size : 0;
    }
    return bytes;
}

static uint64_t job_bytes(struct node *node, const struct persist_job *job)
{
    if (hash_is_zero(&job->block))
        return 0;
    const struct pooled_block *pooled = block_pool_find(&node->pool, &job->block);
    if (pooled != NULL)
        return pooled_bytes(node, pooled);
    const struct commit_entry *logged = commit_log_find_id(&node->log, &job->block);
    return logged != NULL ? commit_entry_bytes(logged) : 0;
}

/* The signer bounds the statements, the store the bytes. */
uint32_t persist_batch_size(struct node *node)
{
    const struct persister *persister = &node->persister;
    uint32_t n_intents = 0;
    uint64_t bytes = 0;
    uint32_t n = 0;

    if (persister->n_queued == 1)
        return 1; /* nothing to weigh it against */
    for (; n < persister->n_queued; n++) {
        n_intents += persister->queue[n].n_intents;
        bytes += job_bytes(node, &persister->queue[n]);
        if (n_intents > SIGN_INTENTS_MAX || (n > 0 && bytes > WRITE_BYTES))
            break;
    }
    return n;
}

/* ---- which blocks ---- */

/* False: a body went with a rival block that was committed, so this one has lost. */
static bool list_pooled(struct node *node, const struct pooled_block *block,
                        struct write_list *list)
{
    struct span *bodies = list->bodies + list->n_bodies;

    for (uint32_t i = 0; i < block->n_bundles; i++) {
        struct hash id;
        memcpy(&id, block->ids.data + i * sizeof(id), sizeof(id));
        struct body *body = mempool_body(node->mempool, &id);
        if (body == NULL)
            return false;
        bodies[i] = body_span(body);
    }
    list->n_bodies += block->n_bundles;
    list->blocks[list->n++] = (struct store_block){
        .id = block->id,
        .rank = block->header.rank,
        .height = block->header.height,
        .parent = block->header.parent,
        .proposal = span_of(block->proposal, block->proposal_size),
        .bundles = {.n = block->n_bundles, .items = bodies},
    };
    return true;
}

static void list_logged(const struct commit_entry *entry, struct write_list *list)
{
    struct span *bodies = list->bodies + list->n_bodies;

    for (uint32_t i = 0; i < entry->n_bundles; i++)
        bodies[i] = body_span(entry->bodies[i]);
    list->n_bodies += entry->n_bundles;
    list->blocks[list->n++] = (struct store_block){
        .id = entry->id,
        .rank = entry->header.rank,
        .height = entry->height,
        .parent = entry->header.parent,
        .proposal = span_of(entry->proposal, entry->proposal_size),
        .bundles = {.n = entry->n_bundles, .items = bodies},
    };
}

void persist_list(struct node *node, struct write_list *list)
{
    struct persister *persister = &node->persister;

    for (uint32_t i = 0; i < persister->n_flight; i++) {
        const struct hash *id = &persister->flight[i].block;
        bool is_listed = hash_is_zero(id);
        for (uint32_t j = 0; j < list->n; j++)
            is_listed |= hash_eq(&list->blocks[j].id, id);
        if (is_listed)
            continue;
        struct pooled_block *pooled = block_pool_find(&node->pool, id);
        struct commit_entry *logged = pooled == NULL ? commit_log_find_id(&node->log, id) : NULL;
        if (pooled != NULL && !pooled->is_stored)
            (void)list_pooled(node, pooled, list);
        else if (logged != NULL && !logged->is_stored && logged->n_missing == 0)
            list_logged(logged, list);
    }
}
