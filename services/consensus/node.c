/* The validator's life: started, turned, drained, stopped by the service's frame. */
#include "services/consensus/node.h"

#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/keygen.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

#define QUEUE_INPUTS_MAX 512u

/* ---- what the store tells ---- */

static void on_persisted(void *context, uint64_t token)
{
    persist_on_stored(context, token);
}

static void on_rows(void *context, uint64_t height)
{
    commit_on_rows(context, height);
}

static void on_store_failed(void *context, enum apm_err err, const char *detail)
{
    struct node *node = context;

    LOG_ERROR("database", F_ERR(err), F_STR("detail", detail));
    node_fail(node, err);
}

void node_fail(struct node *node, enum apm_err err)
{
    service_fail(node->env, err);
}

/* ---- start ---- */

static enum apm_err say(enum apm_err err, const struct why *why)
{
    LOG_ERROR("start_failed", F_STR("error", apm_err_name(err)), F_STR("detail", why->text));
    return err;
}

static bool sibling(const char *key_file, const char *suffix, char path[1100])
{
    return keygen_sibling(key_file, suffix, path, 1100);
}

enum apm_err node_prefork(void *state, struct service_env *env)
{
    struct node *node = state;
    struct why why = {""};
    const char *key_file = conf_str(env->conf, SETTING_key_file);
    char safety_path[1100];

    node->env = env;
    if (sodium_init() < 0)
        return APM_ERR_FAILED;
    enum apm_err err = genesis_read(conf_str(env->conf, SETTING_genesis), &node->genesis, &why);
    if (err != APM_OK)
        return say(err, &why);
    if (!sibling(key_file, "safety", safety_path))
        return say(explain(&why, APM_ERR_CONFIG, "key_file: must be a path that ends in .pem"),
                   &why);
    node->hello = mem_new(1, sizeof(*node->hello));
    struct signer_config config = {key_file, safety_path, node->genesis->chain};
    err = signer_start(&config, &node->signer, node->hello, &why);
    if (err != APM_OK)
        return say(err, &why);
    node->self = genesis_index_of(node->genesis, &node->hello->key);
    if (node->self == node->genesis->n_validators)
        return say(
            explain(&why, APM_ERR_CONFIG, "%s: its key is no validator's in genesis", key_file),
            &why);
    return APM_OK;
}

static enum apm_err read_curve(const struct node *node, struct curve_pair *ret_pair,
                               struct why *why)
{
    char path[1100];
    const char *key_file = conf_str(node->env->conf, SETTING_key_file);

    if (!sibling(key_file, "consensus.pem", path))
        return explain(why, APM_ERR_CONFIG, "%s: does not end in .pem", key_file);
    return keyfile_read_curve(path, ret_pair, why);
}

static uint32_t list_peers(const struct node *node, struct bus_peer *peers)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++) {
        const struct card *card = &node->genesis->cards[i];
        if (i == node->self)
            continue;
        peers[n].index = i;
        memcpy(peers[n].address, card->address, sizeof(card->address));
        peers[n].port = card->services[CARD_CONSENSUS].port;
        peers[n].curve = card->services[CARD_CONSENSUS].curve;
        n++;
    }
    return n;
}

static enum apm_err open_network(struct node *node, struct why *why)
{
    const struct conf *conf = node->env->conf;
    struct bus_peer *peers = mem_new(VALIDATORS_MAX, sizeof(*peers));
    struct curve_pair pair;

    enum apm_err err = read_curve(node, &pair, why);
    if (err == APM_OK)
        err = zap_new(node->env->zmq, &node->zap);
    struct bus_config bus = {
        .context = node->env->zmq,
        .zap = node->zap,
        .service = "consensus",
        .curve = pair,
        .address = conf_str(conf, SETTING_address),
        .port = (uint16_t)conf_u64(conf, SETTING_port),
        .peers = peers,
        .n_peers = list_peers(node, peers),
    };
    struct door_config door = {
        .context = node->env->zmq,
        .zap = node->zap,
        .service = "consensus",
        .curve = pair,
        .address = bus.address,
        .port = (uint16_t)conf_u64(conf, SETTING_client_port),
    };
    if (err == APM_OK)
        err = bus_new(&bus, &node->bus, why);
    if (err == APM_OK)
        err = door_new(&door, &node->door, why);
    curve_pair_wipe(&pair);
    curve_pair_wipe(&bus.curve);
    curve_pair_wipe(&door.curve);
    free(peers);
    return err;
}

