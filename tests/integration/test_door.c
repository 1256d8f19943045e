/* door: what clients get through to a node and back, on real sockets. */
#include "tests/support/site.h"
#include "tests/support/unit.h"

#include <unistd.h>

#include "common/door.h"

#define PORT 29196

static struct door *open_door(void)
{
    struct door_config config = {.context = sites[0].context,
                                 .zap = sites[0].zap,
                                 .service = "consensus",
                                 .curve = sites[0].pair,
                                 .address = address_of(0),
                                 .port = PORT};
    struct door *door = NULL;
    ck_assert_msg(door_new(&config, &door, &why) == APM_OK, "%s", why.text);
    return door;
}

static struct door_client *open_client(void)
{
    struct door_client *client = NULL;
    ck_assert_int_eq(
        door_client_new(sites[1].context, address_of(0), PORT, &sites[0].pair.public_key, &client),
        APM_OK);
    return client;
}

static void ask(struct door_client *client, struct span body)
{
    zmq_pollitem_t item = {door_client_socket(client), 0, ZMQ_POLLOUT, 0};
    ck_assert_int_eq(zmq_poll(&item, 1, PATIENCE_MS), 1);
    ck_assert_int_eq(door_client_send(client, body), APM_OK);
}

static enum door_got door_next(struct door *door, struct door_message *ret_message, int timeout_ms)
{
    zmq_pollitem_t item = {door_socket(door), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, timeout_ms) <= 0)
        return DOOR_NOTHING;
    return door_receive(door, ret_message);
}

START_TEST(the_door_answers_any_key)
{
    struct door *door = open_door();
    struct door_client *clients[] = {open_client(), open_client()};
    struct curve_key origins[2];
    for (unsigned i = 0; i < 2; i++) {
        struct door_message message;
        ask(clients[i], text("question"));
        ck_assert_int_eq(door_next(door, &message, PATIENCE_MS), DOOR_MESSAGE);
        ck_assert(span_eq(message.body, text("question")));
        origins[i] = message.origin;
        ck_assert_int_eq(door_send(door, &message.route, text("answer")), APM_OK);
        door_message_release(&message);

        zmq_pollitem_t item = {door_client_socket(clients[i]), 0, ZMQ_POLLIN, 0};
        ck_assert_int_eq(zmq_poll(&item, 1, PATIENCE_MS), 1);
        zmq_msg_t frame;
        ck_assert(door_client_receive(clients[i], &frame));
        ck_assert(span_eq(span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)), text("answer")));
        zmq_msg_close(&frame);
        ck_assert(!door_client_receive(clients[i], &frame));
    }
    ck_assert(!curve_key_eq(&origins[0], &origins[1]));
    door_client_destroy(&clients[0]);
    door_client_destroy(&clients[1]);
    door_destroy(&door);
}
END_TEST

START_TEST(an_answer_to_a_client_that_went_is_said)
{
    struct door *door = open_door();
    struct door_client *client = open_client();
    struct door_message message;
    ask(client, text("and off"));
    ck_assert_int_eq(door_next(door, &message, PATIENCE_MS), DOOR_MESSAGE);
    struct door_route route = message.route;
    door_message_release(&message);
    door_client_destroy(&client);
    enum apm_err err = APM_OK;
    for (int i = 0; i < 100 && err != APM_ERR_NOT_FOUND; i++) {
        usleep(20000);
        ck_assert_int_eq(door_next(door, &message, 0), DOOR_NOTHING);
        err = door_send(door, &route, text("where are you"));
    }
    ck_assert_int_eq(err, APM_ERR_NOT_FOUND);
    door_destroy(&door);
}
END_TEST

START_TEST(the_doors_garbage_costs_its_sender_only)
{
    struct door *door = open_door();
    struct door_client *client = open_client();
    void *context = zmq_ctx_new();
    struct curve_pair pair;
    curve_pair_new(&pair);
    void *plain = dealer_to(context, PORT, NULL);
    void *crooked = dealer_to(context, PORT, &pair);
    void *fat = dealer_to(context, PORT, &pair);
    uint8_t *large = calloc(1, DOOR_FRAME_BYTES_MAX + 1);
    zmq_send(plain, "plain", 5, 0);
    zmq_send(fat, large, DOOR_FRAME_BYTES_MAX + 1, 0);
    zmq_send(crooked, "a", 1, ZMQ_SNDMORE);
    zmq_send(crooked, "b", 1, 0);
    int fd = tcp_to(PORT);
    (void)send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL);

    struct door_message message;
    ck_assert_int_eq(door_next(door, &message, PATIENCE_MS), DOOR_REFUSED);
    ck_assert_uint_eq(door_refused(door), 1);
    ck_assert_int_eq(door_next(door, &message, SILENCE_MS), DOOR_NOTHING);
    ask(client, span_of(large, DOOR_FRAME_BYTES_MAX));
    ck_assert_int_eq(door_next(door, &message, PATIENCE_MS), DOOR_MESSAGE);
    ck_assert_uint_eq(message.body.size, DOOR_FRAME_BYTES_MAX);
    door_message_release(&message);

    close(fd);
    free(large);
    zmq_close(plain);
    zmq_close(fat);
    close_dealer(context, crooked);
    door_client_destroy(&client);
    door_destroy(&door);
}
END_TEST

UNIT_MAIN("door", two_sites, close_sites, {
    tcase_add_test(tc, the_door_answers_any_key);
    tcase_add_test(tc, an_answer_to_a_client_that_went_is_said);
    tcase_add_test(tc, the_doors_garbage_costs_its_sender_only);
})
