/* Committed blocks on their way: bodies here, stored, executed, told, recorded. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

/* Executed rows handed to the store at a time; while it is busy they gather here. */
#define ROWS_MAX COMMIT_LOG_MAX
#define ROWS_BATCH 64u
/* A transaction of them at most this often: it costs as much for one as for many, and
 * nobody waits for it. */
#define ROWS_PACE_MS 25u

static struct commit_entry *log_at(struct node *node, uint32_t i)
{
    return &node->log[(node->log_first + i) % COMMIT_LOG_MAX];
}

struct commit_entry *commit_entry_at(struct node *node, uint64_t height)
{
    for (uint32_t i = 0; i < node->log_n; i++)
        if (log_at(node, i)->height == height)
            return log_at(node, i);
    return NULL;
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

static void count_missing_votes(struct node *node, const struct commit_proof *proof)
{
    if (proof == NULL)
        return;
    uint64_t signers = proof->is_child_qc ? proof->qc.signers : proof->cc.signers;
    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        if (!(signers & (UINT64_C(1) << i))) {
            node->n_missed[i]++;
            metric_add_at(node->env->metrics, METRIC_vote_missing_total, i, 1);
        }
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
    block_release(block);
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
    struct pooled_block *pooled = block_find(node, &action->commit.block);
    const struct staged_block *staged = sync_staged(node, &action->commit.block);

    MUST((pooled != NULL || staged != NULL) && node->log_n < COMMIT_LOG_MAX);
    struct commit_entry *entry = log_at(node, node->log_n++);
    if (staged != NULL) {
        *entry = entry_of_staged(staged);
        if (pooled != NULL) {
            entry->is_stored = pooled->is_stored;
            block_release(pooled);
        }
    } else {
        *entry = entry_of_pooled(node, pooled);
    }
    entry->committed_ms = clock_mono_ms();
    keep_proof(entry, action->commit.proof);
    count_missing_votes(node, action->commit.proof);
    mempool_commit(node->mempool, &entry->id, (const struct hash *)entry->ids.data,
                   entry->n_bundles);
    metric_add(node->env->metrics, METRIC_proposals_total, LABEL_committed, 1);
    if (entry->header.author == node->self && node->proposed_ms != 0)
        metric_observe(node->env->metrics, METRIC_finalization_latency,
                       (double)(entry->committed_ms - node->proposed_ms) / 1e3);
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
    }
}

void commit_entry_release(struct commit_entry *entry)
{
    for (uint32_t i = 0; i < entry->n_bundles; i++)
        body_unref(&entry->bodies[i]);
    free(entry->bodies);
    free(entry->proposal);
    free(entry->proof);
    *entry = (struct commit_entry){.height = 0};
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

/* A row with copies of all its spans, in one allocation. */
static void add_row(struct node *node, const struct commit_entry *entry,
                    const struct executed *executed)
{
    const struct ledger_segments *segments = &executed->segments;
    size_t ids_size = entry->n_bundles * sizeof(struct hash);
    size_t segments_size = segments->n * sizeof(struct store_segment);
    size_t names_size = segments->n * (ID_BYTES_MAX + 1);

    MUST(node->n_rows < ROWS_MAX);
    struct executed_row *row = &node->rows[node->n_rows++];
    row->bytes = mem_new(1, segments_size + names_size + ids_size + entry->proof_size +
                                executed->outcomes.size + 1);
    struct store_segment *list = (struct store_segment *)(void *)row->bytes;
    uint8_t *at = row->bytes + segments_size;
    for (uint32_t i = 0; i < segments->n; i++) {
        const struct ledger_segment *segment = &segments->list[i];
        size_t size = strlen(segment->head->space);
        memcpy(at, segment->head->space, size);
        list[i] = (struct store_segment){span_of(at, size), segment->first_seq, segment->n_records,
                                         segment->head->chain, segment->tree_root};
        at += size;
    }
    row->row = (struct store_commit_row){
        .height = entry->height,
        .block = entry->id,
        .state_root = executed->state_root,
        .authority_root = executed->authority_root,
        .ledger_root = executed->ledger_root,
        .time_ms = entry->header.time_ms,
        .segments = list,
        .n_segments = segments->n,
    };
    struct {
        struct span from;
        struct span *to;
    } copies[] = {{span_of(entry->ids.data, ids_size), &row->row.bundles},
                  {span_of(entry->proof, entry->proof_size), &row->row.proof},
                  {executed->outcomes, &row->row.outcomes}};
    for (size_t i = 0; i < N_ELEMENTS(copies); i++) {
        if (copies[i].from.size > 0)
            memcpy(at, copies[i].from.data, copies[i].from.size);
        *copies[i].to = span_of(at, copies[i].from.size);
        at += copies[i].from.size;
    }
}

static uint64_t parse_bodies(struct node *node, const struct commit_entry *entry,
                             struct bundle_view *views)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < entry->n_bundles; i++) {
        enum bundle_verdict verdict =
            bundle_parse(body_span(entry->bodies[i]), &node->genesis->chain, &views[i]);
        MUST(verdict == BUNDLE_OK); /* parsed when it came in */
        bytes += entry->bodies[i]->size;
    }
    return bytes;
}

