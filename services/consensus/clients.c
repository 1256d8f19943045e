/* Frames from clients and bundles from peers, through the verifier threads, into the
 * mempool. */
#include "services/consensus/node.h"

#include "common/clock.h"
#include "common/outcome.h"

/* A job's tag: a waiter's index, or a peer. */
#define TAG_PEER (UINT64_C(1) << 32)

/* Signature checks that one validator may have under way: what it floods us with waits for
 * its own checks, and the others' and the clients' keep their place. */
#define PEER_VERIFY_MAX (4u * BLOCK_BUNDLES_MAX)

/* Frames taken per turn before others get theirs. */
#define DOOR_BUDGET 256u
#define VERIFIED_BUDGET 512u

/* ---- verified bundles ---- */

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
    clients_reply(node, &waiter->client, bundle, err, detail);
    if (err == APM_OK)
        waiters_hang(node->waiters, waiter, bundle);
    else
        waiters_give_back(node->waiters, waiter);
}

static void recall(struct node *node, struct waiter *waiter, const struct hash *bundle)
{
    struct client_ref client = waiter->client;

    waiters_give_back(node->waiters, waiter);
    recall_outcome(node, &client, bundle);
}

static enum metric_label refusal_label(enum outcome code)
{
    switch (code) {
    case OUTCOME_NO_RIGHT:
        return LABEL_no_right;
    case OUTCOME_EXPIRED:
        return LABEL_expired;
    case OUTCOME_UNKNOWN_TYPE:
    case OUTCOME_DERIVED_TYPE:
        return LABEL_unknown_type;
    case OUTCOME_BAD_PAYLOAD:
        return LABEL_malformed;
    /* clang-format off */
    case OUTCOME_APPLIED: case OUTCOME_UNKNOWN_ACTOR: case OUTCOME_REPLAYED:
    case OUTCOME_UNKNOWN_SCHEMA: case OUTCOME_STATE_FULL: case OUTCOME_UNKNOWN_NAMESPACE:
    case OUTCOME_LEASE_CONFLICT: case OUTCOME_LEASE_NOT_FOUND: case OUTCOME_LEASE_NOT_HOLDER:
    case OUTCOME_LEASE_LAPSED: case OUTCOME_CAPABILITY_NOT_FOUND: case OUTCOME_CAPABILITY_EXISTS:
    case OUTCOME_CAPABILITY_REVOKED: case OUTCOME_CAPABILITY_NOT_SUBSET:
    case OUTCOME_CAPABILITY_NOT_OWNER: case OUTCOME_CAPABILITY_EXPIRED:
    case OUTCOME_CAPABILITY_TOO_DEEP: case OUTCOME_KEY_ROTATED_AWAY: case OUTCOME_KEY_NOT_PROVED:
    case OUTCOME_KEY_IN_USE: case OUTCOME_KEY_NOT_OWNER:
        break;
        /* clang-format on */
    }
    return LABEL_other;
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
    metric_add(node->env->metrics, METRIC_client_refused_total, refusal_label(refusal.code), 1);
    finish(node, waiter, &job->bundle.id, APM_ERR_REJECTED, detail);
    return true;
}

static void take_clients(struct node *node, const struct verify_job *job)
{
    struct waiter *waiter = waiters_at(node->waiters, (uint32_t)job->tag);
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
        metric_add(node->env->metrics, METRIC_client_refused_total, LABEL_expired, 1);
        finish(node, waiter, id, APM_ERR_REJECTED, text);
    } else {
        metric_add(node->env->metrics, METRIC_busy_total, busy_label(verdict), 1);
        finish(node, waiter, id, APM_ERR_BUSY, text);
    }
}

static void take_peers(struct node *node, const struct verify_job *job)
{
    uint32_t peer = (uint32_t)(job->tag & UINT32_MAX);

    node->n_verifying[peer]--;
    if (job->verdict == BUNDLE_BAD_SIGNATURE)
        accuse_bad_signature(node, peer);
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

static void on_submit(struct node *node, const struct client_ref *from, const struct key *origin,
                      const struct wire_submit *submit)
{
    static const struct hash unknown = {{0}};
    struct client_ref client = *from;
    struct waiter *waiter = node->phase == NODE_RUNNING ? waiters_take(node->waiters) : NULL;

    client.request = submit->request;
    if (waiter == NULL) {
        const char *why = node->phase == NODE_RUNNING ? "too many clients wait" : "not ready";
        metric_add(node->env->metrics, METRIC_busy_total, LABEL_mempool_full, 1);
        clients_reply(node, &client, &unknown, APM_ERR_BUSY, why);
        return;
    }
    waiter->client = client;
    waiter->arrived_us = clock_mono_us();
    struct verify_job job = {
        .body = body_new(submit->bundle),
        .origin = *origin,
        .tag = waiters_index(node->waiters, waiter),
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
    struct verify_job job = {.tag = TAG_PEER | peer, .origin = node->genesis->cards[peer].key};
    if (node->n_verifying[peer] < PEER_VERIFY_MAX) {
        job.body = body_new(bytes);
        if (verify_pool_submit(node->verify_pool, &job) == APM_OK) {
            node->n_verifying[peer]++;
            return;
        }
        body_unref(&job.body);
    }
    metric_add(node->env->metrics, METRIC_busy_total, LABEL_rate, 1);
}

static const struct admin_query *open_query(struct span verb)
{
    /* What any client may ask; the rest is for the node's own operators. */
    static const char *const open[] = {"account"};

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
    clients_send(node, client, act_encode(node, WIRE_answer, &answer));
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
