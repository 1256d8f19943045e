/* Bundles: from clients and peers through the verifier threads into the mempool, out to
 * the other validators, and their outcomes back to whoever waits. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/outcome.h"

/* Clients that may wait at a time: every pending bundle's, and those being verified. */
#define WAITERS_MAX (2u * MEMPOOL_BUNDLES_MAX)
#define WAITER_HEADS (2u * MEMPOOL_BUNDLES_MAX)
#define WAITER_NONE UINT32_MAX

/* A job's tag: a waiter's index, or a peer. */
#define TAG_PEER (UINT64_C(1) << 32)

/* Frames taken per turn before others get theirs. */
#define DOOR_BUDGET 256u
#define VERIFIED_BUDGET 512u

/* Bodies per bundles message, by their bytes. */
#define OUTBOX_BYTES (512u * KIB)

void clients_init(struct node *node)
{
    node->waiters = mem_new(WAITERS_MAX, sizeof(*node->waiters));
    node->waiter_heads = mem_new(WAITER_HEADS, sizeof(*node->waiter_heads));
    memset(node->waiter_heads, 0xff, WAITER_HEADS * sizeof(*node->waiter_heads));
    node->waiter_free = WAITER_NONE;
    node->outbox_bodies = mem_new(MEMPOOL_BUNDLES_MAX, sizeof(struct body *));
}

void clients_release(struct node *node)
{
    for (uint32_t i = 0; i < node->n_outbox; i++)
        body_unref(&node->outbox_bodies[i]);
    free(node->outbox_bodies);
    free(node->waiters);
    free(node->waiter_heads);
}

/* ---- answers ---- */

static void send_to(struct node *node, const struct client_ref *client, struct span frame)
{
    switch (client->kind) {
    case CLIENT_NONE:
        break;
    case CLIENT_DOOR:
        if (door_send(node->door, &client->route, frame) == APM_ERR_BUSY)
            metric_add(node->env->metrics, METRIC_notification_drops_total, LABEL_none, 1);
        break;
    case CLIENT_ADMIN:
        if (!admin_send(node->env->admin, span_of(client->route.bytes, client->route.size), frame))
            metric_add(node->env->metrics, METRIC_notification_drops_total, LABEL_none, 1);
        break;
    }
}

void clients_reply(struct node *node, const struct client_ref *client, uint64_t request,
                   const struct hash *bundle, enum apm_err err, const char *detail)
{
    const char *name = apm_err_name(err);
    struct wire_submit_reply reply = {
        .request = request,
        .bundle = *bundle,
        .error = span_of(name, strlen(name)),
        .detail = span_of(detail, strnlen(detail, 256)),
    };

    send_to(node, client, act_encode(node, WIRE_submit_reply, &reply));
}

void clients_send_outcome(struct node *node, const struct client_ref *client,
                          const struct wire_outcome *outcome)
{
    send_to(node, client, act_encode(node, WIRE_outcome, outcome));
}

/* ---- who waits for what ---- */

static uint32_t head_of(const struct hash *bundle)
{
    uint32_t word;

    memcpy(&word, bundle->b, sizeof(word)); /* a hash: as good as random */
    return word % WAITER_HEADS;
}

static struct waiter *waiter_take(struct node *node)
{
    uint32_t index = node->waiter_free;

    if (index != WAITER_NONE)
        node->waiter_free = node->waiters[index].next;
    else if (node->n_waiters < WAITERS_MAX)
        index = node->n_waiters++;
    else
        return NULL;
    node->waiters[index] = (struct waiter){.is_used = true, .next = WAITER_NONE};
    return &node->waiters[index];
}

static void waiter_give_back(struct node *node, struct waiter *waiter)
{
    waiter->is_used = false;
    waiter->next = node->waiter_free;
    node->waiter_free = (uint32_t)(waiter - node->waiters);
}

static void waiter_hang(struct node *node, struct waiter *waiter, const struct hash *bundle)
{
    uint32_t *head = &node->waiter_heads[head_of(bundle)];

    waiter->bundle = *bundle;
    waiter->next = *head;
    *head = (uint32_t)(waiter - node->waiters);
}

