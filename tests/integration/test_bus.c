/* bus, zap: who gets a frame through, on real sockets. */
#include "tests/support/buses.h"
#include "tests/support/unit.h"

#include <unistd.h>

#include "common/clock.h"

static void expect_silence(struct bus *bus)
{
    struct bus_message message;
    ck_assert_int_eq(next(bus, &message, SILENCE_MS), BUS_NOTHING);
}

static void expect_alive(void)
{
    send_soon(1, 0, text("still here"));
    expect(buses[0], 1, text("still here"));
}

START_TEST(two_peers_exchange)
{
    open_both();
    send_soon(0, 1, text("hello"));
    expect(buses[1], 0, text("hello"));
    send_soon(1, 0, text(""));
    expect(buses[0], 1, text(""));
    ck_assert_uint_eq(bus_send_all(buses[0], text("to all")), 1);
    expect(buses[1], 0, text("to all"));

    uint8_t *large = malloc(FRAME_BYTES_MAX);
    memset(large, 7, FRAME_BYTES_MAX);
    send_soon(0, 1, span_of(large, FRAME_BYTES_MAX));
    expect(buses[1], 0, span_of(large, FRAME_BYTES_MAX));
    free(large);
    ck_assert_uint_eq(bus_counters(buses[1], 0).received, 3);
    ck_assert_uint_eq(bus_strangers(buses[1]), 0);
}
END_TEST

START_TEST(an_unknown_key_reaches_no_decoder)
{
    open_both();
    uint64_t before = zap_refused(sites[0].zap);
    void *context = zmq_ctx_new();
    struct curve_pair stranger;
    curve_pair_new(&stranger);
    void *dealer = dealer_to(context, PORT, &stranger);
    zmq_send(dealer, "let me in", 9, 0);
    expect_silence(buses[0]);
    ck_assert_uint_gt(zap_refused(sites[0].zap), before);
    expect_alive();
    close_dealer(context, dealer);
}
END_TEST

START_TEST(a_dead_handler_lets_nobody_in)
{
    ck_assert_int_eq(open_bus(0, (struct bus_rate){0}), APM_OK);
    zap_stop(sites[0].zap);
    void *context = zmq_ctx_new();
    struct curve_pair stranger;
    curve_pair_new(&stranger);
    /* Even a key that is on the table: nobody is left to say so. */
    void *dealers[] = {dealer_to(context, PORT, &stranger),
                       dealer_to(context, PORT, &sites[1].pair)};
    zmq_send(dealers[0], "let me in", 9, 0);
    zmq_send(dealers[1], "and me", 6, 0);
    expect_silence(buses[0]);
    ck_assert_uint_eq(bus_strangers(buses[0]), 0);
    zmq_close(dealers[0]);
    close_dealer(context, dealers[1]);
}
END_TEST

START_TEST(a_plain_connection_is_refused)
{
    open_both();
    void *context = zmq_ctx_new();
    void *dealer = dealer_to(context, PORT, NULL);
    zmq_send(dealer, "plain", 5, 0);
    expect_silence(buses[0]);
    expect_alive();
    close_dealer(context, dealer);
}
END_TEST

START_TEST(garbage_is_harmless)
{
    static const char zmtp[] = "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE";
    open_both();
    srand(1);
    int fds[200];
    for (int i = 0; i < 200; i++) {
        uint8_t noise[512];
        for (size_t k = 0; k < sizeof(noise); k++)
            noise[k] = (uint8_t)rand();
        if (i % 3 == 0)
            memcpy(noise, zmtp, sizeof(zmtp)); /* the right greeting, then noise */
        fds[i] = tcp_to(PORT);
        if (i % 5 != 0) /* the others stay silent and half open */
            (void)send(fds[i], noise, sizeof(noise), MSG_NOSIGNAL);
    }
    expect_alive();
    expect_silence(buses[0]);
    for (int i = 0; i < 200; i++)
        close(fds[i]);
    expect_alive();
}
END_TEST

