#include "services/cli/verify_chain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/hash.h"
#include "common/ledger/replay.h"

struct walk {
    const struct verify_plan *plan;
    struct ledger ledger;
    struct ledger_segments segments; /* what the block at hand added */
    struct hash parent;
    uint64_t height;        /* of the last block checked */
    uint64_t unproven_from; /* first height without a covering proof, 0 = none */
    struct hash roots[BUNDLE_EXPIRY_HEIGHTS_MAX + 1]; /* state root by height, newest ones */
    struct hash genesis_root;                         /* as the first header that cites it says */
    bool has_genesis_root;
    struct bundle_view bundles[BLOCK_BUNDLES_MAX];
    struct verify_totals totals;
    struct verify_finding *finding;
    struct complaint *complaint;
};

#define ROOTS_KEPT (BUNDLE_EXPIRY_HEIGHTS_MAX + 1u)

__attribute__((format(printf, 4, 5))) static enum apm_err
found(struct walk *walk, const char *table, uint64_t height, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(walk->finding->text, sizeof(walk->finding->text), format, args);
    va_end(args);
    walk->finding->table = table;
    walk->finding->height = height;
    return APM_ERR_CORRUPT;
}

/* Where the records of this height begin: in `space`, or in its first namespace; by
 * the replayed records where segment_v1 says nothing. */
static void locate(struct walk *walk, uint64_t height, struct span space)
{
    struct store_segment_row rows[STORE_SEGMENTS_MAX];
    struct complaint ignored = {0};
    uint32_t n = 0, chosen = 0;
    if (store_segments(walk->plan->reader, height, rows, &n, &ignored) != APM_OK || n == 0) {
        const struct ledger_head *kernel = ledger_find(&walk->ledger, span_of("kernel", 6));
        (void)snprintf(walk->finding->space, sizeof(walk->finding->space), "kernel");
        walk->finding->seq = kernel != NULL ? kernel->n_records : 0;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (span_eq(rows[i].space, space))
            chosen = i;
    }
    (void)snprintf(walk->finding->space, sizeof(walk->finding->space), "%.*s",
                   (int)rows[chosen].space.size, (const char *)rows[chosen].space.data);
    walk->finding->seq = rows[chosen].first_seq;
}

static enum apm_err check_links(struct walk *walk, const struct store_block_row *row,
                                const struct wire_header *header)
{
    if (!hash_eq(&header->parent, &walk->parent))
        return found(walk, "block", row->height, "its parent is not the block below it");
    return APM_OK;
}

/* prev_state: what a quorum said of an earlier height's state. */
static enum apm_err check_cited_state(struct walk *walk, const struct wire_header *header)
{
    uint64_t cited = header->prev_height;
    if (cited >= header->height)
        return found(walk, "block", header->height, "it cites the state of a later height");
    if (cited == 0) {
        if (!walk->has_genesis_root)
            walk->genesis_root = header->prev_root;
        walk->has_genesis_root = true;
        if (!hash_eq(&walk->genesis_root, &header->prev_root))
            return found(walk, "block", header->height, "it cites another state of genesis");
        return APM_OK;
    }
    if (header->height - cited < ROOTS_KEPT &&
        !hash_eq(&walk->roots[cited % ROOTS_KEPT], &header->prev_root))
        return found(walk, "committed", cited,
                     "state_root is not what the block at height %llu cites",
                     (unsigned long long)header->height);
    return APM_OK;
}

static enum apm_err replay(struct walk *walk, const struct store_block_row *row,
                           const struct checked_block *checked)
{
    struct ledger_block block = {
        .height = row->height,
        .bundles = checked->bundles,
        .n_bundles = checked->n_bundles,
    };
    enum records_verdict verdict =
        ledger_replay(&walk->ledger, &block, row->outcomes, &walk->segments);
    if (verdict != RECORDS_OK)
        return found(walk, "committed", row->height, "outcomes: %s", records_verdict_text(verdict));
    return APM_OK;
}

static bool is_left_out(const struct walk *walk, const char *space)
{
    return walk->plan->space != NULL && strcmp(walk->plan->space, space) != 0;
}

/* `row` is NULL where there is none. */
static enum apm_err check_segment(struct walk *walk, uint64_t height,
                                  const struct store_segment_row *row,
                                  const struct ledger_segment *want)
{
    const char *what = NULL;
    const char *space = want->head->space;
    if (row == NULL)
        what = "the row is missing";
    else if (is_left_out(walk, space))
        return APM_OK;
    else if (!span_eq(row->space, span_of(space, strlen(space))))
        what = "namespace is not what the records give";
    else if (row->first_seq != want->first_seq)
        what = "first_seq is not what the records give";
    else if (row->n_records != want->n_records)
        what = "n_records is not what the records give";
    else if (!hash_eq(&row->chain, &want->head->chain))
        what = "chain is not what the records give";
    else if (!hash_eq(&row->tree_root, &want->tree_root))
        what = "tree_root is not what the records give";
    if (what == NULL)
        return APM_OK;
    (void)snprintf(walk->finding->space, sizeof(walk->finding->space), "%s", space);
    walk->finding->seq = want->first_seq;
    return found(walk, "segment", height, "%s", what);
}

