#include "common/bus.h"

#include "common/bucket.h"
#include "common/bus_socket.h"
#include "common/clock.h"
#include "common/connection_guard.h"
#include "common/must.h"

#define BUS_QUEUE_FRAMES 1000

/* One peer's place, by validator index. */
struct slot {
    bool is_used;
    struct bus_peer peer;
    void *dealer;
    struct bucket messages;
    struct bucket bytes;
    struct bus_counters counters;
};

struct bus {
    void *context;
    struct zap *zap;
    void *router;
    struct connection_guard *guard;
    struct curve_pair curve;
    struct bus_rate rate;
    char domain[ZAP_DOMAIN_BYTES_MAX + 1];
    uint64_t strangers;
    struct slot slots[VALIDATORS_MAX];
};

static const struct bus_socket_bounds router_bounds = {FRAME_BYTES_MAX, BUS_QUEUE_FRAMES, 1};

/* Never read: one frame from a peer fills its queue, and TCP holds back the rest. */
static const struct bus_socket_bounds dealer_bounds = {1024, 1, BUS_QUEUE_FRAMES};

/* ---- peers ---- */

static bool peer_eq(const struct bus_peer *a, const struct bus_peer *b)
{
    return a->port == b->port && curve_key_eq(&a->curve, &b->curve) &&
           strcmp(a->address, b->address) == 0;
}

static void slot_release(struct slot *slot)
{
    if (slot->dealer != NULL)
        zmq_close(slot->dealer);
    *slot = (struct slot){0};
}

static enum apm_err slot_init(const struct bus *bus, const struct bus_peer *peer, struct slot *slot,
                              struct why *ret_why)
{
    char endpoint[BUS_ENDPOINT_BYTES_MAX];
    bus_endpoint(peer->address, peer->port, endpoint);
    void *dealer = bus_socket_new(bus->context, ZMQ_DEALER, &dealer_bounds);
    if (dealer == NULL)
        return explain(ret_why, APM_ERR_IO, "no socket for peer %s: %s", endpoint,
                       zmq_strerror(zmq_errno()));
    if (!bus_socket_connect(dealer, endpoint, &peer->curve, &bus->curve)) {
        zmq_close(dealer);
        return explain(ret_why, APM_ERR_CONFIG, "%s: not a peer's address", endpoint);
    }
    uint64_t now_us = clock_mono_us();
    *slot = (struct slot){.is_used = true,
                          .peer = *peer,
                          .dealer = dealer,
                          .messages = bucket_full(bus->rate.messages_per_s, now_us),
                          .bytes = bucket_full(bus->rate.bytes_per_s, now_us)};
    return APM_OK;
}

static void release_all_but(struct bus *bus, const struct bus_peer *peers, uint32_t n)
{
    bool stays[VALIDATORS_MAX] = {false};
    for (uint32_t i = 0; i < n; i++) {
        MUST(peers[i].index < VALIDATORS_MAX);
        stays[peers[i].index] = peer_eq(&bus->slots[peers[i].index].peer, &peers[i]);
    }
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        if (!stays[i])
            slot_release(&bus->slots[i]);
    }
}

enum apm_err bus_set_peers(struct bus *bus, const struct bus_peer *peers, uint32_t n,
                           struct why *ret_why)
{
    struct curve_key keys[VALIDATORS_MAX] = {{{0}}};
    MUST(n <= VALIDATORS_MAX);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = peers[i].curve;
    zap_allow(bus->zap, bus->domain, keys, n);
    release_all_but(bus, peers, n);

    for (uint32_t i = 0; i < n; i++) {
        struct slot *slot = &bus->slots[peers[i].index];
        if (slot->is_used)
            continue;
        enum apm_err err = slot_init(bus, &peers[i], slot, ret_why);
        if (err != APM_OK)
            return err;
    }
    return APM_OK;
}

static struct slot *slot_of_key(struct bus *bus, const struct curve_key *key)
{
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        if (bus->slots[i].is_used && curve_key_eq(&bus->slots[i].peer.curve, key))
            return &bus->slots[i];
    }
    return NULL;
}

/* ---- life ---- */

static enum apm_err open_router(struct bus *bus, const struct bus_config *config,
                                struct why *ret_why)
{
    bus->router = bus_socket_new(bus->context, ZMQ_ROUTER, &router_bounds);
    if (bus->router == NULL)
        return explain(ret_why, APM_ERR_IO, "no socket: %s", zmq_strerror(zmq_errno()));
    if (!zap_guard(bus->router, bus->domain, &bus->curve))
        return explain(ret_why, APM_ERR_DENIED, "this libzmq cannot enforce who may connect");

    enum apm_err err =
        bus_prove_stranger_refused(bus->context, bus->router, &bus->curve.public_key, ret_why);
    if (err != APM_OK)
        return err;
    const struct guard_bounds bounds = {.port = config->port,
                                        .connections = BUS_CONNECTIONS_MAX,
                                        .of_one_owner = BUS_CONNECTIONS_OF_PEER};
    bus->guard = guard_new(bus->context, bus->router, &bounds);
    if (bus->guard == NULL)
        return explain(ret_why, APM_ERR_IO, "no monitor: %s", zmq_strerror(zmq_errno()));
    return bus_socket_bind(bus->router, config->address, config->port, ret_why);
}

