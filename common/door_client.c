/* The clients' end of door.h. */
#include "common/door.h"

#include "common/bus_socket.h"
#include "common/must.h"

#define ANSWER_BYTES_MAX (JSON_BYTES_MAX + 4u * KIB)

static const struct bus_socket_bounds client_bounds = {ANSWER_BYTES_MAX, 4096, 1000};

struct door_client {
    void *dealer;
};

enum apm_err door_client_new(void *context, const char *address, uint16_t port,
                             const struct curve_key *server, struct door_client **ret_client)
{
    char endpoint[BUS_ENDPOINT_BYTES_MAX];
    bus_endpoint(address, port, endpoint);
    void *dealer = bus_socket_new(context, ZMQ_DEALER, &client_bounds);
    if (dealer == NULL)
        return APM_ERR_IO;
    struct curve_pair ephemeral;
    curve_pair_new(&ephemeral);
    bool connected = bus_socket_connect(dealer, endpoint, server, &ephemeral);
    curve_pair_wipe(&ephemeral);
    if (!connected) {
        zmq_close(dealer);
        return APM_ERR_CONFIG;
    }
    struct door_client *client = calloc(1, sizeof(*client));
    MUST(client != NULL);
    client->dealer = dealer;
    *ret_client = client;
    return APM_OK;
}

void door_client_destroy(struct door_client **client)
{
    if (*client == NULL)
        return;
    zmq_close((*client)->dealer);
    free(*client);
    *client = NULL;
}

void *door_client_socket(struct door_client *client)
{
    return client->dealer;
}

enum apm_err door_client_send(struct door_client *client, struct span body)
{
    int sent = zmq_send(client->dealer, body.data, body.size, ZMQ_DONTWAIT);
    return sent >= 0 ? APM_OK : APM_ERR_BUSY;
}

bool door_client_receive(struct door_client *client, zmq_msg_t *ret_frame)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, client->dealer, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame);
        return false;
    }
    zmq_msg_init(ret_frame);
    zmq_msg_move(ret_frame, &frame);
    zmq_msg_close(&frame);
    return true;
}
