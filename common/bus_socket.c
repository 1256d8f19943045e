#include "common/bus_socket.h"

#include <errno.h>

#include "common/must.h"

#define HANDSHAKE_MS 3000
#define LINGER_MS 1000
#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT 3
#define CURVE_OVERHEAD_BYTES 33 /* command name, nonce, MAC, flags: MAXMSGSIZE counts them */
#define UNACKNOWLEDGED_MS 10000 /* TCP_USER_TIMEOUT */
#define RECONNECT_MS 100
#define RECONNECT_MAX_MS 1000

static void set_int(void *socket, int option, int value)
{
    MUST(zmq_setsockopt(socket, option, &value, sizeof(value)) == 0);
}

void *bus_socket_new(void *context, int type, const struct bus_socket_bounds *bounds)
{
    void *socket = zmq_socket(context, type);
    if (socket == NULL)
        return NULL;
    int64_t frame_bytes_max = bounds->frame_bytes_max + CURVE_OVERHEAD_BYTES;
    MUST(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes_max, sizeof(frame_bytes_max)) == 0);
    set_int(socket, ZMQ_RCVHWM, bounds->receive_frames_max);
    set_int(socket, ZMQ_SNDHWM, bounds->send_frames_max);
    set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set_int(socket, ZMQ_LINGER, LINGER_MS);
    set_int(socket, ZMQ_TCP_KEEPALIVE, 1);
    set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S);
    set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S);
    set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT);
    set_int(socket, ZMQ_TCP_MAXRT, UNACKNOWLEDGED_MS);
    set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set_int(socket, ZMQ_IMMEDIATE, 1);
    return socket;
}

void bus_endpoint(const char *address, uint16_t port, char ret_text[BUS_ENDPOINT_BYTES_MAX])
{
    int size = snprintf(ret_text, BUS_ENDPOINT_BYTES_MAX, "tcp://%s:%u", address, port);
    MUST(size > 0 && (unsigned)size < BUS_ENDPOINT_BYTES_MAX);
}

enum apm_err bus_socket_bind(void *socket, const char *address, uint16_t port, struct why *ret_why)
{
    char endpoint[BUS_ENDPOINT_BYTES_MAX];
    bus_endpoint(address, port, endpoint);
    if (zmq_bind(socket, endpoint) == 0)
        return APM_OK;

    switch (errno) {
    case EADDRINUSE:
        return explain(ret_why, APM_ERR_PORT_IN_USE,
                       "%s: port in use; see who has it: ss -ltnp 'sport = :%u'", endpoint, port);
    case EADDRNOTAVAIL:
    case ENODEV:
    case EINVAL:
        return explain(ret_why, APM_ERR_CONFIG, "%s: not an address of this host; see: ip addr",
                       endpoint);
    case EACCES:
        return explain(ret_why, APM_ERR_DENIED, "%s: ports below 1024 need privileges", endpoint);
    default: /* errno is not an enum of ours */
        return explain(ret_why, APM_ERR_IO, "%s: cannot listen: %s", endpoint, zmq_strerror(errno));
    }
}

bool bus_socket_connect(void *socket, const char *endpoint, const struct curve_key *server,
                        const struct curve_pair *pair)
{
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server->b, sizeof(server->b)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair->public_key.b,
                          sizeof(pair->public_key.b)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair->secret, sizeof(pair->secret)) == 0 &&
           zmq_connect(socket, endpoint) == 0;
}

/* The other parts of a message are there already: ZeroMQ delivers whole ones. */
static void drain(void *socket, zmq_msg_t *last)
{
    while (zmq_msg_more(last)) {
        if (zmq_msg_recv(last, socket, ZMQ_DONTWAIT) < 0)
            return;
    }
}

int bus_socket_receive(void *router, zmq_msg_t *route, zmq_msg_t *body)
{
    if (zmq_msg_recv(route, router, ZMQ_DONTWAIT) < 0)
        return 0;
    if (!zmq_msg_more(route) || zmq_msg_recv(body, router, ZMQ_DONTWAIT) < 0)
        return -1;
    if (!zmq_msg_more(body))
        return 1;
    drain(router, body);
    return -1;
}
