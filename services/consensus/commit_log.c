/* Committed blocks on their way: bodies here, stored, executed, told, recorded. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

/* Executed rows handed to the store at a time; while it is busy they gather here. */
#define ROWS_MAX COMMIT_LOG_MAX
#define ROWS_BATCH 128u
/* A transaction of them at most this often: it costs as much for one as for many, and
 * nobody waits for it. */
#define ROWS_PACE_MS 25u
/* Of one turn: behind by many blocks, the node still answers. */
#define EXECUTE_MS 20u

void commit_log_init(struct commit_log *log)
{
    log->entries = mem_new(COMMIT_LOG_MAX, sizeof(*log->entries));
    log->rows = mem_new(ROWS_MAX, sizeof(*log->rows));
}

struct commit_entry *commit_log_find(const struct commit_log *log, uint64_t height)
{
    for (uint32_t i = 0; i < log->n; i++)
        if (commit_log_at(log, i)->height == height)
            return commit_log_at(log, i);
    return NULL;
}

struct commit_entry *commit_log_find_id(const struct commit_log *log, const struct hash *id)
{
    for (uint32_t i = 0; i < log->n; i++)
        if (hash_eq(&commit_log_at(log, i)->id, id))
            return commit_log_at(log, i);
    return NULL;
}

uint64_t commit_entry_bytes(const struct commit_entry *entry)
{
    uint64_t bytes = entry->proposal_size;

    for (uint32_t i = 0; i < entry->n_bundles; i++)
        bytes += entry->bodies[i] != NULL ? entry->bodies[i]->size : 0;
    return bytes;
}

static void release_entry(struct commit_entry *entry)
{
    for (uint32_t i = 0; i < entry->n_bundles; i++)
        body_unref(&entry->bodies[i]);
    free(entry->bodies);
    free(entry->proposal);
    free(entry->proof);
    *entry = (struct commit_entry){.height = 0};
}

void commit_log_release(struct commit_log *log)
{
    for (uint32_t i = 0; i < log->n; i++)
        release_entry(commit_log_at(log, i));
    for (uint32_t i = 0; i < log->n_rows; i++)
        executed_row_release(&log->rows[i]);
    free(log->entries);
    free(log->rows);
    *log = (struct commit_log){.n = 0};
}

static struct hash id_at(struct span ids, uint32_t i)
{
    struct hash id;

    memcpy(&id, ids.data + i * sizeof(id), sizeof(id));
    return id;
}

/* Takes a reference to every body before the mempool lets go of it. */
static void keep_bodies(struct node *node, struct commit_entry *entry)
{
    entry->bodies = mem_new(entry->n_bundles + 1, sizeof(struct body *));
    for (uint32_t i = 0; i < entry->n_bundles; i++) {
        struct hash id = id_at(entry->ids, i);
        struct body *body = mempool_body(node->mempool, &id);
        if (body != NULL)
            entry->bodies[i] = body_ref(body);
        else
            entry->n_missing++;
    }
}

static void keep_proof(struct commit_entry *entry, const struct commit_proof *proof)
{
    uint8_t bytes[QC_BYTES_MAX];

    if (proof == NULL)
        return;
    entry->proof_size = commit_proof_encode(proof, bytes, sizeof(bytes));
    MUST(entry->proof_size > 0);
    entry->proof = mem_new(1, entry->proof_size);
    memcpy(entry->proof, bytes, entry->proof_size);
}

static struct commit_entry entry_of_pooled(struct node *node, struct pooled_block *block)
{
    struct commit_entry entry = {
        .id = block->id,
        .header = block->header,
        .height = block->header.height,
        .proposal = block->proposal,
        .proposal_size = block->proposal_size,
        .ids = block->ids,
        .n_bundles = block->n_bundles,
        .is_stored = block->is_stored,
    };

    block->proposal = NULL; /* moved, ids with it */
    keep_bodies(node, &entry);
    pooled_block_release(block);
    return entry;
}

/* A block of a peer's range: copied out of the message with its bodies. */
static struct commit_entry entry_of_staged(const struct staged_block *staged)
{
    struct commit_entry entry = {
        .id = staged->id,
        .header = staged->header,
        .height = staged->header.height,
        .proposal = mem_new(1, staged->proposal.size),
        .proposal_size = staged->proposal.size,
        .n_bundles = staged->n_bundles,
        .bodies = mem_new(staged->n_bundles + 1, sizeof(struct body *)),
    };
    size_t cursor = 0;
    struct span bytes;

