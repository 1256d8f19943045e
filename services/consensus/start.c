/* From the store's rows to a running core: replay, reconcile the safety record, admit. */
#include "services/consensus/node.h"

#include <poll.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

/* How long the signer may take to repair its file at a start. */
#define REPAIR_TIMEOUT_MS 10000

static void fail_load(struct node *node, uint64_t height, const char *why)
{
    if (node->is_load_failed)
        return;
    node->is_load_failed = true;
    LOG_ERROR("stored_data_corrupt", F_U64("height", height), F_STR("why", why),
              F_STR("next", "apm2 ledger verify-chain names the row; restore the database"));
    node_fail(node, APM_ERR_CORRUPT);
}

static void on_safety(void *context, const struct store_safety *safety)
{
    struct node *node = context;

    if (safety->record.size == 0)
        return;
    struct safety_record *record = mem_new(1, sizeof(*record));
    if (safety_decode(safety->record, record)) {
        node->loaded_record = record;
        return;
    }
    free(record);
    fail_load(node, 0, "the safety record is not one");
}

static bool decode_block(const struct node *node, const struct store_block *block,
                         struct proposal *ret_proposal)
{
    struct wire_proposal message;

    return wire_decode_as(WIRE_proposal, block->proposal, &message) == WIRE_OK &&
           verify_proposal_form(node, &message, ret_proposal) &&
           hash_eq(&ret_proposal->id, &block->id);
}

/* Replays a committed block; what it yields must be what was recorded. */
static bool replay(struct node *node, const struct store_committed *row,
                   const struct wire_header *header)
{
    struct bundle_view *views = mem_new(row->block.bundles.n + 1, sizeof(*views));
    struct executed executed;
    size_t cursor = 0;
    struct span bytes;
    bool is_good = true;

    for (uint32_t i = 0; is_good && blobs_next(&row->block.bundles, &cursor, &bytes); i++)
        is_good = bundle_parse(bytes, &node->genesis->chain, &views[i]) == BUNDLE_OK;
    if (is_good) {
        execution_apply(node->execution, header, views, row->block.bundles.n, &executed);
        is_good = hash_eq(&executed.state_root, &row->state_root);
    }
    if (is_good) {
        metric_add(node->env->metrics, METRIC_events_total, LABEL_applied, executed.n_applied);
        metric_add(node->env->metrics, METRIC_events_total, LABEL_rejected, executed.n_rejected);
    }
    free(views);
    return is_good;
}

static void on_committed(void *context, const struct store_committed *row)
{
    struct node *node = context;
    struct proposal proposal;
    uint64_t height = row->block.height;

    if (node->is_load_failed)
        return;
    if (height != execution_height(node->execution) + 1)
        fail_load(node, height, "committed heights are not dense");
    else if (!decode_block(node, &row->block, &proposal))
        fail_load(node, height, "the block is not what its id says");
    else if (!replay(node, row, &proposal.header))
        fail_load(node, height, "executing it again gives another state");
    if (node->is_load_failed)
        return;
    metric_add(node->env->metrics, METRIC_proposals_total, LABEL_committed, 1);
    node->loaded_tip = (struct tip){
        .rank = proposal.header.rank,
        .block = proposal.id,
        .height = height,
        .time_ms = proposal.header.time_ms,
        .author = proposal.header.author,
        .handoff = proposal.header.handoff,
        .next_set = proposal.header.next_set,
    };
    node->loaded_roots[height % EXECUTED_ROOTS] = row->state_root;
    if (row->proof.size == 0)
        return;
    free(node->loaded_proof);
    node->loaded_proof = mem_new(1, row->proof.size);
    node->loaded_proof_size = row->proof.size;
    memcpy(node->loaded_proof, row->proof.data, row->proof.size);
}

static void keep_bodies(struct node *node, const struct store_block *block)
{
    size_t cursor = 0;
    struct span bytes;

    while (blobs_next(&block->bundles, &cursor, &bytes)) {
        struct bundle_view view;
        if (bundle_parse(bytes, &node->genesis->chain, &view) != BUNDLE_OK)
            continue; /* the block waits for good bytes from a peer */
        struct body *body = body_new(bytes);
        struct mempool_item item = {
            .id = view.id,
            .body = body,
            .origin = node->genesis->cards[node->self].key,
            .is_from_peer = true,
            .actor = view.body.actor,
            .nonce = view.body.nonce,
            .expiry_height = view.body.expiry_height,
            .received_ms = clock_mono_ms(),
        };
        (void)mempool_add(node->mempool, &item); /* marked first: beyond every limit */
        body_unref(&body);
    }
}

static void on_uncommitted(void *context, const struct store_block *stored)
{
    struct node *node = context;
    struct proposal proposal;

    if (node->is_load_failed || stored->height <= node->loaded_tip.height ||
        !decode_block(node, stored, &proposal))
        return;
    struct pooled_block *block = block_pool_add(&node->pool, &proposal.id, &proposal.header,
                                                stored->proposal, VALIDATOR_NONE);
    if (block == NULL)
        return; /* more than the window holds: peers have what matters */
    block->is_stored = true;
    if (mempool_mark(node->mempool, &block->id, (const struct hash *)block->ids.data,
                     block->n_bundles))
        keep_bodies(node, stored);
}

/* ---- the record to start with ---- */

