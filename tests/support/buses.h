/*
 * buses - a bus at each of the two sites, each the other's only peer.
 */
#ifndef APM2_TESTS_BUSES_H
#define APM2_TESTS_BUSES_H

#include <unistd.h>

#include "common/bus.h"
#include "tests/support/site.h"

#define PORT 29190

static struct bus *buses[2];

static inline void close_bus(void)
{
    for (unsigned i = 0; i < 2; i++)
        bus_destroy(&buses[i]);
    close_sites();
}

static inline struct bus_peer peer_of(unsigned i)
{
    struct bus_peer peer = {.index = i, .port = PORT, .curve = sites[i].pair.public_key};
    snprintf(peer.address, sizeof(peer.address), "%s", address_of(i));
    return peer;
}

static inline enum apm_err open_bus(unsigned i, struct bus_rate rate)
{
    struct bus_peer other = peer_of(1 - i);
    struct bus_config config = {.context = sites[i].context,
                                .zap = sites[i].zap,
                                .service = "consensus",
                                .curve = sites[i].pair,
                                .address = address_of(i),
                                .port = PORT,
                                .rate = rate,
                                .peers = &other,
                                .n_peers = 1};
    return bus_new(&config, &buses[i], &why);
}

static inline void open_both(void)
{
    for (unsigned i = 0; i < 2; i++)
        ck_assert_msg(open_bus(i, (struct bus_rate){0}) == APM_OK, "%s", why.text);
}

/* Waits for the next thing to come in: BUS_NOTHING when time is up. */
static inline enum bus_got next(struct bus *bus, struct bus_message *ret_message, int timeout_ms)
{
    zmq_pollitem_t item = {bus_socket(bus), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, timeout_ms) <= 0)
        return BUS_NOTHING;
    return bus_receive(bus, ret_message);
}

static inline void expect(struct bus *bus, uint32_t from, struct span body)
{
    struct bus_message message;
    ck_assert_int_eq(next(bus, &message, PATIENCE_MS), BUS_MESSAGE);
    ck_assert_uint_eq(message.from, from);
    ck_assert(span_eq(message.body, body));
    bus_message_release(&message);
}

/* Sends once the connection stands. */
static inline void send_soon(unsigned from, uint32_t to, struct span body)
{
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        if (bus_send(buses[from], to, body))
            return;
        usleep(10000);
    }
    ck_abort_msg("not connected within %d ms", PATIENCE_MS);
}

#endif