    memcpy(entry.proposal, staged->proposal.data, staged->proposal.size);
    entry.ids =
        span_of(entry.proposal + (staged->ids.data - staged->proposal.data), staged->ids.size);
    for (uint32_t i = 0; blobs_next(&staged->bundles, &cursor, &bytes); i++)
        entry.bodies[i] = body_new(bytes);
    return entry;
}

/* The core commits only blocks it was given: pooled, or staged for a range. The log has
 * room, because a node this far behind takes no more (peer.c, sync.c). */
void commit_append(struct node *node, const struct action *action)
{
    struct pooled_block *pooled = block_pool_find(&node->pool, &action->commit.block);
    const struct staged_block *staged = sync_staged(node, &action->commit.block);

    MUST((pooled != NULL || staged != NULL) && node->log.n < COMMIT_LOG_MAX);
    uint64_t proposed_us = pooled != NULL && staged == NULL ? pooled->seen_us : 0;
    struct commit_entry *entry = commit_log_at(&node->log, node->log.n++);
    if (staged != NULL) {
        *entry = entry_of_staged(staged);
        if (pooled != NULL) {
            entry->is_stored = pooled->is_stored;
            pooled_block_release(pooled);
        }
    } else {
        *entry = entry_of_pooled(node, pooled);
    }
    entry->committed_ms = clock_mono_ms();
    node->log.bytes += commit_entry_bytes(entry);
    keep_proof(entry, action->commit.proof);
    votes_committed(node, &entry->header, action->commit.proof);
    mempool_commit(node->mempool, &entry->id, (const struct hash *)entry->ids.data,
                   entry->n_bundles);
    metric_add(node->env->metrics, METRIC_proposals_total, LABEL_committed, 1);
    if (proposed_us != 0)
        metric_observe(node->env->metrics, METRIC_finalization_latency,
                       (double)(clock_mono_us() - proposed_us) / 1e6);
}

void commit_fill(struct node *node, struct commit_entry *entry, const struct blobs *bundles)
{
    size_t cursor = 0;
    struct span bytes;

    if (bundles->n != entry->n_bundles)
        return;
    for (uint32_t i = 0; i < entry->n_bundles && blobs_next(bundles, &cursor, &bytes); i++) {
        struct bundle_view view;
        struct hash id = id_at(entry->ids, i);
        if (entry->bodies[i] != NULL ||
            bundle_parse(bytes, &node->genesis->chain, &view) != BUNDLE_OK ||
            !hash_eq(&view.id, &id))
            continue;
        entry->bodies[i] = body_new(bytes);
        entry->n_missing--;
        node->log.bytes += bytes.size;
    }
}

/* ---- execution ---- */

static void tell_clients(struct node *node, const struct commit_entry *entry,
                         const struct bundle_view *bundles, const struct executed *executed)
{
    size_t code = 0;

    for (uint32_t i = 0; i < entry->n_bundles; i++) {
        struct wire_outcome outcome = {
            .bundle = bundles[i].id,
            .height = entry->height,
            .index = i,
            .block = entry->id,
            .codes = span_of(executed->codes.data + code, bundles[i].events.n),
        };
        clients_outcome(node, &outcome);
        code += bundles[i].events.n;
    }
}

/* All of them were parsed when they came in. */
static uint64_t reopen_bodies(const struct commit_entry *entry, struct bundle_view *views)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < entry->n_bundles; i++) {
        views[i] = bundle_reopen(body_span(entry->bodies[i]));
        bytes += entry->bodies[i]->size;
    }
    return bytes;
}