static bool repair_file(struct node *node, const struct safety_record *record)
{
    uint8_t *bytes = mem_new(1, RECORD_BYTES_MAX);
    struct sign_result result;
    size_t size = safety_encode(record, bytes, RECORD_BYTES_MAX);
    struct sign_job job = {.record = span_of(bytes, size)};
    enum signer_event event = SIGNER_NOTHING;

    bool is_sent = size > 0 && signer_send(node->signer, &job) == APM_OK;
    for (int waited_ms = 0; is_sent && event == SIGNER_NOTHING && waited_ms < REPAIR_TIMEOUT_MS;
         waited_ms += 100) {
        struct pollfd fd = {.fd = signer_fd(node->signer), .events = POLLIN};
        (void)poll(&fd, 1, 100); /* an error shows as no answer */
        event = signer_receive(node->signer, &result);
    }
    free(bytes);
    return event == SIGNER_SIGNED;
}

/* Durability 2: file, store, or neither. */
static bool choose_record(struct node *node, struct safety_record *ret_record)
{
    struct safety_found found = {
        .file_state = node->hello->file_state,
        .is_newest_torn = node->hello->is_newest_torn,
        .file = node->hello->file_state == SAFETY_FILE_GOOD ? &node->hello->record : NULL,
        .store = node->loaded_record,
        .instance = node->genesis->cards[node->self].instance,
    };

    switch (safety_reconcile(&found, ret_record, &node->start_reason)) {
    case SAFETY_START_FILE:
        return true;
    case SAFETY_START_REPAIR:
        LOG_WARN("safety_file_repaired",
                 F_STR("reason", safety_start_reason_text(node->start_reason)));
        return repair_file(node, ret_record);
    case SAFETY_START_OBSERVE:
        LOG_ERROR("observing", F_STR("reason", safety_start_reason_text(node->start_reason)),
                  F_STR("detail", node->hello->why.text),
                  F_STR("next", "it signs again only after a reinstatement"));
        return true;
    }
    return false;
}

/* ---- the core ---- */

static void feed_proof(struct node *node)
{
    struct commit_proof proof;

    if (node->loaded_proof == NULL ||
        commit_proof_decode(span_of(node->loaded_proof, node->loaded_proof_size), &proof) !=
            CERT_OK ||
        commit_proof_verify(core_set(node->core), &proof) != CERT_OK)
        return;
    struct input input = {.kind = proof.is_child_qc ? INPUT_QC : INPUT_CC, .from = VALIDATOR_NONE};
    if (proof.is_child_qc)
        input.qc = &proof.qc;
    else
        input.cc = &proof.cc;
    act_input(node, &input);
}

static void feed_blocks(struct node *node)
{
    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX; i++) {
        struct pooled_block *block = &node->pool.blocks[i];
        struct wire_proposal message;
        struct proposal proposal;
        if (!block->is_used ||
            wire_decode_as(WIRE_proposal, span_of(block->proposal, block->proposal_size),
                           &message) != WIRE_OK ||
            !verify_proposal_form(node, &message, &proposal))
            continue;
        struct input input = {
            .kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE, .proposal = &proposal};
        struct hash id = block->id;
        act_input(node, &input);
        if (!core_has_block(node->core, &id))
            payload_forget(node, &id);
    }
}

static void restore_roots(struct node *node)
{
    uint64_t tip = node->loaded_tip.height;

    for (uint64_t back = 0; back < EXECUTED_ROOTS && back < tip; back++)
        core_restore_root(node->core, tip - back,
                          &node->loaded_roots[(tip - back) % EXECUTED_ROOTS]);
}

static void on_loaded(void *context)
{
    struct node *node = context;
    struct safety_record *record = mem_new(1, sizeof(*record));

    if (node->is_load_failed || !choose_record(node, record)) {
        if (!node->is_load_failed)
            node_fail(node, APM_ERR_IO);
        free(record);
        return;
    }
    node->persister.counter = record->counter;
    struct executed_root executed = {execution_height(node->execution),
                                     execution_state_root(node->execution)};
    randombytes_buf(&node->core_config.nonce, sizeof(node->core_config.nonce));
    /* The record's epoch, where the store has come that far; else the core follows it there. */
    bool is_there = record->proof.kind != EPOCH_PROOF_NONE &&
                    epoch_proof_height(&record->proof) <= node->loaded_tip.height;
    node->core_config.epoch_proof = is_there ? &record->proof : NULL;
    core_init(node->core, &node->core_config, record, &node->loaded_tip, &executed);
    node->core_config.epoch_proof = NULL;
    restore_roots(node);
    free(record);
    node->phase = NODE_RUNNING;
    peer_watch_start(&node->watch, clock_mono_ms());
    LOG_INFO("loaded", F_U64("height", node->loaded_tip.height),
             F_HASH("state_root", &executed.root), F_U64("counter", node->persister.counter));
    act_tick(node);
    feed_proof(node);
    feed_blocks(node);
}

void start_load(struct node *node)
{
    struct store_loader loader = {
        .context = node,
        .safety = on_safety,
        .committed = on_committed,
        .uncommitted = on_uncommitted,
        .loaded = on_loaded,
    };

    node->loaded_tip = (struct tip){
        .rank = {node->genesis->set.epoch, 0, 0},
        .block = node->genesis->set.root,
        .time_ms = node->genesis->created_ms,
        .author = VALIDATOR_NONE,
    };
    store_load(node->store, &loader);
}
