#include "common/connection_guard.h"

#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/bus_socket.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/must.h"

#define MONITOR "inproc://apm2.guard.%p"
#define CHECK_MS 100u
/* libzmq frees what a connection had in its own time, a piece here and a piece there. */
#define TRIM_MS 2000u
#define TRIMS 5u
#define TRIM_BYTES_MIN MIB

struct end {
    struct sockaddr_storage address;
    socklen_t size;
};

struct connection {
    int fd;               /* libzmq's; 0: free. Descriptor 0 is never a client's. */
    uint64_t number;      /* in the order they came */
    bool was_heard;       /* a message was taken, ever */
    bool is_heard;        /* and since the last check */
    uint32_t owner;       /* whose message it was */
    uint64_t taken_bytes; /* of all it received, what is not held against it */
    uint64_t untaken_bytes;
    struct end peer;
};

struct connection_guard {
    struct guard_bounds bounds;
    void *router;
    void *monitor;
    uint64_t n_accepted;
    uint32_t n_cut; /* since the last turn */
    uint64_t check_ms;
    uint32_t n_trims; /* still to come */
    uint64_t trim_ms;
    uint32_t n;
    struct connection connections[GUARD_CONNECTIONS_MAX];
    uint16_t place[GUARD_DESCRIPTOR_MAX]; /* by descriptor: in connections, + 1; 0: none */
};

/* ---- whose descriptor ---- */

static struct connection *find(struct connection_guard *guard, int fd)
{
    uint32_t place = fd > 0 && (uint32_t)fd < GUARD_DESCRIPTOR_MAX ? guard->place[fd] : 0;

    return place > 0 ? &guard->connections[place - 1] : NULL;
}

static void add(struct connection_guard *guard, const struct connection *connection)
{
    uint32_t i = 0;

    while (guard->connections[i].fd != 0)
        i++;
    guard->connections[i] = *connection;
    guard->place[connection->fd] = (uint16_t)(i + 1);
    guard->n++;
}

static void forget(struct connection_guard *guard, struct connection *connection)
{
    guard->place[connection->fd] = 0;
    if (connection->untaken_bytes >= TRIM_BYTES_MIN)
        guard->n_trims = TRIMS;
    *connection = (struct connection){0};
    guard->n--;
}

static struct end peer_of(int fd)
{
    struct end peer = {.size = sizeof(peer.address)};

    if (getpeername(fd, (struct sockaddr *)&peer.address, &peer.size) != 0)
        peer.size = 0;
    return peer;
}

/* The descriptor is libzmq's, which may have closed it and opened another by its number. */
static bool is_still(const struct connection *connection)
{
    struct end now = peer_of(connection->fd);

    return now.size > 0 && now.size == connection->peer.size &&
           memcmp(&now.address, &connection->peer.address, now.size) == 0;
}

