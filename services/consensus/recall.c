/* The outcome of a bundle that was committed before: a client asks again after a lost
 * answer, with the same bytes, and must learn the same thing. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/ledger/replay.h"
#include "common/mem.h"
#include "common/outcome.h"

struct recall {
    struct node *node;
    struct client_ref client;
    struct hash bundle;
    uint64_t height;
    uint64_t index;
    bool is_told;
};

static void tell(struct recall *recall, enum apm_err err, const char *detail)
{
    clients_reply(recall->node, &recall->client, &recall->bundle, err, detail);
    recall->is_told = true;
}

/* The codes of the bundle at `index`: after those of the bundles before it. */
static bool find_codes(const struct recall *recall, const struct store_committed *row,
                       struct span *ret_codes)
{
    struct outcomes_view outcomes;
    struct span bytes;
    size_t cursor = 0;
    size_t before = 0;

    if (!outcomes_parse(row->outcomes, &outcomes))
        return false;
    for (uint64_t i = 0; blobs_next(&row->block.bundles, &cursor, &bytes); i++) {
        struct bundle_view view;
        if (bundle_parse(bytes, &recall->node->genesis->chain, &view) != BUNDLE_OK)
            return false;
        if (i == recall->index && before + view.events.n <= outcomes.codes.size) {
            *ret_codes = span_of(outcomes.codes.data + before, view.events.n);
            return true;
        }
        before += view.events.n;
    }
    return false;
}

/* As for a bundle that was just committed: accepted, and then its outcome. */
static void on_row(void *context, const struct store_committed *row)
{
    struct recall *recall = context;
    struct wire_outcome outcome = {
        .bundle = recall->bundle,
        .height = recall->height,
        .index = recall->index,
        .block = row->block.id,
    };

    if (!find_codes(recall, row, &outcome.codes))
        return;
    tell(recall, APM_OK, "");
    clients_send_outcome(recall->node, &recall->client, &outcome);
}

static void on_rows_done(void *context, enum apm_err err)
{
    struct recall *recall = context;

    if (!recall->is_told)
        tell(recall, err == APM_OK ? APM_ERR_CORRUPT : APM_ERR_BUSY,
             "committed, but its outcome cannot be read now");
    free(recall);
}

static void on_found(void *context, enum apm_err err, uint64_t height, uint64_t index)
{
    struct recall *recall = context;
    struct store_range range = {.from_height = height, .max_blocks = 1, .max_bytes = 1};
    struct store_reader reader = {.context = recall, .row = on_row, .done = on_rows_done};

    recall->height = height;
    recall->index = index;
    if (err == APM_OK && store_read_range(recall->node->store, &range, &reader) == APM_OK)
        return;
    /* Committed just now: its row is still on the way to the store. */
    bool is_recent = mempool_seen(recall->node->mempool, &recall->bundle) == MEMPOOL_COMMITTED;
    if (err == APM_ERR_NOT_FOUND && !is_recent) {
        metric_add(recall->node->env->metrics, METRIC_client_refused_total, LABEL_replayed, 1);
        tell(recall, APM_ERR_REJECTED, "REPLAYED: the nonce was used by another bundle");
    } else {
        tell(recall, APM_ERR_BUSY, "the database is busy");
    }
    free(recall);
}

void recall_outcome(struct node *node, const struct client_ref *client, const struct hash *bundle)
{
    struct recall *recall = mem_new(1, sizeof(*recall));
    struct store_finder finder = {.context = recall, .found = on_found};

    *recall = (struct recall){.node = node, .client = *client, .bundle = *bundle};
    if (store_find_bundle(node->store, bundle, &finder) != APM_OK) {
        tell(recall, APM_ERR_BUSY, "the database is busy");
        free(recall);
    }
}
