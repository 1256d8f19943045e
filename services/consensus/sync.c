/* Catching up without help: committed blocks by range from one peer after another, until
 * this node's apm2-anti-entropy offers them (offer.c). A certificate and hash links decide, never
 * what a peer claims. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

/* A step commits all of a range: its actions must fit (ACTIONS_MAX). */
#define RANGE_ASKED 128u
#define ASK_TIMEOUT_MS 1000u

static bool is_behind(struct node *node)
{
    const struct commit_entry *first = node->log.n > 0 ? commit_log_at(&node->log, 0) : NULL;

    return node->sync.tip_height > node->view.committed.height ||
           (first != NULL && first->n_missing > 0);
}

/* The first height whose block or bodies are not here. */
static uint64_t wanted_height(struct node *node)
{
    for (uint32_t i = 0; i < node->log.n; i++) {
        const struct commit_entry *entry = commit_log_at(&node->log, i);
        if (entry->n_missing > 0)
            return entry->height;
    }
    return node->view.committed.height + 1;
}

/* Whoever seems furthest ahead, and another one after each failure. */
static uint32_t choose_peer(const struct node *node)
{
    uint32_t n = node->genesis->n_validators;
    uint32_t best = (node->self + 1 + node->sync.n_failures) % n;

    if (best == node->self)
        best = (best + 1) % n;
    for (uint32_t i = 0; i < n && node->sync.n_failures == 0; i++)
        if (i != node->self &&
            node->view.peers[i].committed_height > node->view.peers[best].committed_height)
            best = i;
    return best;
}

static void ask(struct node *node, uint64_t now_ms)
{
    struct syncer *sync = &node->sync;
    struct wire_range_request request = {
        .request = ++sync->request,
        .from_height = wanted_height(node),
        .max_blocks = RANGE_ASKED,
    };

    sync->is_waiting = true;
    sync->asked_ms = now_ms;
    (void)bus_send(node->bus, sync->peer, act_encode(node, WIRE_range_request, &request));
}

void sync_begin(struct node *node, uint32_t peer, uint64_t signers)
{
    struct syncer *sync = &node->sync;

    (void)signers;
    if (sync->is_active)
        return;
    sync->is_active = true;
    sync->is_waiting = false;
    sync->request_answered = false;
    sync->n_failures = 0;
    sync->started_ms = clock_mono_ms();
    sync->started_height = node->view.committed.height;
    sync->peer =
        peer < node->genesis->n_validators && peer != node->self ? peer : choose_peer(node);
    sync->tip_height = node->view.peers[sync->peer].committed_height;
}

static void fail(struct node *node)
{
    node->sync.is_waiting = false;
    node->sync.n_failures++;
    node->sync.peer = choose_peer(node);
}

static void end(struct node *node, uint64_t now_ms)
{
    uint64_t n = node->view.committed.height - node->sync.started_height;

    node->sync.is_active = false;
    if (n > CHAIN_WINDOW)
        LOG_INFO("caught_up", F_U64("height", node->view.committed.height), F_U64("blocks", n),
                 F_U64("took_ms", now_ms - node->sync.started_ms));
}

void sync_turn(struct node *node, uint64_t now_ms)
{
    struct syncer *sync = &node->sync;

    if (!sync->is_active)
        return;
    if (sync->is_waiting && now_ms >= sync->asked_ms + ASK_TIMEOUT_MS)
        fail(node);
    if (sync->is_waiting || commit_log_is_busy(&node->log))
        return;
    if (sync->n_failures > 2 * node->genesis->n_validators ||
        (sync->n_failures == 0 && sync->request_answered && !is_behind(node))) {
        end(node, now_ms);
        return;
    }
    if (!offer_is_fed(node, now_ms))
        ask(node, now_ms);
}

uint64_t sync_deadline(const struct node *node)
{
    return node->sync.is_active && node->sync.is_waiting ? node->sync.asked_ms + ASK_TIMEOUT_MS
                                                         : CLOCK_NEVER;
}

/* ---- what comes back ---- */

/* Bodies that belong: the ids in the header's payload_root, each event under its bundle's
 * root. Under a valid certificate signatures need not be checked again. */
static bool are_bodies_right(const struct node *node, const struct staged_block *staged)
{
    size_t cursor = 0;
    struct span bytes;
    uint32_t i = 0;

    if (staged->bundles.n != staged->n_bundles)
        return false;
    while (blobs_next(&staged->bundles, &cursor, &bytes)) {
        struct bundle_view view;
        struct hash id;
        memcpy(&id, staged->ids.data + i * sizeof(id), sizeof(id));
        if (bundle_parse(bytes, &node->genesis->chain, &view) != BUNDLE_OK ||
            !hash_eq(&view.id, &id))
            return false;
        i++;
    }
    return true;
}