/* Of the guarded socket, as far as the kernel can tell. */
static bool is_ours(const struct connection_guard *guard, int fd)
{
    union {
        struct sockaddr_storage any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } own = {.any = {.ss_family = AF_UNSPEC}};
    socklen_t size = sizeof(own);

    if (getsockname(fd, (struct sockaddr *)&own.any, &size) != 0)
        return false;
    if (own.any.ss_family == AF_INET6)
        return own.in6.sin6_port == htons(guard->bounds.port);
    return own.any.ss_family == AF_INET && own.in.sin_port == htons(guard->bounds.port);
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

static void cut(struct connection_guard *guard, struct connection *connection)
{
    if (is_still(connection) && shutdown(connection->fd, SHUT_RDWR) == 0)
        guard->n_cut++;
    forget(guard, connection);
}

/* ---- life ---- */

struct connection_guard *guard_new(void *context, void *router, const struct guard_bounds *bounds)
{
    char endpoint[64];
    int unbounded = 0; /* or libzmq's thread would wait for us */
    struct connection_guard *guard = mem_new(1, sizeof(*guard));

    MUST(bounds->connections > 0 && bounds->connections <= GUARD_CONNECTIONS_MAX);
    guard->bounds = *bounds;
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
        guard_destroy(&guard);
    return guard;
}

void guard_destroy(struct connection_guard **guard)
{
    if (*guard == NULL)
        return;
    (void)zmq_socket_monitor((*guard)->router, NULL, 0);
    if ((*guard)->monitor != NULL)
        zmq_close((*guard)->monitor);
    free(*guard);
    *guard = NULL;
}

/* ---- how many ---- */

/* The oldest that is nobody's and never said anything whole, or the oldest of an owner's. */
static struct connection *oldest(struct connection_guard *guard, uint32_t owner)
{
    struct connection *first = NULL;

    for (size_t i = 0; i < GUARD_CONNECTIONS_MAX; i++) {
        struct connection *connection = &guard->connections[i];
        bool is_one = owner == GUARD_NOBODY ? !connection->was_heard : connection->owner == owner;
        if (connection->fd != 0 && is_one && (first == NULL || connection->number < first->number))
            first = connection;
    }
    return first;
}

static uint32_t count_owned(const struct connection_guard *guard, uint32_t owner)
{
    uint32_t n = 0;

    for (size_t i = 0; i < GUARD_CONNECTIONS_MAX; i++)
        n += guard->connections[i].fd != 0 && guard->connections[i].owner == owner;
    return n;
}

static void on_accepted(struct connection_guard *guard, int fd)
{
    const struct connection accepted = {
        .fd = fd, .number = ++guard->n_accepted, .owner = GUARD_NOBODY, .peer = peer_of(fd)};
    struct connection *before = find(guard, fd);

    if (before != NULL)
        forget(guard, before); /* its end was not told, or comes later */
    if (!is_ours(guard, fd))
        return; /* gone already */
    struct connection *silent =
        guard->n == guard->bounds.connections ? oldest(guard, GUARD_NOBODY) : NULL;
    if (silent != NULL)
        cut(guard, silent);
    if (guard->n < guard->bounds.connections && (uint32_t)fd < GUARD_DESCRIPTOR_MAX)
        add(guard, &accepted);
    else if (shutdown(fd, SHUT_RDWR) == 0)
        guard->n_cut++;
}

static void on_disconnected(struct connection_guard *guard, int fd)
{
    struct connection *connection = find(guard, fd);

    if (connection != NULL)
        forget(guard, connection);
}

/* False: no event is waiting. An event is its number and a value, then an address. */
static bool next_event(struct connection_guard *guard, uint16_t *ret_event, int *ret_fd)
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

static void take_events(struct connection_guard *guard)
{
    uint16_t event = 0;
    int fd = 0;

    while (next_event(guard, &event, &fd)) {
        if (event == ZMQ_EVENT_ACCEPTED)
            on_accepted(guard, fd);
        else
            on_disconnected(guard, fd);
    }
}

/* ---- how much ---- */

static void own(struct connection_guard *guard, struct connection *connection, uint32_t owner)
{
    connection->owner = owner;
    if (guard->bounds.of_one_owner != 0 && count_owned(guard, owner) > guard->bounds.of_one_owner)
        cut(guard, oldest(guard, owner));
}

void guard_taken(struct connection_guard *guard, zmq_msg_t *part, uint32_t owner)
{
    struct connection *connection = find(guard, zmq_msg_get(part, ZMQ_SRCFD));

    if (connection == NULL)
        return; /* it came since the last turn, or is gone */
    connection->was_heard = connection->is_heard = true;
    if (owner != GUARD_NOBODY && connection->owner != owner)
        own(guard, connection, owner);
}

/* All that they left unfinished. */
static uint64_t measure(struct connection_guard *guard)
{
    uint64_t total_bytes = 0;

    for (size_t i = 0; i < GUARD_CONNECTIONS_MAX; i++) {
        struct connection *connection = &guard->connections[i];
        uint64_t bytes = 0;
        if (connection->fd == 0)
            continue;
        if (!received_bytes(connection->fd, &bytes)) {
            forget(guard, connection);
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

static struct connection *fattest(struct connection_guard *guard)
{
    struct connection *most = &guard->connections[0];

    for (size_t i = 1; i < GUARD_CONNECTIONS_MAX; i++) {
        if (guard->connections[i].untaken_bytes > most->untaken_bytes)
            most = &guard->connections[i];
    }
    return most;
}

static void bound_untaken(struct connection_guard *guard)
{
    uint64_t total_bytes = measure(guard);

    while (total_bytes > guard->bounds.untaken_bytes) {
        struct connection *most = fattest(guard);
        total_bytes -= most->untaken_bytes;
        cut(guard, most);
    }
}

/* What was freed lies in the arena of libzmq's thread, which rarely shrinks by itself. */
static void give_back(struct connection_guard *guard, uint64_t now_ms)
{
    if (guard->n_trims == 0 || now_ms < guard->trim_ms)
        return;
    guard->n_trims--;
    guard->trim_ms = now_ms + TRIM_MS;
    (void)malloc_trim(0);
}

uint32_t guard_turn(struct connection_guard *guard, uint64_t now_ms)
{
    if (now_ms < guard->check_ms)
        return 0;
    guard->check_ms = now_ms + CHECK_MS;
    take_events(guard);
    if (guard->bounds.untaken_bytes > 0)
        bound_untaken(guard);
    give_back(guard, now_ms);
    uint32_t n_cut = guard->n_cut;
    guard->n_cut = 0;
    return n_cut;
}