static void execute(struct node *node, const struct commit_entry *entry)
{
    struct bundle_view *views = mem_new(entry->n_bundles + 1, sizeof(*views));
    uint64_t start_us = clock_mono_us();
    uint64_t bytes = reopen_bodies(entry, views);
    struct executed executed;

    execution_apply(node->execution, &entry->header, views, entry->n_bundles, &executed);
    struct metrics *metrics = node->env->metrics;
    metric_observe(metrics, METRIC_execute, (double)(clock_mono_us() - start_us) / 1e6);
    metric_observe(metrics, METRIC_block_bytes, (double)bytes);
    metric_observe(metrics, METRIC_block_bundles, entry->n_bundles);
    metric_add(metrics, METRIC_events_total, LABEL_applied, executed.n_applied);
    metric_add(metrics, METRIC_events_total, LABEL_rejected, executed.n_rejected);
    tell_clients(node, entry, views, &executed);
    MUST(node->log.n_rows < ROWS_MAX);
    executed_row_init(&node->log.rows[node->log.n_rows++], entry, &executed);

    struct input input = {.kind = INPUT_EXECUTED, .from = VALIDATOR_NONE};
    input.executed.height = entry->height;
    input.executed.root = executed.state_root;
    free(views);
    act_input(node, &input);
}

/* ---- the line ---- */

/* Bodies that peers have dropped since can only come as part of the committed block. */
static void fetch_bodies(struct node *node, const struct commit_entry *entry, uint64_t now_ms)
{
    if (now_ms >= entry->committed_ms + 100)
        sync_begin(node, VALIDATOR_NONE, 0);
}

static void store_blocks(struct node *node)
{
    for (uint32_t i = 0; i < node->log.n; i++) {
        struct commit_entry *entry = commit_log_at(&node->log, i);
        if (entry->is_stored || entry->n_missing > 0 || entry->is_storing)
            continue;
        if (node->persister.n_queued >= PERSIST_JOBS_MAX / 2)
            return;
        entry->is_storing = true;
        persist_block(node, &entry->id);
    }
}

static bool is_paced(const struct node *node, uint64_t now_ms)
{
    return node->log.n_rows >= ROWS_BATCH || now_ms >= node->log.rows_sent_ms + ROWS_PACE_MS;
}

static void send_rows(struct node *node, uint64_t now_ms)
{
    struct store_commit_row rows[ROWS_BATCH];
    uint32_t n = node->log.n_rows < ROWS_BATCH ? node->log.n_rows : ROWS_BATCH;

    if (n == 0 || node->log.n_rows_sent > 0 || !store_can_commit(node->store) ||
        !is_paced(node, now_ms))
        return;
    node->log.rows_sent_ms = now_ms;
    for (uint32_t i = 0; i < n; i++)
        rows[i] = node->log.rows[i].row;
    node->log.n_rows_sent = n;
    store_commit(node->store, rows, n);
}

void commit_on_rows(struct node *node, uint64_t height)
{
    uint32_t n = node->log.n_rows_sent;

    MUST(n > 0 && node->log.rows[n - 1].row.height == height);
    for (uint32_t i = 0; i < n; i++)
        executed_row_release(&node->log.rows[i]);
    node->log.n_rows -= n;
    node->log.n_rows_sent = 0;
    memmove(node->log.rows, node->log.rows + n, node->log.n_rows * sizeof(node->log.rows[0]));
}

static bool can_execute(const struct commit_log *log)
{
    const struct commit_entry *entry = commit_log_at(log, 0);

    return log->n > 0 && log->n_rows < ROWS_MAX && entry->n_missing == 0 && entry->is_stored;
}

static void execute_first(struct node *node)
{
    struct commit_log *log = &node->log;
    struct commit_entry taken = *commit_log_at(log, 0);

    log->first = (log->first + 1) % COMMIT_LOG_MAX;
    log->n--;
    log->bytes -= commit_entry_bytes(&taken);
    execute(node, &taken);
    release_entry(&taken);
}

void commit_turn(struct node *node, uint64_t now_ms)
{
    const struct commit_log *log = &node->log;
    uint64_t until_ms = clock_mono_ms() + EXECUTE_MS;

    store_blocks(node);
    if (log->n > 0 && commit_log_at(log, 0)->n_missing > 0)
        fetch_bodies(node, commit_log_at(log, 0), now_ms);
    while (can_execute(log) && clock_mono_ms() <= until_ms)
        execute_first(node);
    send_rows(node, now_ms);
}

uint64_t commit_deadline(const struct node *node)
{
    bool waits = node->log.n_rows > 0 && node->log.n_rows_sent == 0;

    if (can_execute(&node->log))
        return 0; /* at once: the last turn's time was over */
    return waits ? node->log.rows_sent_ms + ROWS_PACE_MS : CLOCK_NEVER;
}
