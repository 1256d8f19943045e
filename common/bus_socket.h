/*
 * bus_socket - ZeroMQ sockets with the bounds that every connection here has.
 *
 * Whoever makes a socket closes it with zmq_close. No ZMTP heartbeats: libzmq
 * 4.3.4 aborts on them. Dead connections are found by TCP.
 */
#ifndef APM2_BUS_SOCKET_H
#define APM2_BUS_SOCKET_H

#include <zmq.h>

#include "common/explain.h"
#include "common/keyfile.h"

struct bus_socket_bounds {
    int64_t frame_bytes_max;
    int receive_frames_max; /* per connection */
    int send_frames_max;
};

/* NULL: out of descriptors, or the context ends. */
void *bus_socket_new(void *context, int type, const struct bus_socket_bounds *bounds);

/* PORT_IN_USE, CONFIG (not an address of this host), DENIED, IO. */
WARN_UNUSED enum apm_err bus_socket_bind(void *socket, const char *address, uint16_t port,
                                         struct why *ret_why);

/* As a CURVE client. False: no such address. */
bool bus_socket_connect(void *socket, const char *endpoint, const struct curve_key *server,
                        const struct curve_pair *pair);

#define BUS_ENDPOINT_BYTES_MAX 300u
void bus_endpoint(const char *address, uint16_t port, char ret_text[BUS_ENDPOINT_BYTES_MAX]);

/* Takes [route][body] off a ROUTER without blocking. Both are zmq_msg_init'ed by
 * the caller. 0: nothing there. -1: taken, but not of this form. 1: here it is. */
int bus_socket_receive(void *router, zmq_msg_t *route, zmq_msg_t *body);

#endif
