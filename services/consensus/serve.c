/* Serving others: committed ranges and single blocks, from the store. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/mem.h"

/* Bytes of blocks per answer: a frame, less what wraps them. */
#define SERVE_BYTES_MAX (FRAME_BYTES_MAX - 512u * KIB)

struct serving {
    struct node *node;
    uint32_t to;
    uint64_t request;
    uint64_t from_height;
    uint32_t n;
    uint32_t n_proven; /* blocks up to the last one that has a proof */
    size_t bytes;
    struct span blocks[RANGE_BLOCKS_MAX]; /* sync_block records, owned */
    uint8_t proof[QC_BYTES_MAX];
    size_t proof_size;
};

static void add_row(void *context, const struct store_committed *row)
{
    struct serving *serving = context;
    struct wire_sync_block block = {row->block.proposal, row->block.bundles};
    size_t max = wire_encoded_max(WIRE_sync_block, &block);

    if (serving->n == RANGE_BLOCKS_MAX || serving->bytes + max > SERVE_BYTES_MAX)
        return;
    uint8_t *bytes = mem_new(1, max);
    size_t size = wire_encode(WIRE_sync_block, &block, bytes, max);
    serving->blocks[serving->n++] = span_of(bytes, size);
    serving->bytes += size;
    if (row->proof.size > 0 && row->proof.size <= sizeof(serving->proof)) {
        memcpy(serving->proof, row->proof.data, row->proof.size);
        serving->proof_size = row->proof.size;
        serving->n_proven = serving->n;
    }
}

static void send_range(void *context, enum apm_err err)
{
    struct serving *serving = context;
    struct node *node = serving->node;
    struct wire_range range = {
        .request = serving->request,
        .from_height = serving->from_height,
        .blocks = {.n = serving->n_proven, .items = serving->blocks},
        .proof = span_of(serving->proof, serving->proof_size),
        .tip_height = node->view.executed_height,
    };

    if (err == APM_OK || err == APM_ERR_NOT_FOUND)
        (void)bus_send(node->bus, serving->to, act_encode(node, WIRE_range, &range));
    for (uint32_t i = 0; i < serving->n; i++)
        free((void *)(uintptr_t)serving->blocks[i].data);
    free(serving);
}

void sync_serve(struct node *node, uint32_t to, const struct wire_range_request *request)
{
    struct serving *serving = mem_new(1, sizeof(*serving));
    struct store_reader reader = {.context = serving, .row = add_row, .done = send_range};
    struct store_range range = {
        .from_height = request->from_height,
        .max_blocks = request->max_blocks < RANGE_BLOCKS_MAX ? (uint32_t)request->max_blocks
                                                             : RANGE_BLOCKS_MAX,
        .max_bytes = SERVE_BYTES_MAX,
    };

    *serving = (struct serving){
        .node = node, .to = to, .request = request->request, .from_height = request->from_height};
    if (range.max_blocks == 0 || range.from_height == 0 ||
        store_read_range(node->store, &range, &reader) != APM_OK)
        free(serving); /* the asker turns to another */
}

struct one_block {
    struct node *node;
    uint32_t to;
};

static void send_row(void *context, const struct store_committed *row)
{
    struct one_block *one = context;

    (void)bus_send(one->node->bus, one->to, row->block.proposal);
}

static void send_done(void *context, enum apm_err err)
{
    (void)err;
    free(context);
}

void sync_serve_block(struct node *node, uint32_t to, const struct hash *id)
{
    const struct pooled_block *block = block_pool_find(&node->pool, id);

    if (block != NULL) {
        (void)bus_send(node->bus, to, span_of(block->proposal, block->proposal_size));
        return;
    }
    struct one_block *one = mem_new(1, sizeof(*one));
    struct store_reader reader = {.context = one, .row = send_row, .done = send_done};
    *one = (struct one_block){node, to};
    if (store_read_block(node->store, id, &reader) != APM_OK)
        free(one);
}
