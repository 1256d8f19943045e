/* Serving others: committed ranges and single blocks, from the store. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/range_answer.h"

struct serving {
    struct node *node;
    uint32_t to;
    struct range_answer answer;
};

static void add_row(void *context, const struct store_committed *row)
{
    struct serving *serving = context;
    const struct wire_sync_block block = {row->block.proposal, row->block.bundles};

    range_answer_add(&serving->answer, &block, row->proof);
}

static void send_range(void *context, enum apm_err err)
{
    struct serving *serving = context;
    struct node *node = serving->node;
    struct wire_range range = range_answer_message(&serving->answer, node->view.executed_height);

    if (err == APM_OK || err == APM_ERR_NOT_FOUND)
        (void)bus_send(node->bus, serving->to, act_encode(node, WIRE_range, &range));
    range_answer_release(&serving->answer);
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
        .max_bytes = RANGE_ANSWER_READ_MAX,
    };

    serving->node = node;
    serving->to = to;
    serving->answer.request = request->request;
    serving->answer.from_height = request->from_height;
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
