/* Persists: the core's queued ones merged into one write, to safety file and store in
 * parallel (a block of our own: one after the other, it is stored with its signature);
 * complete when both are durable and the signer has signed. */
#include "services/consensus/node.h"

#include <poll.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/must.h"

static struct persist_job *enqueue(struct node *node)
{
    struct persister *persister = &node->persister;

    MUST(persister->n_queued < PERSIST_JOBS_MAX);
    struct persist_job *job = &persister->queue[persister->n_queued++];
    *job = (struct persist_job){.token = 0};
    return job;
}

/* A block of our own: its message goes into the pool without a signature for now. */
static void pool_own(struct node *node, const struct proposal *own)
{
    uint8_t header[HEADER_BYTES_MAX], justify[QC_BYTES_MAX], entry[ENTRY_BYTES_MAX];
    struct wire_proposal message = {
        .header = span_of(header, header_encode(&own->header, header)),
        .justify = span_of(justify, qc_encode(&own->justify, justify, sizeof(justify))),
        .bundles = span_of(node->built_ids, node->n_built * sizeof(struct hash)),
    };

    if (own->entry.kind != ENTRY_NONE)
        message.entry = span_of(entry, entry_encode(&own->entry, entry, sizeof(entry)));
    struct span bytes = act_encode(node, WIRE_proposal, &message);
    struct pooled_block *block =
        block_pool_add(&node->pool, &own->id, &own->header, bytes, node->self);
    MUST(block != NULL);
    block->seen_us = clock_mono_us();
    MUST(mempool_mark(node->mempool, &own->id, node->built_ids, node->n_built));
}

void persist_ask(struct node *node, const struct action *action)
{
    struct persist_job *job = enqueue(node);

    job->token = action->persist.token;
    job->n_intents = action->persist.n_intents;
    memcpy(job->intents, action->persist.intents, job->n_intents * sizeof(job->intents[0]));
    job->block = action->persist.block;
    job->is_record = true;
    node->persister.record = *action->persist.record;
    if (action->persist.own != NULL)
        pool_own(node, action->persist.own);
}

void persist_block(struct node *node, const struct hash *block)
{
    if (node->persister.n_queued == PERSIST_JOBS_MAX)
        return; /* the commit log asks again */
    enqueue(node)->block = *block;
}

bool persist_is_idle(const struct node *node)
{
    return node->persister.n_queued == 0 && node->persister.n_flight == 0;
}

static void send_to_signer(struct node *node, struct span record)
{
    struct persister *persister = &node->persister;
    struct intent intents[SIGN_INTENTS_MAX];
    struct sign_job job = {.token = persister->token, .record = record, .intents = intents};

    for (uint32_t i = 0; i < persister->n_flight; i++)
        for (uint32_t j = 0; j < persister->flight[i].n_intents; j++)
            intents[job.n_intents++] = persister->flight[i].intents[j];
    if (signer_send(node->signer, &job) != APM_OK) {
        LOG_ERROR("signer_gone", F_STR("meaning", "the signer child ended: nothing can be signed"));
        node_fail(node, APM_ERR_FAILED);
    }
    loop_set_events(node->env->loop, signer_fd(node->signer),
                    (short)(POLLIN | (signer_has_queued(node->signer) ? POLLOUT : 0)));
}

static bool has_record(const struct persister *persister)
{
    for (uint32_t i = 0; i < persister->n_flight; i++)
        if (persister->flight[i].is_record)
            return true;
    return false;
}

static void take_batch(struct node *node)
{
    struct persister *persister = &node->persister;
    uint32_t n = persist_batch_size(node);

    memcpy(persister->flight, persister->queue, n * sizeof(persister->queue[0]));
    memmove(persister->queue, persister->queue + n,
            (persister->n_queued - n) * sizeof(persister->queue[0]));
    persister->n_flight = n;
    persister->n_queued -= n;
}

/* Our own new block is stored as it is sent, so its signature comes first. */
static bool signs_proposal(const struct persister *persister)
{
    for (uint32_t i = 0; i < persister->n_flight; i++)
        for (uint32_t j = 0; j < persister->flight[i].n_intents; j++)
            if (persister->flight[i].intents[j].kind == INTENT_PROPOSAL)
                return true;
    return false;
}

static void write_to_store(struct node *node)
{
    struct persister *persister = &node->persister;
    struct write_list list = {.bodies = node->spans};

    persist_list(node, &list);
    MUST(list.n_bodies <= SPANS_MAX);
    struct store_write write = {.blocks = list.blocks, .n_blocks = list.n};
    if (has_record(persister)) {
        write.counter = persister->counter;
        write.instance = persister->record.instance;
        write.record = span_of(persister->bytes, persister->size);
    }
    store_persist(node->store, &write, persister->token);
}

static void take_off(struct node *node)
{
    struct persister *persister = &node->persister;

    take_batch(node);
    persister->token++;
    persister->started_us = clock_mono_us();
    persister->n_sigs = 0;
    persister->is_stored = false;
    persister->is_signed = !has_record(persister);
    if (!persister->is_signed) {
        persister->record.counter = ++persister->counter;
        persister->size =
            safety_encode(&persister->record, persister->bytes, sizeof(persister->bytes));
        MUST(persister->size > 0);
        send_to_signer(node, span_of(persister->bytes, persister->size));
    }
    if (!signs_proposal(persister))
        write_to_store(node);
}

