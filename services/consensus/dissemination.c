/* Bundles out to the other validators: gathered during a turn, sent at its end, sent
 * again while they wait, given up when they expire. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/mem.h"

/* Bodies per bundles message, by their bytes. */
#define OUTBOX_BYTES (512u * KIB)

/* Looked for at each turn, mostly in vain, and the compiler zeroes the arrays. What is
 * left of resends waits for the next turn: that paces them, too. */
#define RESEND_BATCH 64u
#define EXPIRY_BATCH 16u

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){.bodies = mem_new(MEMPOOL_BUNDLES_MAX, sizeof(struct body *))};
}

void outbox_release(struct outbox *outbox)
{
    for (uint32_t i = 0; i < outbox->n; i++)
        body_unref(&outbox->bodies[i]);
    free(outbox->bodies);
    *outbox = (struct outbox){.n = 0};
}

void disseminate(struct node *node, struct body *body)
{
    if (node->outbox.n < MEMPOOL_BUNDLES_MAX)
        node->outbox.bodies[node->outbox.n++] = body_ref(body);
}

static void send_bodies(struct node *node, uint32_t first, uint32_t n)
{
    struct wire_bundles message = {.bundles = {.n = n, .items = node->spans}};

    for (uint32_t i = 0; i < n; i++)
        node->spans[i] = body_span(node->outbox.bodies[first + i]);
    (void)bus_send_all(node->bus, act_encode(node, WIRE_bundles, &message));
}

static void flush_outbox(struct node *node)
{
    uint32_t first = 0;
    size_t bytes = 0;

    for (uint32_t i = 0; i < node->outbox.n; i++) {
        bytes += node->outbox.bodies[i]->size;
        bool is_full = bytes >= OUTBOX_BYTES || i + 1 - first == BLOCK_BUNDLES_MAX;
        if (!is_full && i + 1 < node->outbox.n)
            continue;
        send_bodies(node, first, i + 1 - first);
        first = i + 1;
        bytes = 0;
    }
    for (uint32_t i = 0; i < node->outbox.n; i++)
        body_unref(&node->outbox.bodies[i]);
    node->outbox.n = 0;
}

/* At half of the stall time a body goes to everybody again (PROTOCOL, Timers). */
static void resend_old(struct node *node, uint64_t now_ms)
{
    struct hash ids[RESEND_BATCH];
    uint64_t half_ms = node->core_config.stall_timeout_ms / 2;

    if (now_ms < half_ms)
        return;
    uint32_t n = mempool_resend(node->mempool, now_ms - half_ms, now_ms, ids, N_ELEMENTS(ids));
    for (uint32_t i = 0; i < n; i++) {
        struct body *body = mempool_body(node->mempool, &ids[i]);
        if (body != NULL)
            disseminate(node, body);
    }
}

static void expire(struct node *node)
{
    struct mempool_item gone[EXPIRY_BATCH];
    uint32_t n;

    do {
        n = mempool_expire(node->mempool, node->view.committed.height, gone, N_ELEMENTS(gone));
        for (uint32_t i = 0; i < n; i++) {
            struct wire_outcome outcome = {.bundle = gone[i].id};
            metric_add(node->env->metrics, METRIC_events_total, LABEL_expired, 1);
            clients_outcome(node, &outcome);
        }
    } while (n == N_ELEMENTS(gone));
}

void disseminate_turn(struct node *node, uint64_t now_ms)
{
    resend_old(node, now_ms);
    expire(node);
    flush_outbox(node);
}
