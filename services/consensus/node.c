/* The validator's life: started, turned, drained, stopped by the service's frame. */
#include "services/consensus/node.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#define GAUGES_PERIOD_MS 200u

void node_fail(struct node *node, enum apm_err err)
{
    service_fail(node->env, err);
}

/* ---- turns ---- */

/* Tells the core what waits, when that changed. */
static void report_pending(struct node *node)
{
    struct hash blocks[POOLED_BLOCKS_MAX];
    struct mempool_chain chain = {
        blocks, block_pool_chain(&node->pool, &node->view.high_block, blocks, POOLED_BLOCKS_MAX)};
    struct mempool_pending pending;

    mempool_look_pending(node->mempool, &chain, &pending);
    bool is_same = pending.any == node->was_pending &&
                   (!pending.any || (pending.oldest_ms == node->pending_oldest_ms &&
                                     pending.is_overtaken == node->was_overtaken));
    bool must_repeat = pending.any && node->view.is_leader;
    if (is_same && !must_repeat)
        return;
    node->was_pending = pending.any;
    node->pending_oldest_ms = pending.oldest_ms;
    node->was_overtaken = pending.is_overtaken;
    struct input input = {.kind = INPUT_PENDING, .from = VALIDATOR_NONE};
    input.pending.any = pending.any;
    input.pending.oldest_ms = pending.oldest_ms;
    input.pending.is_overtaken = pending.is_overtaken;
    act_input(node, &input);
}

static void count_drops(struct node *node)
{
    for (uint32_t i = 0; i < node->genesis->n_validators; i++) {
        uint64_t n = i == node->self ? 0 : bus_drops(node->bus, i);
        metric_add_at(node->env->metrics, METRIC_zmq_dropped_total, i, n - node->n_dropped[i]);
        node->n_dropped[i] = n;
    }
}

/* What `systemctl status` shows. */
static void show_status(const struct node *node)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "height %llu; term %llu; leader %s",
                   (unsigned long long)node->view.committed.height,
                   (unsigned long long)node->view.term.term, node_name_of(node, node->view.leader));
    service_status(text);
}

static void set_gauges(struct node *node, uint64_t now_ms)
{
    struct metrics *metrics = node->env->metrics;
    struct mempool_size size = mempool_size(node->mempool);
    uint32_t n_active = 1;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        n_active += i != node->self && node_is_active(node, i, now_ms);
    metric_set(metrics, METRIC_validators_active, n_active);
    metric_set(metrics, METRIC_round_current, (double)node->view.term.term);
    metric_set(metrics, METRIC_epoch_current, (double)node->view.term.epoch);
    metric_set(metrics, METRIC_height, (double)node->view.committed.height);
    metric_set(metrics, METRIC_executed_height, (double)node->view.executed_height);
    metric_set(metrics, METRIC_is_leader, node->view.is_leader);
    metric_set(metrics, METRIC_mempool_bundles, size.bundles);
    metric_set(metrics, METRIC_mempool_bytes, (double)size.bytes);
    metric_set(metrics, METRIC_pending_transactions, size.bundles);
    metric_set(metrics, METRIC_pg_up, store_is_up(node->store));
    count_drops(node);
    accuse_gauges(node);
    show_status(node);
    node->gauges_ms = now_ms;
}

/* Away and back is worth a line: it is what operators look for first. */
static void watch_peers(struct node *node, uint64_t now_ms)
{
    peer_watch_turn(&node->watch, now_ms, node_silence_ms(node));
    for (uint32_t i = 0; i < node->genesis->n_validators; i++) {
        uint64_t away_ms =
            i == node->self ? 0 : peer_watch_heard(&node->watch, i, node->view.peers[i].seen_ms);
        if (away_ms > 0)
            LOG_INFO("peer_rejoined", F_STR("peer", node_name_of(node, i)),
                     F_U64("away_ms", away_ms));
    }
}

/* Said once when it goes and once when it is back; status has the detail meanwhile. */
static void watch_database(struct node *node, uint64_t now_ms)
{
    bool is_up = store_is_up(node->store);

    if (is_up == node->was_db_up || now_ms < node->db_grace_ms)
        return;
    node->was_db_up = is_up;
    if (is_up)
        LOG_INFO("database_up", F_STR("detail", store_detail(node->store)));
    else
        LOG_WARN("database_down", F_STR("detail", store_detail(node->store)));
}

/* Gauges may lag, but not for good: what changed since is due even if nothing happens. */
static void turn_gauges(struct node *node, uint64_t now_ms)
{
    node->are_gauges_stale = now_ms < node->gauges_ms + GAUGES_PERIOD_MS;
    if (!node->are_gauges_stale)
        set_gauges(node, now_ms);
}