/* segment_v1 has what this block added, and nothing else up to it. */
static enum apm_err check_segments(struct walk *walk, uint64_t height)
{
    struct store_segment_row row;
    enum apm_err err = APM_OK;
    for (uint32_t i = 0; i < walk->segments.n && err == APM_OK; i++) {
        const struct ledger_segment *want = &walk->segments.list[i];
        err = store_peek_segment(walk->plan->reader, &row, walk->complaint);
        bool is_there = err == APM_OK && row.height == height;
        if (err == APM_OK || err == APM_ERR_NOT_FOUND)
            err = check_segment(walk, height, is_there ? &row : NULL, want);
        if (err == APM_OK)
            store_take_segment(walk->plan->reader);
        walk->totals.records += is_left_out(walk, want->head->space) ? 0 : want->n_records;
    }
    if (err == APM_OK)
        err = store_peek_segment(walk->plan->reader, &row, walk->complaint);
    if (err == APM_OK && row.height <= height)
        return found(walk, "segment", row.height, "it has a namespace that the block has not");
    return err == APM_ERR_NOT_FOUND ? APM_OK : err;
}

static enum apm_err check_roots(struct walk *walk, const struct store_block_row *row)
{
    struct hash ledger = ledger_root(&walk->ledger);
    struct hash state = state_root_of(&row->authority_root, &ledger);
    if (!hash_eq(&ledger, &row->ledger_root))
        return found(walk, "committed", row->height, "ledger_root is not what the records give");
    if (!hash_eq(&state, &row->state_root))
        return found(walk, "committed", row->height,
                     "state_root is not made of authority and ledger root");
    walk->roots[row->height % ROOTS_KEPT] = state;
    walk->totals.state_root = state;
    return APM_OK;
}

/* Segments and ledger_root both follow from the outcomes: when neither fits, it is not
 * they that are wrong. */
static enum apm_err check_outcome(struct walk *walk, const struct store_block_row *row)
{
    struct hash ledger = ledger_root(&walk->ledger);
    enum apm_err err = check_segments(walk, row->height);
    if (err == APM_ERR_CORRUPT && !hash_eq(&ledger, &row->ledger_root))
        return found(walk, "committed", row->height,
                     "outcomes give neither the segments nor the ledger_root");
    return err == APM_OK ? check_roots(walk, row) : err;
}

static void note_proof(struct walk *walk, const struct checked_block *block)
{
    if (block->has_proof)
        walk->unproven_from = 0;
    else if (walk->unproven_from == 0)
        walk->unproven_from = block->header.height;
}

static struct span space_of_bundle(const struct checked_block *block, const struct hash *bundle)
{
    for (uint32_t i = 0; i < BLOCK_BUNDLES_MAX && !hash_is_zero(bundle); i++) {
        if (hash_eq(&block->bundles[i].id, bundle))
            return block->bundles[i].body.space;
    }
    return (struct span){0};
}

/* A bundle that two blocks list stands in the index once, where it came first. */
static enum apm_err check_earlier(struct walk *walk, uint64_t height, const struct hash *bundle)
{
    struct store_place place;
    enum apm_err err = store_find_place(walk->plan->reader, bundle, &place, walk->complaint);
    if (err == APM_ERR_NOT_FOUND)
        return found(walk, "bundle_index", height, "bundle %.16s... is missing",
                     hash_to_text(bundle).text);
    if (err == APM_OK && place.height > height)
        return found(walk, "bundle_index", height, "bundle %.16s... stands at height %llu",
                     hash_to_text(bundle).text, (unsigned long long)place.height);
    return err;
}

/* The index has each bundle of this block at its place, and nothing else up to it. */
static enum apm_err check_index(struct walk *walk, const struct checked_block *block)
{
    uint64_t height = block->header.height;
    struct store_place place = {0};
    enum apm_err err = APM_OK;
    for (uint32_t i = 0; i < block->n_bundles && err == APM_OK; i++) {
        const struct hash *id = &block->bundles[i].id;
        err = store_peek_place(walk->plan->reader, &place, walk->complaint);
        bool is_here = err == APM_OK && place.height == height && place.position == i &&
                       hash_eq(&place.bundle, id);
        if (is_here)
            store_take_place(walk->plan->reader);
        else if (err == APM_OK || err == APM_ERR_NOT_FOUND)
            err = check_earlier(walk, height, id);
    }
    if (err == APM_OK)
        err = store_peek_place(walk->plan->reader, &place, walk->complaint);
    if (err == APM_OK && place.height <= height)
        return found(walk, "bundle_index", height, "bundle %.16s... is not at position %llu",
                     hash_to_text(&place.bundle).text, (unsigned long long)place.position);
    return err == APM_ERR_NOT_FOUND ? APM_OK : err;
}

