/*
 * bus - frames between the validators of one service.
 *
 * One receive-only ROUTER on the node's address, one send-only DEALER per peer.
 * libzmq 4.3.4 aborts on ZMTP heartbeats when a receiving, connecting socket
 * stalls; this shape and no heartbeats avoid it. Who sent a frame is decided by
 * its connection's CURVE key, looked up in the current peers on every frame.
 * Refusals (strangers, over rate, malformed) happen before any decoder sees a byte.
 *
 * Held are at most BUS_CONNECTIONS_MAX connections, BUS_CONNECTIONS_OF_PEER of one peer's
 * that has spoken; beyond them the oldest is shut (connection_guard): bus_turn sees to it.
 *
 * Sends never block: what does not fit a peer's queue is dropped and counted.
 * One thread uses a bus. Frames are at most FRAME_BYTES_MAX.
 */
#ifndef APM2_BUS_H
#define APM2_BUS_H

#include <zmq.h>

#include "common/card.h"
#include "common/explain.h"
#include "common/zap.h"

struct bus;

struct bus_peer {
    uint32_t index; /* validator index, < VALIDATORS_MAX */
    char address[CARD_ADDRESS_MAX + 1];
    uint16_t port;
    struct curve_key curve;
};

/* What one peer may send; zero fields mean the defaults below. */
struct bus_rate {
    uint64_t messages_per_s;
    uint64_t bytes_per_s;
};
#define BUS_MESSAGES_PER_S 50000u
#define BUS_BYTES_PER_S (512ull * MIB)

/* Room for every peer's, and as many that are shaking hands. */
#define BUS_CONNECTIONS_MAX 1024u
#define BUS_CONNECTIONS_OF_PEER 8u

struct bus_config {
    void *context;
    struct zap *zap;         /* outlives the bus */
    const char *service;     /* "consensus": its ZAP domain is "<service>.peers" */
    struct curve_pair curve; /* copied into libzmq; wiped by the caller */
    const char *address;     /* to bind: one of this host's */
    uint16_t port;
    struct bus_rate rate;
    const struct bus_peer *peers; /* without this node itself */
    uint32_t n_peers;
};

/* Proves that a stranger is refused (bus_prove_stranger_refused), then binds and
 * connects. DENIED: it is not, do not start. PORT_IN_USE, CONFIG (not an address of
 * this host), DENIED (privileged port), IO. */
WARN_UNUSED enum apm_err bus_new(const struct bus_config *config, struct bus **ret_bus,
                                 struct why *ret_why);
void bus_destroy(struct bus **bus);

/* Replaces the peers: connections to others are closed, and frames from others on
 * connections that are still up are refused from now on. */
WARN_UNUSED enum apm_err bus_set_peers(struct bus *bus, const struct bus_peer *peers, uint32_t n,
                                       struct why *ret_why);

/* Several times a second, however quiet. Returns how many connections were cut off. */
uint32_t bus_turn(struct bus *bus, uint64_t now_ms);

/* To poll for ZMQ_POLLIN with zmq_poll. Whoever polls its ZMQ_FD instead must
 * receive until BUS_NOTHING: that descriptor is edge-triggered. */
void *bus_socket(struct bus *bus);

enum bus_got {
    BUS_NOTHING,
    BUS_MESSAGE,
    BUS_REFUSED, /* one frame taken and dropped: there may be more */
};

/* A frame and its sender; bus_message_release gives it back. Not to be copied: the
 * bytes of a small frame live inside it. */
struct bus_message {
    uint32_t from; /* validator index */
    struct span body;
    zmq_msg_t frame;
};

/* Never blocks. ret_message is set, and to be released, only on BUS_MESSAGE. */
enum bus_got bus_receive(struct bus *bus, struct bus_message *ret_message);
void bus_message_release(struct bus_message *message);

/* False: dropped and counted (queue full, not connected, no such peer). */
bool bus_send(struct bus *bus, uint32_t to, struct span body);
/* To every peer, sharing one copy of the bytes. Returns how many took it. */
uint32_t bus_send_all(struct bus *bus, struct span body);

struct bus_counters {
    uint64_t sent;
    uint64_t dropped; /* by us, on the way out */
    uint64_t received;
    uint64_t over_rate; /* theirs, refused */
    uint64_t malformed; /* not exactly one body frame */
};
struct bus_counters bus_counters(const struct bus *bus, uint32_t peer);
uint64_t bus_drops(const struct bus *bus, uint32_t peer);
/* Frames on live connections of keys that are no peer's any more. */
uint64_t bus_strangers(const struct bus *bus);

/* Binds the guarded socket to a loopback port, knocks with a throw-away key, and
 * passes only if ZAP refused it in so many words. The socket is unbound again. */
WARN_UNUSED enum apm_err bus_prove_stranger_refused(void *context, void *guarded,
                                                    const struct curve_key *server,
                                                    struct why *ret_why);

#endif
