#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/mem.h"
#include "common/door.h"
#include "common/must.h"
#include "services/libapm2/apm2_internal.h"

#define DETAIL_BYTES_MAX (JSON_BYTES_MAX + 1u)

struct apm2_client {
    struct door_client *door;
    uint8_t *out; /* one message under construction */
    char *detail; /* text of the last reply, ended with a 0 */
    char error[ID_BYTES_MAX + 1];
    zmq_msg_t frame; /* what the last reply borrows from */
    bool has_frame;
};

bool apm2_client_new(struct apm2_cluster *cluster, uint32_t node, struct apm2_client **ret_client,
                     struct apm2_why *ret_why)
{
    if (node >= cluster->genesis->n_validators)
        return apm2_fail(ret_why, APM_ERR_BAD_INPUT, "no such node");
    const struct card *card = &cluster->genesis->cards[node];
    struct door_client *door = NULL;
    enum apm_err err = door_client_new(cluster->zmq, card->address, card->client_port,
                                       &card->services[CARD_CONSENSUS].curve, &door);
    if (err != APM_OK)
        return apm2_fail(ret_why, err, NULL);

    struct apm2_client *client = mem_new(1, sizeof(*client));
    client->door = door;
    client->out = mem_new(1, DOOR_FRAME_BYTES_MAX);
    client->detail = mem_new(1, DETAIL_BYTES_MAX);
    *ret_client = client;
    return true;
}

static void drop_frame(struct apm2_client *client)
{
    if (client->has_frame)
        (void)zmq_msg_close(&client->frame);
    client->has_frame = false;
}

void apm2_client_close(struct apm2_client **client)
{
    if (*client == NULL)
        return;
    drop_frame(*client);
    door_client_destroy(&(*client)->door);
    free((*client)->out);
    free((*client)->detail);
    free(*client);
    *client = NULL;
}

static bool transmit(struct apm2_client *client, enum wire_id id, const void *message,
                     struct apm2_why *ret_why)
{
    size_t size = wire_encode(id, message, client->out, DOOR_FRAME_BYTES_MAX);
    if (size == 0)
        return apm2_fail(ret_why, APM_ERR_TOO_LARGE, NULL);
    enum apm_err err = door_client_send(client->door, span_of(client->out, size));
    return err == APM_OK || apm2_fail(ret_why, err, NULL);
}

bool apm2_client_submit(struct apm2_client *client, uint64_t request,
                        const struct apm2_bundle *bundle, struct apm2_why *ret_why)
{
    struct wire_submit submit = {
        .request = request,
        .bundle = span_of(bundle->bytes, bundle->size),
    };
    return transmit(client, WIRE_submit, &submit, ret_why);
}

bool apm2_client_query(struct apm2_client *client, uint64_t request, const char *verb,
                       const char *args, struct apm2_why *ret_why)
{
    struct wire_query query = {
        .request = request,
        .verb = span_of(verb, strlen(verb)),
        .args = span_of(args, args != NULL ? strlen(args) : 0),
    };
    return transmit(client, WIRE_query, &query, ret_why);
}

static void keep_texts(struct apm2_client *client, struct span error, struct span detail,
                       struct apm2_reply *reply)
{
    /* Both were bounded by the decoder. */
    (void)snprintf(client->error, sizeof(client->error), "%.*s", (int)error.size,
                   (const char *)error.data);
    MUST(detail.size < DETAIL_BYTES_MAX);
    if (detail.size > 0)
        memcpy(client->detail, detail.data, detail.size);
    client->detail[detail.size] = 0;
    reply->error = client->error;
    reply->detail = client->detail;
}

static void take_submit_reply(struct apm2_client *client, const struct wire_submit_reply *got,
                              struct apm2_reply *reply)
{
    reply->request = got->request;
    memcpy(reply->bundle, got->bundle.b, sizeof(reply->bundle));
    keep_texts(client, got->error, got->detail, reply);
    reply->kind = strcmp(reply->error, "OK") == 0 ? APM2_ACCEPTED : APM2_REFUSED;
}

static void take_outcome(const struct wire_outcome *got, struct apm2_reply *reply)
{
    reply->kind = APM2_OUTCOME;
    reply->request = got->request;
    reply->error = "OK";
    reply->detail = "";
    reply->height = got->height;
    reply->index = got->index;
    reply->codes = got->codes.data;
    reply->n_codes = got->codes.size;
    memcpy(reply->bundle, got->bundle.b, sizeof(reply->bundle));
    memcpy(reply->block, got->block.b, sizeof(reply->block));
}

/* False for what is none of a client's replies: a newer or a broken node. */
static bool take(struct apm2_client *client, struct apm2_reply *reply)
{
    struct wire_message message;
    struct span bytes = span_of(zmq_msg_data(&client->frame), zmq_msg_size(&client->frame));
    if (wire_decode(bytes, &message) != WIRE_OK)
        return false;
    if (message.id == WIRE_submit_reply) {
        take_submit_reply(client, &message.submit_reply, reply);
        return true;
    }
    if (message.id == WIRE_outcome) {
        take_outcome(&message.outcome, reply);
        return true;
    }
    if (message.id == WIRE_answer) {
        reply->kind = APM2_ANSWER;
        reply->request = message.answer.request;
        keep_texts(client, message.answer.error, message.answer.body, reply);
        return true;
    }
    return false;
}

bool apm2_client_next(struct apm2_client *client, struct apm2_reply *ret_reply)
{
    for (;;) {
        struct apm2_reply reply = {0};
        drop_frame(client);
        if (!door_client_receive(client->door, &client->frame))
            return false;
        client->has_frame = true;
        if (take(client, &reply)) {
            *ret_reply = reply;
            return true;
        }
    }
}

void apm2_client_wait(struct apm2_client *const *clients, uint32_t n, int timeout_ms)
{
    zmq_pollitem_t items[VALIDATORS_MAX];
    MUST(n <= VALIDATORS_MAX);
    for (uint32_t i = 0; i < n; i++)
        items[i] =
            (zmq_pollitem_t){.socket = door_client_socket(clients[i]->door), .events = ZMQ_POLLIN};
    (void)zmq_poll(items, (int)n, timeout_ms);
}

int apm2_client_fd(struct apm2_client *client)
{
    int fd = -1;
    size_t size = sizeof(fd);
    if (zmq_getsockopt(door_client_socket(client->door), ZMQ_FD, &fd, &size) != 0)
        return -1;
    return fd;
}
