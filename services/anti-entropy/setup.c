/* Everything this service is made of, put together from settings, keys and genesis. */
#include "services/anti-entropy/entropy.h"

#include <poll.h>
#include <sodium.h>

#include "common/clock.h"
#include "common/keygen.h"
#include "common/log.h"
#include "common/mem.h"

static enum apm_err say(enum apm_err err, const struct why *why)
{
    LOG_ERROR("start_failed", F_STR("error", apm_err_name(err)), F_STR("detail", why->text));
    return err;
}

/* ---- what the store tells ---- */

static void on_feed(void *context, const struct store_feed *row)
{
    struct entropy *entropy = context;
    struct feed *feed = feeds_add(&entropy->feeds, &row->name);

    if (feed == NULL)
        return; /* more than the limits allow: stays in the database, unused */
    feed->edge = row->edge;
    feed_settle(&entropy->feeds, feed, &row->edge, row->head);
    feed->durable.fork_at = row->fork_at;
    const char *self = entropy_name_of(entropy, entropy->self);
    if (strcmp(feed->author, self) != 0)
        return;
    struct feed *own = feeds_own(&entropy->feeds, row->name.space);
    if (own != NULL && own->incarnation > feed->incarnation)
        return;
    if (own != NULL)
        own->is_own = false;
    feed->is_own = true;
    const struct hlc last = {feed_hlc_ms(row->edge.hlc_max), row->edge.hlc_max & HLC_COUNTER_MAX};
    if (hlc_cmp(last, entropy->clock) > 0)
        entropy->clock = last;
}

static void on_loaded(void *context)
{
    struct entropy *entropy = context;

    entropy->is_loaded = true;
    LOG_INFO("loaded", F_U64("feeds", entropy->feeds.n),
             F_U64("records", store_arrived(entropy->store)));
}

static void on_store_failed(void *context, enum apm_err err, const char *detail)
{
    struct entropy *entropy = context;

    LOG_ERROR("database", F_ERR(err), F_STR("detail", detail));
    service_fail(entropy->env, err);
}

/* ---- keys, network ---- */

static enum apm_err read_keys(struct entropy *entropy, struct curve_pair *ret_curve,
                              struct why *why)
{
    const char *key_file = conf_str(entropy->env->conf, SETTING_key_file);
    const struct genesis *genesis = entropy->genesis;
    char path[1100];

    if (!keygen_sibling(key_file, "feed.pem", path, sizeof(path)))
        return explain(why, APM_ERR_CONFIG, "key_file: must be a path that ends in .pem");
    enum apm_err err = keyfile_read_sign(path, &entropy->feed_key, why);
    if (err != APM_OK)
        return err;
    for (entropy->self = 0; entropy->self < genesis->n_validators; entropy->self++)
        if (key_eq(&genesis->cards[entropy->self].feed, &entropy->feed_key.public_key))
            break;
    if (entropy->self == genesis->n_validators)
        return explain(why, APM_ERR_CONFIG, "%s: its key is on no validator's card in genesis",
                       path);
    if (!keygen_sibling(key_file, "anti-entropy.pem", path, sizeof(path)))
        return explain(why, APM_ERR_CONFIG, "key_file: too long");
    return keyfile_read_curve(path, ret_curve, why);
}

static uint32_t list_peers(const struct entropy *entropy, struct bus_peer *peers)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < entropy->genesis->n_validators; i++) {
        const struct card *card = &entropy->genesis->cards[i];
        if (i == entropy->self)
            continue;
        peers[n].index = i;
        memcpy(peers[n].address, card->address, sizeof(card->address));
        peers[n].port = card->services[CARD_ANTI_ENTROPY].port;
        peers[n].curve = card->services[CARD_ANTI_ENTROPY].curve;
        n++;
    }
    return n;
}

static enum apm_err open_network(struct entropy *entropy, struct curve_pair *curve, struct why *why)
{
    struct bus_peer *peers = mem_new(VALIDATORS_MAX, sizeof(*peers));
    struct bus_config bus = {
        .context = entropy->env->zmq,
        .service = "anti-entropy",
        .curve = *curve,
        .address = conf_str(entropy->env->conf, SETTING_address),
        .port = (uint16_t)conf_u64(entropy->env->conf, SETTING_anti_entropy_port),
        .peers = peers,
        .n_peers = list_peers(entropy, peers),
    };

    enum apm_err err = zap_new(entropy->env->zmq, &entropy->zap);
    bus.zap = entropy->zap;
    if (err == APM_OK)
        err = bus_new(&bus, &entropy->bus, why);
    curve_pair_wipe(&bus.curve);
    free(peers);
    return err;
}

/* ---- start ---- */

static void name_validators(struct entropy *entropy)
{
    const char *names[VALIDATORS_MAX];

    for (uint32_t i = 0; i < entropy->genesis->n_validators; i++)
        names[i] = entropy->genesis->cards[i].id;
    metrics_name_series(entropy->env->metrics, names, entropy->genesis->n_validators);
}

static void open_store(struct entropy *entropy)
{
    struct store_config config = {
        .conninfo = conf_str(entropy->env->conf, SETTING_database),
        .node = entropy->env->node,
        .chain = entropy->genesis->chain,
        .loop = entropy->env->loop,
    };
    const struct store_events events = {entropy, on_feed, on_loaded, on_store_failed};

    randombytes_buf(&config.seed, sizeof(config.seed));
    entropy->store = store_new(&config, &events);
}

enum apm_err entropy_start(void *state, struct service_env *env)
{
    struct entropy *entropy = state;
    struct curve_pair curve = {.secret = {0}};
    struct why why = {""};
    uint64_t seed;

    entropy->env = env;
    entropy->announce_ms = CLOCK_NEVER;
    randombytes_buf(&seed, sizeof(seed));
    pull_init(&entropy->puller, seed);
    puts_init(&entropy->puts);
    serve_init(entropy);
    enum apm_err err = genesis_read(conf_str(env->conf, SETTING_genesis), &entropy->genesis, &why);
    if (err == APM_OK)
        err = read_keys(entropy, &curve, &why);
    if (err == APM_OK)
        err = open_network(entropy, &curve, &why);
    curve_pair_wipe(&curve);
    if (err == APM_OK)
        err = catch_up_start(entropy);
    if (err != APM_OK)
        return say(err, &why);
    entropy->frame = mem_new(1, FRAME_BYTES_MAX);
    name_validators(entropy);
    open_store(entropy);
    loop_add_socket(env->loop, bus_socket(entropy->bus), POLLIN,
                    (struct loop_fn){peer_on_bus, entropy});
    return APM_OK;
}