void clients_outcome(struct node *node, const struct wire_outcome *outcome)
{
    uint32_t *link = &node->waiter_heads[head_of(&outcome->bundle)];

    while (*link != WAITER_NONE) {
        struct waiter *waiter = &node->waiters[*link];
        if (!hash_eq(&waiter->bundle, &outcome->bundle)) {
            link = &waiter->next;
            continue;
        }
        struct wire_outcome message = *outcome;
        message.request = waiter->request;
        *link = waiter->next;
        clients_send_outcome(node, &waiter->client, &message);
        metric_observe(node->env->metrics, METRIC_finality,
                       (double)(clock_mono_us() - waiter->arrived_us) / 1e6);
        waiter_give_back(node, waiter);
    }
}

/* ---- verified bundles ---- */

static void disseminate(struct node *node, struct body *body)
{
    if (node->n_outbox < MEMPOOL_BUNDLES_MAX)
        node->outbox_bodies[node->n_outbox++] = body_ref(body);
}

static enum mempool_verdict add_to_mempool(struct node *node, const struct verify_job *job,
                                           bool is_from_peer)
{
    struct mempool_item item = {
        .id = job->bundle.id,
        .body = job->body,
        .origin = job->origin,
        .is_from_peer = is_from_peer,
        .actor = job->bundle.body.actor,
        .nonce = job->bundle.body.nonce,
        .expiry_height = job->bundle.body.expiry_height,
        .received_ms = clock_mono_ms(),
    };

    return mempool_add(node->mempool, &item);
}

static enum metric_label busy_label(enum mempool_verdict verdict)
{
    if (verdict == MEMPOOL_BUSY_ACTOR)
        return LABEL_actor_quota;
    return verdict == MEMPOOL_BUSY_ORIGIN ? LABEL_origin_quota : LABEL_mempool_full;
}

/* The client's part ends here unless the bundle waits for its outcome. */
static void finish(struct node *node, struct waiter *waiter, const struct hash *bundle,
                   enum apm_err err, const char *detail)
{
    clients_reply(node, &waiter->client, waiter->request, bundle, err, detail);
    if (err == APM_OK)
        waiter_hang(node, waiter, bundle);
    else
        waiter_give_back(node, waiter);
}

static void recall(struct node *node, struct waiter *waiter, const struct hash *bundle)
{
    struct client_ref client = waiter->client;
    uint64_t request = waiter->request;

    waiter_give_back(node, waiter);
    recall_outcome(node, &client, request, bundle);
}

/* What execution would certainly reject is refused before it costs a place in a block. */
static bool is_refused_now(struct node *node, struct waiter *waiter, const struct verify_job *job)
{
    struct authority_refusal refusal = authority_admit(
        execution_authority(node->execution), &job->bundle, node->view.committed.height + 1);
    char detail[256];

    if (refusal.code == OUTCOME_APPLIED)
        return false;
    if (refusal.code == OUTCOME_REPLAYED) {
        recall(node, waiter, &job->bundle.id); /* its own earlier submission, or another's */
        return true;
    }
    int n = snprintf(detail, sizeof(detail), "%s: %s", outcome_name((uint8_t)refusal.code),
                     outcome_text((uint8_t)refusal.code));
    if (refusal.event < job->bundle.body.n_events && n > 0 && (size_t)n < sizeof(detail))
        (void)snprintf(detail + n, sizeof(detail) - (size_t)n, " (event %u%s%s%s%s)",
                       refusal.event + 1, refusal.field[0] ? ", payload." : "", refusal.field,
                       refusal.reason[0] ? " " : "", refusal.reason);
    metric_add(node->env->metrics, METRIC_client_refused_total,
               refusal.code == OUTCOME_NO_RIGHT ? LABEL_no_right : LABEL_other, 1);
    finish(node, waiter, &job->bundle.id, APM_ERR_REJECTED, detail);
    return true;
}