enum apm_err bus_new(const struct bus_config *config, struct bus **ret_bus, struct why *ret_why)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    MUST(bus != NULL);
    bus->context = config->context;
    bus->zap = config->zap;
    bus->curve = config->curve;
    bus->rate = config->rate;
    if (bus->rate.messages_per_s == 0)
        bus->rate.messages_per_s = BUS_MESSAGES_PER_S;
    if (bus->rate.bytes_per_s == 0)
        bus->rate.bytes_per_s = BUS_BYTES_PER_S;
    MUST(bus->rate.messages_per_s <= BUCKET_RATE_MAX && bus->rate.bytes_per_s <= BUCKET_RATE_MAX);
    int size = snprintf(bus->domain, sizeof(bus->domain), "%s.peers", config->service);
    MUST(size > 0 && (unsigned)size < sizeof(bus->domain));

    enum apm_err err = bus_set_peers(bus, config->peers, config->n_peers, ret_why);
    if (err == APM_OK)
        err = open_router(bus, config, ret_why);
    if (err != APM_OK) {
        bus_destroy(&bus);
        return err;
    }
    *ret_bus = bus;
    return APM_OK;
}

void bus_destroy(struct bus **bus)
{
    struct bus *gone = *bus;
    if (gone == NULL)
        return;
    zap_allow(gone->zap, gone->domain, NULL, 0);
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++)
        slot_release(&gone->slots[i]);
    guard_destroy(&gone->guard);
    if (gone->router != NULL)
        zmq_close(gone->router);
    curve_pair_wipe(&gone->curve);
    free(gone);
    *bus = NULL;
}

uint32_t bus_turn(struct bus *bus, uint64_t now_ms)
{
    return guard_turn(bus->guard, now_ms);
}

void *bus_socket(struct bus *bus)
{
    return bus->router;
}

/* ---- in ---- */

/* The sender of a well-formed frame; NULL: refused and counted. */
static struct slot *admit(struct bus *bus, zmq_msg_t *body, bool well_formed)
{
    struct curve_key key;
    struct slot *slot = zap_message_key(body, &key) ? slot_of_key(bus, &key) : NULL;
    if (slot == NULL) {
        bus->strangers++;
        return NULL;
    }
    guard_taken(bus->guard, body, slot->peer.index);
    if (!well_formed) {
        slot->counters.malformed++;
        return NULL;
    }
    uint64_t now_us = clock_mono_us();
    if (!bucket_take(&slot->messages, 1, now_us) ||
        !bucket_take(&slot->bytes, zmq_msg_size(body), now_us)) {
        slot->counters.over_rate++;
        return NULL;
    }
    return slot;
}

enum bus_got bus_receive(struct bus *bus, struct bus_message *ret_message)
{
    zmq_msg_t route;
    zmq_msg_t body;
    zmq_msg_init(&route);
    zmq_msg_init(&body);
    int form = bus_socket_receive(bus->router, &route, &body);
    struct slot *slot = form != 0 ? admit(bus, &body, form > 0) : NULL;
    if (slot != NULL) {
        slot->counters.received++;
        ret_message->from = slot->peer.index;
        zmq_msg_init(&ret_message->frame);
        zmq_msg_move(&ret_message->frame, &body);
        ret_message->body =
            span_of(zmq_msg_data(&ret_message->frame), zmq_msg_size(&ret_message->frame));
    }
    zmq_msg_close(&route);
    zmq_msg_close(&body);
    if (form == 0)
        return BUS_NOTHING;
    return slot != NULL ? BUS_MESSAGE : BUS_REFUSED;
}

void bus_message_release(struct bus_message *message)
{
    zmq_msg_close(&message->frame);
    message->body = (struct span){0};
}

/* ---- out ---- */

static void frame_of(struct span body, zmq_msg_t *ret_frame)
{
    MUST(body.size <= FRAME_BYTES_MAX);
    MUST(zmq_msg_init_size(ret_frame, body.size) == 0);
    if (body.size > 0)
        memcpy(zmq_msg_data(ret_frame), body.data, body.size);
}

/* Takes the frame, sent or not. */
static bool slot_send(struct slot *slot, zmq_msg_t *frame)
{
    if (zmq_msg_send(frame, slot->dealer, ZMQ_DONTWAIT) >= 0) {
        slot->counters.sent++;
        return true;
    }
    zmq_msg_close(frame);
    slot->counters.dropped++;
    return false;
}

bool bus_send(struct bus *bus, uint32_t to, struct span body)
{
    MUST(to < VALIDATORS_MAX);
    if (!bus->slots[to].is_used)
        return false;
    zmq_msg_t frame;
    frame_of(body, &frame);
    return slot_send(&bus->slots[to], &frame);
}

uint32_t bus_send_all(struct bus *bus, struct span body)
{
    zmq_msg_t frame;
    frame_of(body, &frame);
    uint32_t n = 0;
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        if (!bus->slots[i].is_used)
            continue;
        zmq_msg_t copy;
        zmq_msg_init(&copy);
        MUST(zmq_msg_copy(&copy, &frame) == 0); /* shares the bytes */
        n += slot_send(&bus->slots[i], &copy) ? 1 : 0;
    }
    zmq_msg_close(&frame);
    return n;
}

struct bus_counters bus_counters(const struct bus *bus, uint32_t peer)
{
    MUST(peer < VALIDATORS_MAX);
    return bus->slots[peer].counters;
}

uint64_t bus_drops(const struct bus *bus, uint32_t peer)
{
    return bus_counters(bus, peer).dropped;
}

uint64_t bus_strangers(const struct bus *bus)
{
    return bus->strangers;
}