START_TEST(a_removed_peers_live_connection_is_ignored)
{
    open_both();
    expect_alive();
    ck_assert_int_eq(bus_set_peers(buses[0], NULL, 0, &why), APM_OK);
    send_soon(1, 0, text("I still work here"));
    struct bus_message message;
    ck_assert_int_eq(next(buses[0], &message, PATIENCE_MS), BUS_REFUSED);
    ck_assert_uint_eq(bus_strangers(buses[0]), 1);
    ck_assert(!bus_send(buses[0], 1, text("to nobody")));

    /* Taken in again at another index: same connection, new place. */
    struct bus_peer back = peer_of(1);
    back.index = 5;
    ck_assert_int_eq(bus_set_peers(buses[0], &back, 1, &why), APM_OK);
    send_soon(1, 0, text("back"));
    expect(buses[0], 5, text("back"));
}
END_TEST

START_TEST(an_oversize_frame_is_refused)
{
    open_both();
    void *context = zmq_ctx_new();
    void *dealer = dealer_to(context, PORT, &sites[1].pair);
    uint8_t *large = calloc(1, FRAME_BYTES_MAX + 1);
    zmq_send(dealer, large, FRAME_BYTES_MAX + 1, 0);
    expect_silence(buses[0]);
    expect_alive();
    close_dealer(context, dealer);
    free(large);
}
END_TEST

START_TEST(only_one_body_frame_is_taken)
{
    open_both();
    void *context = zmq_ctx_new();
    void *dealer = dealer_to(context, PORT, &sites[1].pair);
    zmq_send(dealer, "one", 3, ZMQ_SNDMORE);
    zmq_send(dealer, "two", 3, ZMQ_SNDMORE);
    zmq_send(dealer, "three", 5, 0);
    zmq_send(dealer, "alone", 5, 0);
    struct bus_message message;
    ck_assert_int_eq(next(buses[0], &message, PATIENCE_MS), BUS_REFUSED);
    ck_assert_uint_eq(bus_counters(buses[0], 1).malformed, 1);
    expect(buses[0], 1, text("alone"));
    close_dealer(context, dealer);
}
END_TEST

START_TEST(what_is_over_rate_is_refused)
{
    ck_assert_int_eq(open_bus(0, (struct bus_rate){.messages_per_s = 20}), APM_OK);
    ck_assert_int_eq(open_bus(1, (struct bus_rate){0}), APM_OK);
    uint64_t start_ms = clock_mono_ms();
    for (int i = 0; i < 200; i++)
        send_soon(1, 0, text("flood"));
    struct bus_message message;
    unsigned got[3] = {0};
    enum bus_got one;
    while ((one = next(buses[0], &message, SILENCE_MS)) != BUS_NOTHING) {
        got[one]++;
        if (one == BUS_MESSAGE)
            bus_message_release(&message);
    }
    uint64_t passed_s = (clock_mono_ms() - start_ms) / 1000 + 1;
    ck_assert_uint_eq(got[BUS_MESSAGE] + got[BUS_REFUSED], 200);
    ck_assert_uint_ge(got[BUS_MESSAGE], 20);
    ck_assert_uint_le(got[BUS_MESSAGE], 20 + 20 * passed_s);
    ck_assert_uint_eq(bus_counters(buses[0], 1).over_rate, got[BUS_REFUSED]);
    usleep(200000);
    expect_alive(); /* and forgiven */
}
END_TEST

START_TEST(sends_to_an_absent_peer_are_dropped_and_counted)
{
    ck_assert_int_eq(open_bus(0, (struct bus_rate){0}), APM_OK);
    ck_assert(!bus_send(buses[0], 1, text("anybody?")));
    ck_assert_uint_eq(bus_send_all(buses[0], text("anybody?")), 0);
    ck_assert_uint_eq(bus_drops(buses[0], 1), 2);
    ck_assert_int_eq(open_bus(1, (struct bus_rate){0}), APM_OK);
    send_soon(0, 1, text("there you are"));
    expect(buses[1], 0, text("there you are")); /* nothing old comes first */
}
END_TEST