/* Which of the two ids is wrong: the block above repeats the right one. */
static enum apm_err no_body(struct walk *walk, const struct store_block_row *row)
{
    struct hash repeated;
    enum apm_err err =
        store_parent_at(walk->plan->reader, row->height + 1, &repeated, walk->complaint);
    if (err != APM_OK && err != APM_ERR_NOT_FOUND)
        return err;
    bool is_right = err == APM_OK && hash_eq(&repeated, &row->block);
    locate(walk, row->height, (struct span){0});
    return found(walk, is_right ? "block" : "committed", row->height,
                 "no body is stored for block %.16s...", hash_to_text(&row->block).text);
}

static enum apm_err check_block(struct walk *walk, const struct store_block_row *row)
{
    struct checked_block block = {.bundles = walk->bundles};
    struct block_fault fault;
    if (row->proposal.size == 0)
        return no_body(walk, row);
    memset(walk->bundles, 0, sizeof(walk->bundles));
    if (!verify_block(walk->plan->genesis, row, &block, &fault)) {
        locate(walk, row->height, space_of_bundle(&block, &fault.bundle));
        return found(walk, fault.table, row->height, "%s", fault.text);
    }
    enum apm_err err = check_links(walk, row, &block.header);
    if (err == APM_OK)
        err = check_cited_state(walk, &block.header);
    if (err == APM_OK)
        err = replay(walk, row, &block);
    if (err == APM_OK)
        err = check_outcome(walk, row);
    if (err == APM_OK)
        err = check_index(walk, &block);
    if (err == APM_ERR_CORRUPT && walk->finding->space[0] == 0)
        locate(walk, walk->finding->height, (struct span){0});
    if (err != APM_OK)
        return err;
    note_proof(walk, &block);
    walk->totals.blocks++;
    walk->totals.bundles += block.n_bundles;
    walk->totals.last_block = row->block;
    walk->parent = row->block;
    walk->height = row->height;
    return APM_OK;
}

/* Rows that belong to no committed block. */
static enum apm_err check_strays(struct walk *walk)
{
    uint64_t height = 0;
    const char *table = NULL;
    enum apm_err err =
        store_stray_height(walk->plan->reader, walk->height, &height, &table, walk->complaint);
    if (err == APM_ERR_NOT_FOUND)
        return APM_OK;
    return err != APM_OK ? err : found(walk, table, height, "no block was committed there");
}

static enum apm_err check_all(struct walk *walk)
{
    struct store_block_row row;
    uint64_t tip = 0;
    enum apm_err err = store_tip_height(walk->plan->reader, &tip, walk->complaint);
    if (err != APM_OK)
        return err;
    while ((err = store_next_block(walk->plan->reader, &row, walk->complaint)) == APM_OK) {
        if (row.height != walk->height + 1) {
            locate(walk, walk->height + 1, (struct span){0});
            return found(walk, "committed", walk->height + 1, "the block is missing");
        }
        err = check_block(walk, &row);
        if (err != APM_OK)
            return err;
        if (walk->plan->progress != NULL)
            walk->plan->progress(row.height, tip);
    }
    if (err != APM_ERR_NOT_FOUND)
        return err;
    if (walk->unproven_from != 0)
        return found(walk, "committed", walk->unproven_from, "no commit proof covers it");
    return check_strays(walk);
}

/* kernel and the namespaces genesis grants rights in. */
static bool start_ledger(struct walk *walk)
{
    const struct genesis *genesis = walk->plan->genesis;
    struct span spaces[GENESIS_ACTORS_MAX];
    for (uint32_t i = 0; i < genesis->n_actors; i++)
        spaces[i] = span_of(genesis->actors[i].space, strlen(genesis->actors[i].space));
    return ledger_start(&walk->ledger, spaces, genesis->n_actors);
}

enum apm_err verify_chain(const struct verify_plan *plan, struct verify_totals *ret_totals,
                          struct verify_finding *ret_finding, struct complaint *ret_complaint)
{
    struct walk *walk = mem_new(1, sizeof(*walk));
    *ret_finding = (struct verify_finding){0};
    walk->plan = plan;
    walk->parent = plan->genesis->set.root;
    walk->finding = ret_finding;
    walk->complaint = ret_complaint;
    enum apm_err err = start_ledger(walk)
                           ? check_all(walk)
                           : complain(ret_complaint, APM_ERR_GENESIS, "too many namespaces");
    if (err == APM_OK)
        *ret_totals = walk->totals;
    free(walk);
    return err;
}