static enum apm_err make_execution(struct node *node, struct why *why)
{
    const struct genesis *genesis = node->genesis;
    struct authority_grant *grants = mem_new(genesis->n_actors + 1, sizeof(*grants));
    struct authority_schema *schemas = mem_new(genesis->n_schemas + 1, sizeof(*schemas));
    struct authority_genesis start = {
        .limits = {.leases = (uint32_t)genesis->parameters.leases_max,
                   .capabilities = (uint32_t)genesis->parameters.capabilities_max,
                   .actors = (uint32_t)genesis->parameters.actors_max,
                   .nonce_window = (uint32_t)genesis->parameters.nonce_window,
                   .expiry_heights_max = (uint32_t)genesis->parameters.bundle_expiry_heights_max},
        .grants = grants,
        .n_grants = genesis->n_actors,
        .schemas = schemas,
        .n_schemas = genesis->n_schemas,
    };

    for (uint32_t i = 0; i < genesis->n_actors; i++) {
        const struct genesis_actor *actor = &genesis->actors[i];
        grants[i] = (struct authority_grant){log_text(actor->capability), actor->key,
                                             log_text(actor->space), actor->allowed};
    }
    for (uint32_t i = 0; i < genesis->n_schemas; i++)
        schemas[i] = (struct authority_schema){log_text(genesis->schemas[i].type),
                                               genesis->schemas[i].digest};
    node->arena_size = execution_size(&start.limits);
    node->arena = mmap(NULL, node->arena_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    enum apm_err err;
    if (node->arena == MAP_FAILED) {
        node->arena = NULL;
        err = explain(why, APM_ERR_FAILED, "no %zu bytes of address space", node->arena_size);
    } else {
        err = execution_init(node->arena, node->arena_size, &start, &node->execution);
        if (err != APM_OK)
            (void)explain(why, err, "genesis: its grants or schemas do not fit its limits");
    }
    free(grants);
    free(schemas);
    return err;
}

static void configure_core(struct node *node)
{
    const struct conf *conf = node->env->conf;

    node->core_config.set = node->genesis->set;
    node->core_config.self = node->self;
    node->core_config.genesis_root = execution_state_root(node->execution);
    node->core_config.round_timeout_ms = conf_ms(conf, SETTING_round_timeout);
    node->core_config.heartbeat_ms = conf_ms(conf, SETTING_heartbeat);
    node->core_config.stall_timeout_ms = conf_ms(conf, SETTING_stall_timeout);
    node->core_config.backoff_max_ms = conf_ms(conf, SETTING_backoff_max);
}

static uint64_t random_u64(void)
{
    uint64_t value;

    randombytes_buf(&value, sizeof(value));
    return value;
}

static struct mempool *make_mempool(const struct node *node)
{
    const struct conf *conf = node->env->conf;
    struct mempool_limits limits = mempool_limits_default();

    limits.bundles_max = (uint32_t)conf_u64(conf, SETTING_mempool_bundles);
    limits.bytes_max = conf_bytes(conf, SETTING_mempool_bytes);
    limits.client_bundles_max = (uint32_t)conf_u64(conf, SETTING_quota_per_origin);
    limits.client_bytes_max = limits.bytes_max / 2;
    limits.actor_bundles_max = (uint32_t)conf_u64(conf, SETTING_quota_per_actor);
    return mempool_new(&limits, random_u64());
}

static void make_memory(struct node *node)
{
    node->core = mem_new(1, core_size());
    node->actions = mem_new(1, sizeof(*node->actions));
    node->queue = mem_new(QUEUE_INPUTS_MAX, sizeof(*node->queue));
    node->frame = mem_new(1, FRAME_BYTES_MAX);
    node->spans = mem_new(SPANS_MAX, sizeof(*node->spans));
    node->log = mem_new(COMMIT_LOG_MAX, sizeof(*node->log));
    node->rows = mem_new(COMMIT_LOG_MAX, sizeof(*node->rows));
    node->staged = mem_new(RANGE_BLOCKS_MAX, sizeof(*node->staged));
    node->mempool = make_mempool(node);
    clients_init(node);
}

static void listen(struct node *node)
{
    struct loop *loop = node->env->loop;

    loop_add_socket(loop, bus_socket(node->bus), POLLIN, (struct loop_fn){peer_on_bus, node});
    loop_add_socket(loop, door_socket(node->door), POLLIN, (struct loop_fn){clients_on_door, node});
    loop_add_fd(loop, signer_fd(node->signer), POLLIN, (struct loop_fn){persist_on_signer, node});
    loop_add_fd(loop, verify_pool_fd(node->verify_pool), POLLIN,
                (struct loop_fn){clients_on_verified, node});
}

static void name_validators(struct node *node)
{
    const char *names[VALIDATORS_MAX];

    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        names[i] = node->genesis->cards[i].id;
    metrics_name_validators(node->env->metrics, names, node->genesis->n_validators);
    metric_set(node->env->metrics, METRIC_quorum_size, quorum_size(node->genesis->n_validators));
}

enum apm_err node_start(void *state, struct service_env *env)
{
    struct node *node = state;
    const struct conf *conf = env->conf;
    struct why why = {""};