static void take_clients(struct node *node, const struct verify_job *job)
{
    struct waiter *waiter = &node->waiters[job->tag];
    const struct hash *id = &job->bundle.id;

    if (job->verdict != BUNDLE_OK) {
        metric_add(node->env->metrics, METRIC_client_refused_total,
                   job->verdict == BUNDLE_BAD_SIGNATURE ? LABEL_bad_signature
                   : job->verdict == BUNDLE_WRONG_CHAIN ? LABEL_wrong_chain
                                                        : LABEL_malformed,
                   1);
        finish(node, waiter, id, APM_ERR_BAD_INPUT, bundle_verdict_text(job->verdict));
        return;
    }
    enum mempool_verdict seen = mempool_seen(node->mempool, id);
    if (seen == MEMPOOL_DUPLICATE) {
        finish(node, waiter, id, APM_OK, "");
        return;
    }
    if (seen == MEMPOOL_COMMITTED) {
        recall(node, waiter, id);
        return;
    }
    if (is_refused_now(node, waiter, job))
        return;
    enum mempool_verdict verdict = add_to_mempool(node, job, false);
    const char *text = mempool_verdict_text(verdict);
    if (verdict == MEMPOOL_ADDED) {
        disseminate(node, job->body);
        finish(node, waiter, id, APM_OK, "");
    } else if (verdict == MEMPOOL_EXPIRED || verdict == MEMPOOL_EXPIRY_TOO_FAR) {
        finish(node, waiter, id, APM_ERR_REJECTED, text);
    } else {
        metric_add(node->env->metrics, METRIC_busy_total, busy_label(verdict), 1);
        finish(node, waiter, id, APM_ERR_BUSY, text);
    }
}

static void take_peers(struct node *node, const struct verify_job *job)
{
    uint32_t peer = (uint32_t)(job->tag & UINT32_MAX);

    if (job->verdict == BUNDLE_OK)
        (void)add_to_mempool(node, job, true); /* busy: asked for if a block lists it */
    else
        peer_refuse(node, peer,
                    job->verdict == BUNDLE_BAD_SIGNATURE ? LABEL_bad_signature : LABEL_malformed,
                    bundle_verdict_text(job->verdict));
}

bool clients_on_verified(void *arg, short revents)
{
    struct node *node = arg;
    struct verify_job jobs[64];
    size_t total = 0;
    size_t n;

    (void)revents;
    do {
        n = verify_pool_drain(node->verify_pool, jobs, N_ELEMENTS(jobs));
        for (size_t i = 0; i < n; i++) {
            if (jobs[i].tag & TAG_PEER)
                take_peers(node, &jobs[i]);
            else
                take_clients(node, &jobs[i]);
            body_unref(&jobs[i].body);
        }
        total += n;
    } while (n == N_ELEMENTS(jobs) && total < VERIFIED_BUDGET);
    return n == N_ELEMENTS(jobs);
}

/* ---- frames in ---- */

static void on_submit(struct node *node, const struct client_ref *client, const struct key *origin,
                      const struct wire_submit *submit)
{
    static const struct hash unknown = {{0}};
    struct waiter *waiter = node->phase == NODE_RUNNING ? waiter_take(node) : NULL;

    if (waiter == NULL) {
        const char *why = node->phase == NODE_RUNNING ? "too many clients wait" : "not ready";
        metric_add(node->env->metrics, METRIC_busy_total, LABEL_mempool_full, 1);
        clients_reply(node, client, submit->request, &unknown, APM_ERR_BUSY, why);
        return;
    }
    waiter->client = *client;
    waiter->request = submit->request;
    waiter->arrived_us = clock_mono_us();
    struct verify_job job = {
        .body = body_new(submit->bundle),
        .origin = *origin,
        .tag = (uint64_t)(waiter - node->waiters),
    };
    if (verify_pool_submit(node->verify_pool, &job) != APM_OK) {
        body_unref(&job.body);
        metric_add(node->env->metrics, METRIC_busy_total, LABEL_rate, 1);
        finish(node, waiter, &unknown, APM_ERR_BUSY, "signature checks are queued to the limit");
    }
}

void clients_peer_bundle(struct node *node, uint32_t peer, struct span bytes)
{
    struct wire_bundle bundle;

    if (bytes.size > BUNDLE_BYTES_MAX || wire_decode_as(WIRE_bundle, bytes, &bundle) != WIRE_OK) {
        peer_refuse(node, peer, LABEL_malformed, "bundle");
        return;
    }
    struct hash id = hash_bytes(bundle.body);
    if (mempool_seen(node->mempool, &id) != MEMPOOL_ADDED)
        return;
    struct verify_job job = {.body = body_new(bytes), .tag = TAG_PEER | peer};
    job.origin = node->genesis->cards[peer].key;
    if (verify_pool_submit(node->verify_pool, &job) != APM_OK) {
        metric_add(node->env->metrics, METRIC_busy_total, LABEL_rate, 1);
        body_unref(&job.body);
    }
}

