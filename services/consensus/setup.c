/* Everything a validator is made of, put together from settings, keys and genesis. */
#include "services/consensus/node.h"

#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/kernel_schema.h"
#include "common/keygen.h"
#include "common/log.h"
#include "common/mem.h"

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
    enum apm_err err = genesis_read(conf_str(env->conf, SETTING_genesis), &node->genesis, &why);
    if (err == APM_OK)
        err = kernel_schema_check(node->genesis, &why);
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

static struct mempool_limits mempool_settings(const struct conf *conf)
{
    struct mempool_limits limits = mempool_limits_default();

    limits.bundles_max = (uint32_t)conf_u64(conf, SETTING_mempool_bundles);
    limits.bytes_max = conf_bytes(conf, SETTING_mempool_bytes);
    limits.client_bundles_max = (uint32_t)conf_u64(conf, SETTING_quota_per_origin);
    limits.client_bytes_max = limits.bytes_max / 2;
    limits.actor_bundles_max = (uint32_t)conf_u64(conf, SETTING_quota_per_actor);
    return limits;
}

void node_configure(struct node *node)
{
    struct mempool_limits limits = mempool_settings(node->env->conf);

    configure_core(node);
    if (node->phase != NODE_LOADING)
        core_configure(node->core, &node->core_config);
    mempool_set_shares(node->mempool, &limits);
}

static void make_memory(struct node *node)
{
    node->core = mem_new(1, core_size());
    node->actions = mem_new(1, sizeof(*node->actions));
    node->queue = mem_new(QUEUE_INPUTS_MAX, sizeof(*node->queue));
    node->frame = mem_new(1, FRAME_BYTES_MAX);
    node->spans = mem_new(SPANS_MAX, sizeof(*node->spans));
    commit_log_init(&node->log);
    node->staged = mem_new(RANGE_BLOCKS_MAX, sizeof(*node->staged));
    struct mempool_limits limits = mempool_settings(node->env->conf);
    node->mempool = mempool_new(&limits, random_u64());
    node->waiters = waiters_new(WAITERS_MAX);
    outbox_init(&node->outbox);
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
    metrics_name_series(node->env->metrics, names, node->genesis->n_validators);
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
    if (err == APM_OK)
        err = accuse_start(node);
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
    node->was_db_up = true;
    node->db_grace_ms = clock_mono_ms() + 2000;
    store_attach(node->store, env->loop);
    listen(node);
    start_load(node);
    return APM_OK;
}