static void execute(struct node *node, const struct commit_entry *entry)
{
    struct bundle_view *views = mem_new(entry->n_bundles + 1, sizeof(*views));
    uint64_t start_us = clock_mono_us();
    uint64_t bytes = parse_bodies(node, entry, views);
    struct executed executed;

    execution_apply(node->execution, &entry->header, views, entry->n_bundles, &executed);
    struct metrics *metrics = node->env->metrics;
    metric_observe(metrics, METRIC_execute, (double)(clock_mono_us() - start_us) / 1e6);
    metric_observe(metrics, METRIC_block_bytes, (double)bytes);
    metric_observe(metrics, METRIC_block_bundles, entry->n_bundles);
    metric_add(metrics, METRIC_events_total, LABEL_applied, executed.n_applied);
    metric_add(metrics, METRIC_events_total, LABEL_rejected, executed.n_rejected);
    tell_clients(node, entry, views, &executed);
    add_row(node, entry, &executed);

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
    for (uint32_t i = 0; i < node->log_n; i++) {
        struct commit_entry *entry = log_at(node, i);
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
    return node->n_rows >= ROWS_BATCH || now_ms >= node->rows_sent_ms + ROWS_PACE_MS;
}

static void send_rows(struct node *node, uint64_t now_ms)
{
    struct store_commit_row rows[ROWS_BATCH];
    uint32_t n = node->n_rows < ROWS_BATCH ? node->n_rows : ROWS_BATCH;

    if (n == 0 || node->n_rows_sent > 0 || !store_can_commit(node->store) ||
        !is_paced(node, now_ms))
        return;
    node->rows_sent_ms = now_ms;
    for (uint32_t i = 0; i < n; i++)
        rows[i] = node->rows[i].row;
    node->n_rows_sent = n;
    store_commit(node->store, rows, n);
}

void commit_on_rows(struct node *node, uint64_t height)
{
    uint32_t n = node->n_rows_sent;

    MUST(n > 0 && node->rows[n - 1].row.height == height);
    for (uint32_t i = 0; i < n; i++)
        free(node->rows[i].bytes);
    node->n_rows -= n;
    node->n_rows_sent = 0;
    memmove(node->rows, node->rows + n, node->n_rows * sizeof(node->rows[0]));
}

void commit_turn(struct node *node, uint64_t now_ms)
{
    store_blocks(node);
    while (node->log_n > 0 && node->n_rows < ROWS_MAX) {
        struct commit_entry *entry = log_at(node, 0);
        if (entry->n_missing > 0)
            fetch_bodies(node, entry, now_ms);
        if (entry->n_missing > 0 || !entry->is_stored)
            break;
        struct commit_entry taken = *entry;
        node->log_first = (node->log_first + 1) % COMMIT_LOG_MAX;
        node->log_n--;
        execute(node, &taken);
        commit_entry_release(&taken);
    }
    send_rows(node, now_ms);
}

uint64_t commit_deadline(const struct node *node)
{
    bool waits = node->n_rows > 0 && node->n_rows_sent == 0;
    return waits ? node->rows_sent_ms + ROWS_PACE_MS : CLOCK_NEVER;
}