static bool stage(struct node *node, struct span bytes, struct staged_block *ret_staged)
{
    struct wire_sync_block block;
    struct wire_proposal message;
    struct proposal proposal;

    if (wire_decode_as(WIRE_sync_block, bytes, &block) != WIRE_OK ||
        wire_decode_as(WIRE_proposal, block.proposal, &message) != WIRE_OK ||
        !verify_proposal_form(node, &message, &proposal))
        return false;
    *ret_staged = (struct staged_block){
        .id = proposal.id,
        .header = proposal.header,
        .proposal = block.proposal,
        .ids = message.bundles,
        .n_bundles = (uint32_t)(message.bundles.size / sizeof(struct hash)),
        .bundles = block.bundles,
    };
    return are_bodies_right(node, ret_staged);
}

/* Blocks we have committed already but whose bodies are missing: the id is the proof. */
static void fill_known(struct node *node, const struct staged_block *staged)
{
    struct commit_entry *entry = commit_log_find(&node->log, staged->header.height);

    if (entry != NULL && hash_eq(&entry->id, &staged->id) && entry->n_missing > 0)
        commit_fill(node, entry, &staged->bundles);
}

struct offer {
    struct wire_header *headers;
    struct hash *ids;
    uint32_t n;
};

static bool offer_staged(struct node *node, uint32_t from, const struct offer *offer,
                         struct span proof_bytes)
{
    struct commit_proof proof;
    struct input input = {.kind = INPUT_RANGE, .from = from};

    if (!verify_cert(node, from, commit_proof_decode(proof_bytes, &proof), "range proof") ||
        !verify_cert(node, from, commit_proof_verify(core_set(node->core), &proof), "range proof"))
        return false;
    struct hash proven = commit_proof_block(&proof);
    if (!hash_eq(&proven, &offer->ids[offer->n - 1])) {
        peer_refuse(node, from, LABEL_bad_certificate, "range proof of another block");
        return false;
    }
    input.range.headers = offer->headers;
    input.range.ids = offer->ids;
    input.range.n = offer->n;
    input.range.proof = &proof;
    act_input(node, &input);
    return true;
}

bool sync_take(struct node *node, uint32_t from, const struct wire_range *range)
{
    struct offer offer = {mem_new(RANGE_ASKED, sizeof(*offer.headers)),
                          mem_new(RANGE_ASKED, sizeof(*offer.ids)), 0};
    size_t cursor = 0;
    struct span bytes;
    bool is_good = true;

    node->n_staged = 0;
    while (is_good && blobs_next(&range->blocks, &cursor, &bytes)) {
        struct staged_block staged;
        is_good = node->n_staged < RANGE_ASKED && stage(node, bytes, &staged);
        if (!is_good) {
            peer_refuse(node, from, LABEL_malformed, "block of a range");
        } else if (staged.header.height <= node->view.committed.height) {
            fill_known(node, &staged);
        } else {
            node->staged[node->n_staged++] = staged;
            offer.headers[offer.n] = staged.header;
            offer.ids[offer.n++] = staged.id;
        }
    }
    if (is_good && offer.n > 0)
        is_good = offer_staged(node, from, &offer, range->proof);
    node->n_staged = 0;
    free(offer.headers);
    free(offer.ids);
    return is_good;
}

void sync_on_range(struct node *node, uint32_t from, const struct wire_range *range)
{
    struct syncer *sync = &node->sync;
    uint64_t before = node->view.committed.height;
    uint64_t wanted = wanted_height(node);

    if (!sync->is_waiting || from != sync->peer || range->request != sync->request)
        return;
    sync->is_waiting = false;
    sync->request_answered = true;
    if (!sync_take(node, from, range)) {
        fail(node);
        return;
    }
    bool is_progress = node->view.committed.height > before || wanted_height(node) > wanted;
    if (range->tip_height > sync->tip_height || is_progress)
        sync->tip_height = range->tip_height;
    if (!is_progress && is_behind(node))
        fail(node); /* it has nothing for us: ask another */
    else
        sync->n_failures = 0;
}

const struct staged_block *sync_staged(const struct node *node, const struct hash *id)
{
    for (uint32_t i = 0; i < node->n_staged; i++)
        if (hash_eq(&node->staged[i].id, id))
            return &node->staged[i];
    return NULL;
}
