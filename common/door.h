/*
 * door - where clients come in: any CURVE key, own socket, small frames.
 *
 * A ROUTER on the client port. A client is told apart by the CURVE key of its
 * connection (`origin`, for quotas) and answered by its route, which dies with
 * the connection. What is malformed or does not fit costs its sender only.
 *
 * Held are at most DOOR_CONNECTIONS_MAX connections, beyond them the oldest that never said
 * anything is shut, or else the newest (connection_guard); and at most
 * about DOOR_UNTAKEN_BYTES_MAX of messages that are not taken or have no end, else who
 * holds most is cut off: door_turn sees to it, a tenth of a second at a time.
 *
 * door_client is the other end, for libapm2 and the command: an ephemeral key and
 * the server's from its card. One thread uses either; nothing blocks.
 */
#ifndef APM2_DOOR_H
#define APM2_DOOR_H

#include <zmq.h>

#include "common/explain.h"
#include "common/ids.h"
#include "common/zap.h"

#define DOOR_FRAME_BYTES_MAX (BUNDLE_BYTES_MAX + 4u * KIB)
#define DOOR_ROUTE_BYTES_MAX 255u
#define DOOR_CONNECTIONS_MAX 512u
#define DOOR_UNTAKEN_BYTES_MAX (128u * MIB)

struct door;

struct door_config {
    void *context;
    struct zap *zap;     /* outlives the door */
    const char *service; /* "consensus": its ZAP domain is "<service>.clients" */
    struct curve_pair curve;
    const char *address;
    uint16_t port;
};

/* PORT_IN_USE, CONFIG, DENIED, IO as bus_new. */
WARN_UNUSED enum apm_err door_new(const struct door_config *config, struct door **ret_door,
                                  struct why *ret_why);
void door_destroy(struct door **door);

/* Several times a second, however quiet the socket. Returns how many were cut off. */
uint32_t door_turn(struct door *door, uint64_t now_ms);

/* To poll, as bus_socket. */
void *door_socket(struct door *door);

/* Where an answer goes. Opaque; compared by bytes. */
struct door_route {
    uint8_t size;
    uint8_t bytes[DOOR_ROUTE_BYTES_MAX];
};

/* Not to be copied: the bytes of a small frame live inside it. */
struct door_message {
    struct door_route route;
    struct curve_key origin;
    struct span body;
    zmq_msg_t frame;
};

enum door_got {
    DOOR_NOTHING,
    DOOR_MESSAGE,
    DOOR_REFUSED, /* one message taken and dropped: there may be more */
};

/* ret_message is set, and to be released, only on DOOR_MESSAGE. */
enum door_got door_receive(struct door *door, struct door_message *ret_message);
void door_message_release(struct door_message *message);

/* NOT_FOUND: the client has gone. BUSY: it does not read its answers; dropped. */
WARN_UNUSED enum apm_err door_send(struct door *door, const struct door_route *route,
                                   struct span body);

uint64_t door_refused(const struct door *door);

struct door_client;

WARN_UNUSED enum apm_err door_client_new(void *context, const char *address, uint16_t port,
                                         const struct curve_key *server,
                                         struct door_client **ret_client);
void door_client_destroy(struct door_client **client);
void *door_client_socket(struct door_client *client);
/* BUSY: not connected (yet), or the queue is full. */
WARN_UNUSED enum apm_err door_client_send(struct door_client *client, struct span body);
/* False: nothing there. ret_frame is zmq_msg_init'ed here and closed by the caller. */
bool door_client_receive(struct door_client *client, zmq_msg_t *ret_frame);

#endif