static const struct admin_query *open_query(struct span verb)
{
    /* What any client may ask; the rest is for the node's own operators. */
    static const char *const open[] = {"account", "event_get"};

    for (size_t i = 0; i < N_ELEMENTS(open); i++)
        if (span_eq(verb, span_of(open[i], strlen(open[i]))))
            for (const struct admin_query *row = node_queries; row->verb != NULL; row++)
                if (strcmp(row->verb, open[i]) == 0 && row->answer != NULL)
                    return row;
    return NULL;
}

static void on_query(struct node *node, const struct client_ref *client,
                     const struct wire_query *query)
{
    const struct admin_query *row = open_query(query->verb);
    enum apm_err err = APM_ERR_DENIED;
    struct buf body;

    buf_init(&body, JSON_BYTES_MAX);
    if (row != NULL)
        err = row->answer(node, query->args, &body);
    else
        admin_error_body(&body, "not a question clients may ask", NULL);
    const char *name = apm_err_name(err);
    struct wire_answer answer = {query->request, span_of(name, strlen(name)), buf_span(&body)};
    send_to(node, client, act_encode(node, WIRE_answer, &answer));
    buf_release(&body);
}

void clients_frame(struct node *node, const struct client_ref *client, const struct key *origin,
                   struct span frame)
{
    struct wire_message message;

    if (wire_decode(frame, &message) != WIRE_OK) {
        metric_add(node->env->metrics, METRIC_client_refused_total, LABEL_malformed, 1);
        return;
    }
    if (message.id == WIRE_submit)
        on_submit(node, client, origin, &message.submit);
    else if (message.id == WIRE_query)
        on_query(node, client, &message.query);
    else
        metric_add(node->env->metrics, METRIC_client_refused_total, LABEL_malformed, 1);
}

bool clients_on_door(void *arg, short revents)
{
    struct node *node = arg;
    struct door_message message;

    (void)revents;
    for (uint32_t i = 0; i < DOOR_BUDGET; i++) {
        switch (door_receive(node->door, &message)) {
        case DOOR_NOTHING:
            return false;
        case DOOR_REFUSED:
            metric_add(node->env->metrics, METRIC_client_refused_total, LABEL_malformed, 1);
            break;
        case DOOR_MESSAGE: {
            struct client_ref client = {.kind = CLIENT_DOOR, .route = message.route};
            struct key origin;
            memcpy(origin.b, message.origin.b, sizeof(origin.b));
            clients_frame(node, &client, &origin, message.body);
            door_message_release(&message);
            break;
        }
        }
    }
    return true;
}

/* ---- the end of a turn ---- */

static void send_bodies(struct node *node, uint32_t first, uint32_t n)
{
    struct wire_bundles message = {.bundles = {.n = n, .items = node->spans}};

    for (uint32_t i = 0; i < n; i++)
        node->spans[i] = body_span(node->outbox_bodies[first + i]);
    (void)bus_send_all(node->bus, act_encode(node, WIRE_bundles, &message));
}

static void flush_outbox(struct node *node)
{
    uint32_t first = 0;
    size_t bytes = 0;

    for (uint32_t i = 0; i < node->n_outbox; i++) {
        bytes += node->outbox_bodies[i]->size;
        bool is_full = bytes >= OUTBOX_BYTES || i + 1 - first == BLOCK_BUNDLES_MAX;
        if (!is_full && i + 1 < node->n_outbox)
            continue;
        send_bodies(node, first, i + 1 - first);
        first = i + 1;
        bytes = 0;
    }
    for (uint32_t i = 0; i < node->n_outbox; i++)
        body_unref(&node->outbox_bodies[i]);
    node->n_outbox = 0;
}

/* At half of the stall time a body goes to everybody again (PROTOCOL, Timers). */
static void resend_old(struct node *node, uint64_t now_ms)
{
    struct hash ids[BLOCK_BUNDLES_MAX];
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
    struct mempool_item gone[64];
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

void clients_turn(struct node *node, uint64_t now_ms)
{
    resend_old(node, now_ms);
    expire(node);
    flush_outbox(node);
}