    node->env = env;
    enum apm_err err = make_execution(node, &why);
    if (err == APM_OK)
        err = open_network(node, &why);
    struct verify_pool_config pool = {
        .chain = node->genesis->chain,
        .n_threads = (uint32_t)conf_u64(conf, SETTING_verify_threads),
        .jobs_max = MEMPOOL_BUNDLES_MAX,
        .bytes_max = MEMPOOL_BYTES_MAX,
    };
    if (err == APM_OK)
        err = verify_pool_start(&pool, &node->verify_pool);
    if (err != APM_OK)
        return say(err, &why);
    make_memory(node);
    configure_core(node);
    name_validators(node);
    struct store_config store = {
        .conninfo = conf_str(conf, SETTING_database),
        .node = env->node,
        .chain = node->genesis->chain,
        .timeout_ms = 10000,
        .seed = random_u64(),
    };
    struct store_events events = {node, on_persisted, on_rows, on_store_failed};
    node->store = store_new(&store, &events);
    store_attach(node->store, env->loop);
    listen(node);
    start_load(node);
    return APM_OK;
}

/* ---- turns ---- */

/* Tells the core what waits, when that changed. */
static void report_pending(struct node *node)
{
    struct hash blocks[POOLED_BLOCKS_MAX];
    struct mempool_chain chain = {
        blocks, block_chain(node, &node->view.high_block, blocks, POOLED_BLOCKS_MAX)};
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
    node->gauges_ms = now_ms;
}

void node_turn(void *state, uint64_t now_ms)
{
    struct node *node = state;

    if (node->phase == NODE_LOADING)
        return;
    if (now_ms >= core_deadline_ms(node->core))
        act_tick(node);
    payload_turn(node, now_ms);
    commit_turn(node, now_ms);
    clients_turn(node, now_ms);
    report_pending(node);
    sync_turn(node, now_ms);
    persist_turn(node);
    if (now_ms >= node->gauges_ms + 200)
        set_gauges(node, now_ms);
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
    return lower(core_deadline_ms(node->core), lower(payload_deadline(node), sync_deadline(node)));
}

/* ---- the end ---- */

/* Handing leadership on is a courtesy: never waited for without a quorum, nor for long. */
static bool owes_handoff(const struct node *node)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t n_active = 1;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        n_active += i != node->self && node_is_active(node, i, now_ms);
    return node->view.is_leader && n_active >= quorum_size(node->genesis->n_validators) &&
           now_ms < node->drain_started_ms + 2 * node->core_config.round_timeout_ms;
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
    return !owes_handoff(node) && persist_is_idle(node) && node->log_n == 0 && node->n_rows == 0;
}

static void free_blocks(struct node *node)
{
    for (uint32_t i = 0; i < POOLED_BLOCKS_MAX; i++)
        if (node->blocks[i].is_used)
            block_release(&node->blocks[i]);
    for (uint32_t i = 0; node->log != NULL && i < node->log_n; i++)
        commit_entry_release(&node->log[(node->log_first + i) % COMMIT_LOG_MAX]);
    for (uint32_t i = 0; node->rows != NULL && i < node->n_rows; i++)
        free(node->rows[i].bytes);
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
    store_destroy(&node->store);
    verify_pool_stop(&node->verify_pool);
    door_destroy(&node->door);
    bus_destroy(&node->bus);
    zap_destroy(&node->zap);
    signer_stop(&node->signer);
    free_blocks(node);
    if (node->waiters != NULL)
        clients_release(node);
    mempool_destroy(&node->mempool);
    if (node->arena != NULL)
        (void)munmap(node->arena, node->arena_size);
    void *owned[] = {node->core,  node->actions,       node->queue,       node->frame,
                     node->spans, node->log,           node->rows,        node->staged,
                     node->hello, node->loaded_record, node->loaded_proof};
    for (size_t i = 0; i < N_ELEMENTS(owned); i++)
        free(owned[i]);
    genesis_destroy(&node->genesis);
}

void node_reload(void *state)
{
    struct node *node = state;

    configure_core(node);
    if (node->phase != NODE_LOADING)
        core_configure(node->core, &node->core_config);
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
    clients_frame(node, &client, &node->genesis->cards[node->self].key, frame);
}