START_TEST(what_cannot_be_bound_is_said)
{
    open_both();
    struct bus_config config = {.context = sites[1].context,
                                .zap = sites[1].zap,
                                .service = "other",
                                .curve = sites[1].pair,
                                .address = address_of(0),
                                .port = PORT};
    struct bus *bus = NULL;
    ck_assert_int_eq(bus_new(&config, &bus, &why), APM_ERR_PORT_IN_USE);
    ck_assert_ptr_nonnull(strstr(why.text, "127.0.11.1:29190"));
    config.address = "192.0.2.1";
    ck_assert_int_eq(bus_new(&config, &bus, &why), APM_ERR_CONFIG);
    ck_assert_ptr_null(bus);
}
END_TEST

/* ---- the proof ---- */

static enum apm_err prove(void *router)
{
    return bus_prove_stranger_refused(sites[0].context, router, &sites[0].pair.public_key, &why);
}

START_TEST(the_proof_passes_only_behind_a_lock)
{
    int on = 1;
    void *router = zmq_socket(sites[0].context, ZMQ_ROUTER);
    ck_assert(zap_guard(router, "proved", &sites[0].pair));
    zap_allow(sites[0].zap, "proved", &sites[1].pair.public_key, 1);
    ck_assert_msg(prove(router) == APM_OK, "%s", why.text);
    ck_assert_msg(prove(router) == APM_OK, "%s", why.text); /* leaves nothing behind */
    zap_allow_any(sites[0].zap, "proved");
    ck_assert_int_eq(prove(router), APM_ERR_DENIED);
    zmq_close(router);

    /* No handler, no enforcement: libzmq admits everybody. */
    zap_stop(sites[0].zap);
    router = zmq_socket(sites[0].context, ZMQ_ROUTER);
    zmq_setsockopt(router, ZMQ_CURVE_SERVER, &on, sizeof(on));
    zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, sites[0].pair.secret, 32);
    ck_assert_int_eq(prove(router), APM_ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why.text, "admitted"));
    zmq_close(router);
}
END_TEST

START_TEST(a_bus_does_not_open_without_its_handler)
{
    zap_stop(sites[0].zap);
    ck_assert_int_eq(open_bus(0, (struct bus_rate){0}), APM_ERR_DENIED);
    ck_assert_ptr_null(buses[0]);
}
END_TEST

START_TEST(one_handler_per_context)
{
    struct zap *second = NULL;
    ck_assert_int_eq(zap_new(sites[0].context, &second), APM_ERR_BUSY);
}
END_TEST

UNIT_MAIN("bus", two_sites, close_bus, {
    tcase_add_test(tc, two_peers_exchange);
    tcase_add_test(tc, an_unknown_key_reaches_no_decoder);
    tcase_add_test(tc, a_dead_handler_lets_nobody_in);
    tcase_add_test(tc, a_plain_connection_is_refused);
    tcase_add_test(tc, garbage_is_harmless);
    tcase_add_test(tc, a_removed_peers_live_connection_is_ignored);
    tcase_add_test(tc, an_oversize_frame_is_refused);
    tcase_add_test(tc, only_one_body_frame_is_taken);
    tcase_add_test(tc, what_is_over_rate_is_refused);
    tcase_add_test(tc, sends_to_an_absent_peer_are_dropped_and_counted);
    tcase_add_test(tc, what_cannot_be_bound_is_said);
    tcase_add_test(tc, the_proof_passes_only_behind_a_lock);
    tcase_add_test(tc, a_bus_does_not_open_without_its_handler);
    tcase_add_test(tc, one_handler_per_context);
})