static uint64_t gauges_deadline(const struct node *node)
{
    return node->are_gauges_stale ? node->gauges_ms + GAUGES_PERIOD_MS : CLOCK_NEVER;
}

static void turn_sockets(struct node *node, uint64_t now_ms)
{
    struct metrics *metrics = node->env->metrics;
    uint32_t n_cut = door_turn(node->door, now_ms);

    if (n_cut > 0)
        metric_add(metrics, METRIC_client_refused_total, LABEL_oversized, n_cut);
    n_cut = bus_turn(node->bus, now_ms);
    if (n_cut > 0)
        metric_add(metrics, METRIC_peer_refused_total, LABEL_stranger, n_cut);
}

void node_turn(void *state, uint64_t now_ms)
{
    struct node *node = state;

    watch_database(node, now_ms);
    turn_sockets(node, now_ms);
    if (node->phase == NODE_LOADING)
        return;
    if (now_ms >= core_deadline_ms(node->core))
        act_tick(node);
    watch_peers(node, now_ms);
    payload_turn(node, now_ms);
    commit_turn(node, now_ms);
    disseminate_turn(node, now_ms);
    report_pending(node);
    offer_turn(node, now_ms);
    sync_turn(node, now_ms);
    persist_turn(node);
    turn_gauges(node, now_ms);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t node_deadline_ms(void *state)
{
    struct node *node = state;

    if (node->phase == NODE_LOADING)
        return CLOCK_NEVER;
    uint64_t due = lower(core_deadline_ms(node->core), commit_deadline(node));
    due = lower(due, lower(payload_deadline(node), sync_deadline(node)));
    return lower(due, gauges_deadline(node));
}

/* ---- the end ---- */

/* Handing leadership on is a courtesy that takes a few blocks' time: never waited for
 * without a quorum, nor longer than half of what its silence would cost the others. */
static bool owes_handoff(const struct node *node)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t n_active = 1;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        n_active += i != node->self && node_is_active(node, i, now_ms);
    return node->view.is_leader && n_active >= quorum_size(node->genesis->n_validators) &&
           now_ms < node->drain_started_ms + node->core_config.round_timeout_ms / 2;
}

/* Leadership handed on, nothing half-written: then we may go. */
bool node_drain(void *state)
{
    struct node *node = state;

    if (node->phase == NODE_LOADING)
        return true;
    if (node->phase == NODE_RUNNING) {
        struct input input = {.kind = INPUT_DRAIN, .from = VALIDATOR_NONE};
        node->phase = NODE_DRAINING;
        node->drain_started_ms = clock_mono_ms();
        act_input(node, &input);
    }
    return !owes_handoff(node) && persist_is_idle(node) && node->log.n == 0 &&
           node->log.n_rows == 0;
}

static void stop_listening(struct node *node)
{
    struct loop *loop = node->env->loop;

    if (node->core == NULL)
        return; /* start failed before anything was added */
    loop_remove_socket(loop, bus_socket(node->bus));
    loop_remove_socket(loop, door_socket(node->door));
    loop_remove_fd(loop, signer_fd(node->signer));
    loop_remove_fd(loop, verify_pool_fd(node->verify_pool));
}

void node_stop(void *state)
{
    struct node *node = state;

    stop_listening(node);
    accuse_stop(node);
    store_destroy(&node->store);
    verify_pool_stop(&node->verify_pool);
    door_destroy(&node->door);
    bus_destroy(&node->bus);
    zap_destroy(&node->zap);
    signer_stop(&node->signer);
    block_pool_release(&node->pool);
    commit_log_release(&node->log);
    outbox_release(&node->outbox);
    waiters_destroy(&node->waiters);
    free(node->offers.frame);
    mempool_destroy(&node->mempool);
    if (node->arena != NULL)
        (void)munmap(node->arena, node->arena_size);
    void *owned[] = {node->core,  node->actions,       node->queue,
                     node->frame, node->spans,         node->staged,
                     node->hello, node->loaded_record, node->loaded_proof};
    for (size_t i = 0; i < N_ELEMENTS(owned); i++)
        free(owned[i]);
    genesis_destroy(&node->genesis);
}

void node_reload(void *state)
{
    struct node *node = state;

    node_configure(node);
}

void node_child_exited(void *state)
{
    /* The signer's end shows on its socket, in order with what it still answered. */
    (void)state;
}

void node_client(void *state, struct span from, struct span frame)
{
    struct node *node = state;
    struct client_ref client = {.kind = CLIENT_ADMIN};

    if (from.size > DOOR_ROUTE_BYTES_MAX)
        return;
    client.route.size = (uint8_t)from.size;
    memcpy(client.route.bytes, from.data, from.size);
    if (!offer_on_frame(node, &client, frame))
        clients_frame(node, &client, &node->genesis->cards[node->self].key, frame);
}
