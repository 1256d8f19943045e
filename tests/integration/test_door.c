/* door: what clients get through to a node and back, on real sockets. */
#include "tests/support/raw_curve.h"
#include "tests/support/site.h"
#include "tests/support/unit.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
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

/* While the door turns and takes what is whole. */
static unsigned turn_for(struct door *door, uint64_t ms)
{
    struct door_message message;
    unsigned n_cut = 0;
    for (uint64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms; usleep(5000)) {
        if (door_next(door, &message, 0) == DOOR_MESSAGE)
            door_message_release(&message);
        n_cut += door_turn(door, clock_mono_ms());
    }
    return n_cut;
}

static void must_serve(struct door *door, struct door_client *client)
{
    struct door_message message;
    ask(client, text("still there"));
    ck_assert_int_eq(door_next(door, &message, PATIENCE_MS), DOOR_MESSAGE);
    ck_assert(span_eq(message.body, text("still there")));
    door_message_release(&message);
}

START_TEST(a_message_without_end_is_cut_off)
{
    struct door *door = open_door();
    struct door_client *client = open_client();
    must_serve(door, client);

    struct raw_curve curve;
    static uint8_t part[1024 * 1024];
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = tcp_to(PORT);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ck_assert(raw_curve_connect(fd, sites[0].pair.public_key.b, &curve));

    uint64_t sent_bytes = 0;
    unsigned n_cut = 0;
    while (n_cut == 0 && sent_bytes < 4ull * DOOR_UNTAKEN_BYTES_MAX) {
        if (raw_curve_send(&curve, part, sizeof(part), false))
            sent_bytes += sizeof(part);
        n_cut += door_turn(door, clock_mono_ms());
    }
    ck_assert_uint_eq(n_cut, 1);
    ck_assert_uint_gt(sent_bytes, DOOR_UNTAKEN_BYTES_MAX / 2);
    must_serve(door, client);
    close(fd);
    door_client_destroy(&client);
    door_destroy(&door);
}
END_TEST

/* However much it is in all. */
START_TEST(messages_that_are_taken_are_not_counted)
{
    struct door *door = open_door();
    struct raw_curve curve;
    static uint8_t part[1024 * 1024];
    int fd = tcp_to(PORT);
    ck_assert(raw_curve_connect(fd, sites[0].pair.public_key.b, &curve));
    for (unsigned i = 0; i < 2 * DOOR_UNTAKEN_BYTES_MAX / sizeof(part); i++) {
        struct door_message message;
        ck_assert(raw_curve_send(&curve, part, sizeof(part), true));
        ck_assert_int_eq(door_next(door, &message, PATIENCE_MS), DOOR_MESSAGE);
        ck_assert_uint_eq(message.body.size, sizeof(part));
        door_message_release(&message);
        ck_assert_uint_eq(door_turn(door, clock_mono_ms()), 0);
    }
    close(fd);
    door_destroy(&door);
}
END_TEST

START_TEST(connections_beyond_the_bound_are_shut_and_the_rest_stay)
{
    struct door *door = open_door();
    struct door_client *client = open_client();
    must_serve(door, client);
    static int fds[DOOR_CONNECTIONS_MAX + 20];
    struct rlimit files; /* both ends are ours: twice what the door counts on */
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_uint_gt(files.rlim_cur, 2 * N_ELEMENTS(fds) + 64);
    unsigned n_cut = 0;
    for (size_t i = 0; i < N_ELEMENTS(fds); i++) {
        fds[i] = tcp_to(PORT);
        n_cut += i % 32 == 0 ? turn_for(door, 1) : 0;
    }
    for (int i = 0; i < 20 && n_cut < 21; i++)
        n_cut += turn_for(door, 100);
    ck_assert_uint_eq(n_cut, 21); /* the client is one of those that stay */
    must_serve(door, client);
    for (size_t i = 0; i < N_ELEMENTS(fds); i++)
        close(fds[i]);

    /* Their places are free again. */
    ck_assert_uint_eq(turn_for(door, 500), 0);
    for (size_t i = 0; i < 100; i++)
        fds[i] = tcp_to(PORT);
    ck_assert_uint_eq(turn_for(door, 500), 0);
    for (size_t i = 0; i < 100; i++)
        close(fds[i]);
    door_client_destroy(&client);
    door_destroy(&door);
}
END_TEST

UNIT_MAIN("door", two_sites, close_sites, {
    tcase_add_test(tc, the_door_answers_any_key);
    tcase_add_test(tc, an_answer_to_a_client_that_went_is_said);
    tcase_add_test(tc, the_doors_garbage_costs_its_sender_only);
    tcase_add_test(tc, a_message_without_end_is_cut_off);
    tcase_add_test(tc, messages_that_are_taken_are_not_counted);
    tcase_add_test(tc, connections_beyond_the_bound_are_shut_and_the_rest_stay);
})