void persist_turn(struct node *node)
{
    struct persister *persister = &node->persister;

    if (persister->n_flight == 0 && persister->n_queued > 0 && store_can_persist(node->store))
        take_off(node);
}

static void patch_own(struct node *node, const struct intent *intent, const struct sig *sig)
{
    struct pooled_block *block = block_pool_find(&node->pool, &intent->proposal.block);
    struct wire_proposal message;

    if (block == NULL)
        return;
    enum wire_verdict verdict =
        wire_decode_as(WIRE_proposal, span_of(block->proposal, block->proposal_size), &message);
    MUST(verdict == WIRE_OK);
    message.signature = *sig;
    struct span bytes = act_encode(node, WIRE_proposal, &message);
    MUST(bytes.size == block->proposal_size);
    memcpy(block->proposal, bytes.data, bytes.size);
}

static void patch_proposals(struct node *node)
{
    const struct persister *persister = &node->persister;
    uint32_t sig = 0;

    for (uint32_t i = 0; i < persister->n_flight; i++)
        for (uint32_t j = 0; j < persister->flight[i].n_intents; j++, sig++)
            if (persister->flight[i].intents[j].kind == INTENT_PROPOSAL)
                patch_own(node, &persister->flight[i].intents[j], &persister->sigs[sig]);
}

static void mark_stored(struct node *node, const struct hash *id)
{
    struct pooled_block *pooled = block_pool_find(&node->pool, id);
    struct commit_entry *logged = commit_log_find_id(&node->log, id);

    if (pooled != NULL)
        pooled->is_stored = true;
    if (logged != NULL && logged->n_missing == 0)
        logged->is_stored = true;
}

static enum metric_label signature_label(enum intent_kind kind)
{
    switch (kind) {
    case INTENT_PROPOSAL:
        return LABEL_proposal;
    case INTENT_VOTE:
        return LABEL_vote;
    case INTENT_COMMIT_VOTE:
        return LABEL_commit_vote;
    case INTENT_TIMEOUT:
        return LABEL_timeout;
    case INTENT_CHECKPOINT:
        break;
    }
    return LABEL_other;
}

static void complete_job(struct node *node, const struct persist_job *job, const struct sig *sigs)
{
    struct input input = {.kind = INPUT_PERSISTED, .from = VALIDATOR_NONE};

    if (!hash_is_zero(&job->block))
        mark_stored(node, &job->block);
    if (!job->is_record)
        return;
    input.persisted.token = job->token;
    input.persisted.n_sigs = job->n_intents;
    for (uint32_t i = 0; i < job->n_intents; i++) {
        input.persisted.sigs[i] = sigs[i];
        metric_add(node->env->metrics, METRIC_signatures_total,
                   signature_label(job->intents[i].kind), 1);
    }
    act_input(node, &input);
}

static void land(struct node *node)
{
    struct persister *persister = &node->persister;
    uint32_t n = persister->n_flight;
    uint32_t sig = 0;

    if (n == 0 || !persister->is_signed || !persister->is_stored)
        return;
    persister->n_flight = 0; /* completions may ask for more; the next write waits for the turn */
    for (uint32_t i = 0; i < n; i++) {
        struct persist_job job = persister->flight[i];
        complete_job(node, &job, persister->sigs + sig);
        sig += job.n_intents;
    }
}

static double seconds_since(uint64_t start_us)
{
    return (double)(clock_mono_us() - start_us) / 1e6;
}

void persist_on_stored(struct node *node, uint64_t token)
{
    struct persister *persister = &node->persister;

    MUST(persister->n_flight > 0 && token == persister->token);
    metric_observe(node->env->metrics, METRIC_persist, seconds_since(persister->started_us));
    persister->is_stored = true;
    land(node);
}

static void on_signed(struct node *node, const struct sign_result *result)
{
    struct persister *persister = &node->persister;

    if (result->token != persister->token)
        return; /* the repair before the first write: start.c waits for it by itself */
    metric_observe(node->env->metrics, METRIC_sign, seconds_since(persister->started_us));
    persister->n_sigs = result->n_sigs;
    memcpy(persister->sigs, result->sigs, result->n_sigs * sizeof(result->sigs[0]));
    persister->is_signed = true;
    if (signs_proposal(persister)) {
        patch_proposals(node);
        write_to_store(node);
    }
    land(node);
}

bool persist_on_signer(void *arg, short revents)
{
    struct node *node = arg;
    struct sign_result result;

    if ((revents & POLLOUT) && signer_flush(node->signer) != APM_OK)
        node_fail(node, APM_ERR_FAILED);
    for (;;) {
        switch (signer_receive(node->signer, &result)) {
        case SIGNER_NOTHING:
            loop_set_events(node->env->loop, signer_fd(node->signer),
                            (short)(POLLIN | (signer_has_queued(node->signer) ? POLLOUT : 0)));
            return false;
        case SIGNER_SIGNED:
            on_signed(node, &result);
            break;
        case SIGNER_REFUSED:
            /* The signer's own record forbids what ours allowed: never argue with it. */
            LOG_ERROR("signature_refused", F_U64("intent", result.refused),
                      F_STR("verdict", safety_verdict_text(result.verdict)));
            node_fail(node, APM_ERR_FAILED);
            return false;
        case SIGNER_GONE:
            LOG_ERROR("signer_gone", F_STR("meaning", "the signer child ended: exiting"));
            node_fail(node, APM_ERR_FAILED);
            return false;
        }
    }
}
