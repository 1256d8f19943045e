#include "common/door_guard.h"

#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/bus_socket.h"
#include "common/door.h"
#include "common/must.h"

#define MONITOR "inproc://apm2.door.%p"
#define CHECK_MS 100u
#define TRIM_MS 1000u /* in which libzmq frees what a connection had */

struct peer {
    struct sockaddr_storage address;
    socklen_t size;
};

struct connection {
    int fd;               /* libzmq's; 0: free. Descriptor 0 is never a client's. */
    bool is_heard;        /* a message was taken since the last check */
    uint64_t taken_bytes; /* of all it received, what is not held against it */
    uint64_t untaken_bytes;
    struct peer peer;
};

struct door_guard {
    void *router;
    void *monitor;
    uint64_t check_ms;
    uint64_t trim_ms; /* 0: nothing to give back */
    struct connection connections[DOOR_CONNECTIONS_MAX];
};

/* ---- whose descriptor ---- */

static struct connection *find(struct door_guard *guard, int fd)
{
    for (size_t i = 0; i < DOOR_CONNECTIONS_MAX; i++) {
        if (guard->connections[i].fd == fd)
            return &guard->connections[i];
    }
    return NULL;
}

static struct peer peer_of(int fd)
{
    struct peer peer = {.size = sizeof(peer.address)};
    if (getpeername(fd, (struct sockaddr *)&peer.address, &peer.size) != 0)
        peer.size = 0;
    return peer;
}

/* The descriptor is libzmq's, which may have closed it and opened another by its number. */
static bool is_still(const struct connection *connection)
{
    struct peer now = peer_of(connection->fd);
    return now.size > 0 && now.size == connection->peer.size &&
           memcmp(&now.address, &connection->peer.address, now.size) == 0;
}

static bool received_bytes(int fd, uint64_t *ret_bytes)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return false;
    *ret_bytes = info.tcpi_bytes_received;
    return true;
}

/* ---- life ---- */

struct door_guard *door_guard_new(void *context, void *router)
{
    char endpoint[64];
    int unbounded = 0; /* or libzmq's thread would wait for us */
    struct door_guard *guard = calloc(1, sizeof(*guard));
    MUST(guard != NULL);
    guard->router = router;
    int size = snprintf(endpoint, sizeof(endpoint), MONITOR, router);
    MUST(size > 0 && (size_t)size < sizeof(endpoint));
    guard->monitor = zmq_socket(context, ZMQ_PAIR);
    bool is_made =
        guard->monitor != NULL &&
        zmq_setsockopt(guard->monitor, ZMQ_RCVHWM, &unbounded, sizeof(unbounded)) == 0 &&
        zmq_socket_monitor(router, endpoint, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) == 0 &&
        zmq_connect(guard->monitor, endpoint) == 0;
    if (!is_made)
        door_guard_destroy(&guard);
    return guard;
}

void door_guard_destroy(struct door_guard **guard)
{
    if (*guard == NULL)
        return;
    (void)zmq_socket_monitor((*guard)->router, NULL, 0);
    if ((*guard)->monitor != NULL)
        zmq_close((*guard)->monitor);
    free(*guard);
    *guard = NULL;
}

/* ---- turns ---- */

/* One connection more than there is room for goes at once: the others keep their place. */
static uint32_t on_accepted(struct door_guard *guard, int fd)
{
    struct connection *connection = find(guard, fd);
    if (connection == NULL)
        connection = find(guard, 0);
    if (connection == NULL)
        return shutdown(fd, SHUT_RDWR) == 0 ? 1 : 0;
    *connection = (struct connection){.fd = fd, .peer = peer_of(fd)};
    return 0;
}

static void on_disconnected(struct door_guard *guard, int fd)
{
    struct connection *connection = find(guard, fd);
    if (connection != NULL)
        *connection = (struct connection){0};
}

/* False: no event is waiting. An event is its number and a value, then an address. */
static bool next_event(struct door_guard *guard, uint16_t *ret_event, int *ret_fd)
{
    uint8_t head[sizeof(uint16_t) + sizeof(uint32_t)];
    char address[BUS_ENDPOINT_BYTES_MAX];
    if (zmq_recv(guard->monitor, head, sizeof(head), ZMQ_DONTWAIT) != (int)sizeof(head))
        return false;
    (void)zmq_recv(guard->monitor, address, sizeof(address), ZMQ_DONTWAIT);
    uint32_t value = 0;
    memcpy(ret_event, head, sizeof(*ret_event));
    memcpy(&value, head + sizeof(*ret_event), sizeof(value));
    *ret_fd = (int)value;
    return true;
}

static uint32_t take_events(struct door_guard *guard)
{
    uint32_t n_cut = 0;
    uint16_t event = 0;
    int fd = 0;
    while (next_event(guard, &event, &fd)) {
        if (event == ZMQ_EVENT_ACCEPTED)
            n_cut += on_accepted(guard, fd);
        else
            on_disconnected(guard, fd);
    }
    return n_cut;
}

/* All that they left unfinished. */
static uint64_t measure(struct door_guard *guard)
{
    uint64_t total_bytes = 0;
    for (size_t i = 0; i < DOOR_CONNECTIONS_MAX; i++) {
        struct connection *connection = &guard->connections[i];
        uint64_t bytes = 0;
        if (connection->fd == 0)
            continue;
        if (!received_bytes(connection->fd, &bytes)) {
            *connection = (struct connection){0};
            continue;
        }
        if (connection->is_heard || bytes < connection->taken_bytes)
            connection->taken_bytes = bytes;
        connection->is_heard = false;
        connection->untaken_bytes = bytes - connection->taken_bytes;
        total_bytes += connection->untaken_bytes;
    }
    return total_bytes;
}

static struct connection *fattest(struct door_guard *guard)
{
    struct connection *most = &guard->connections[0];
    for (size_t i = 1; i < DOOR_CONNECTIONS_MAX; i++) {
        if (guard->connections[i].untaken_bytes > most->untaken_bytes)
            most = &guard->connections[i];
    }
    return most;
}

static uint32_t cut_fattest(struct door_guard *guard)
{
    struct connection *most = fattest(guard);
    bool is_cut = is_still(most) && shutdown(most->fd, SHUT_RDWR) == 0;
    *most = (struct connection){0};
    return is_cut ? 1 : 0;
}

void door_guard_taken(struct door_guard *guard, zmq_msg_t *part)
{
    struct connection *connection = find(guard, zmq_msg_get(part, ZMQ_SRCFD));
    if (connection != NULL)
        connection->is_heard = true;
}

/* What was freed lies in the arena of libzmq's thread, which rarely shrinks by itself. */
static void give_back(struct door_guard *guard, uint64_t now_ms)
{
    if (guard->trim_ms == 0 || now_ms < guard->trim_ms)
        return;
    guard->trim_ms = 0;
    (void)malloc_trim(0);
}

uint32_t door_guard_turn(struct door_guard *guard, uint64_t now_ms)
{
    if (now_ms < guard->check_ms)
        return 0;
    guard->check_ms = now_ms + CHECK_MS;
    uint32_t n_cut = take_events(guard);
    uint64_t total_bytes = measure(guard);
    while (total_bytes > DOOR_UNTAKEN_BYTES_MAX) {
        total_bytes -= fattest(guard)->untaken_bytes;
        n_cut += cut_fattest(guard);
        guard->trim_ms = now_ms + TRIM_MS;
    }
    give_back(guard, now_ms);
    return n_cut;
}
