#include "common/door.h"

#include <errno.h>

#include "common/bus_socket.h"
#include "common/connection_guard.h"
#include "common/must.h"

/* In: a client's frames may be large and clients many. Out: a block's outcomes go
 * out in one burst, and they are small. */
static const struct bus_socket_bounds door_bounds = {DOOR_FRAME_BYTES_MAX, 64, 4096};

struct door {
    void *router;
    struct connection_guard *guard;
    uint64_t refused;
};

static enum apm_err open_router(struct door *door, const struct door_config *config,
                                struct why *ret_why)
{
    char domain[ZAP_DOMAIN_BYTES_MAX + 1];
    int size = snprintf(domain, sizeof(domain), "%s.clients", config->service);
    MUST(size > 0 && (unsigned)size < sizeof(domain));
    zap_allow_any(config->zap, domain);

    door->router = bus_socket_new(config->context, ZMQ_ROUTER, &door_bounds);
    if (door->router == NULL)
        return explain(ret_why, APM_ERR_IO, "no socket: %s", zmq_strerror(zmq_errno()));
    int on = 1;
    MUST(zmq_setsockopt(door->router, ZMQ_ROUTER_MANDATORY, &on, sizeof(on)) == 0);
    if (!zap_guard(door->router, domain, &config->curve))
        return explain(ret_why, APM_ERR_DENIED, "this libzmq cannot tell clients apart");
    const struct guard_bounds bounds = {.port = config->port,
                                        .connections = DOOR_CONNECTIONS_MAX,
                                        .untaken_bytes = DOOR_UNTAKEN_BYTES_MAX};
    door->guard = guard_new(config->context, door->router, &bounds);
    if (door->guard == NULL)
        return explain(ret_why, APM_ERR_IO, "no monitor: %s", zmq_strerror(zmq_errno()));
    return bus_socket_bind(door->router, config->address, config->port, ret_why);
}

enum apm_err door_new(const struct door_config *config, struct door **ret_door, struct why *ret_why)
{
    struct door *door = calloc(1, sizeof(*door));
    MUST(door != NULL);
    enum apm_err err = open_router(door, config, ret_why);
    if (err != APM_OK) {
        door_destroy(&door);
        return err;
    }
    *ret_door = door;
    return APM_OK;
}

void door_destroy(struct door **door)
{
    if (*door == NULL)
        return;
    guard_destroy(&(*door)->guard);
    if ((*door)->router != NULL)
        zmq_close((*door)->router);
    free(*door);
    *door = NULL;
}

uint32_t door_turn(struct door *door, uint64_t now_ms)
{
    return guard_turn(door->guard, now_ms);
}

void *door_socket(struct door *door)
{
    return door->router;
}

static void take(zmq_msg_t *route, zmq_msg_t *body, const struct curve_key *origin,
                 struct door_message *ret_message)
{
    size_t size = zmq_msg_size(route);
    MUST(size <= DOOR_ROUTE_BYTES_MAX); /* the ROUTER's own bound */
    ret_message->route.size = (uint8_t)size;
    memcpy(ret_message->route.bytes, zmq_msg_data(route), size);
    ret_message->origin = *origin;
    zmq_msg_init(&ret_message->frame);
    zmq_msg_move(&ret_message->frame, body);
    ret_message->body =
        span_of(zmq_msg_data(&ret_message->frame), zmq_msg_size(&ret_message->frame));
}

enum door_got door_receive(struct door *door, struct door_message *ret_message)
{
    zmq_msg_t route;
    zmq_msg_t body;
    zmq_msg_init(&route);
    zmq_msg_init(&body);
    int form = bus_socket_receive(door->router, &route, &body);
    struct curve_key origin;
    if (form != 0)
        guard_taken(door->guard, &body, GUARD_NOBODY);
    bool good = form > 0 && zap_message_key(&body, &origin);
    if (good)
        take(&route, &body, &origin, ret_message);
    zmq_msg_close(&route);
    zmq_msg_close(&body);
    if (form == 0)
        return DOOR_NOTHING;
    if (good)
        return DOOR_MESSAGE;
    door->refused++;
    return DOOR_REFUSED;
}

void door_message_release(struct door_message *message)
{
    zmq_msg_close(&message->frame);
    message->body = (struct span){0};
}

/* With ROUTER_MANDATORY the first part says whether there is room for the whole. */
enum apm_err door_send(struct door *door, const struct door_route *route, struct span body)
{
    if (zmq_send(door->router, route->bytes, route->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return errno == EAGAIN ? APM_ERR_BUSY : APM_ERR_NOT_FOUND;
    if (zmq_send(door->router, body.data, body.size, ZMQ_DONTWAIT) < 0)
        return errno == EAGAIN ? APM_ERR_BUSY : APM_ERR_IO;
    return APM_OK;
}

uint64_t door_refused(const struct door *door)
{
    return door->refused;
}
