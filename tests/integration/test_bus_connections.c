/* bus: how many connections it holds, and whose. */
#include "tests/support/buses.h"
#include "tests/support/unit.h"

#include <sys/resource.h>

#define SILENT (BUS_CONNECTIONS_MAX + 200u)

/* Both ends are ours: twice what a bus counts on. */
static void raise_descriptors(void)
{
    struct rlimit files;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_uint_gt(files.rlim_cur, 2 * SILENT + 64);
}

/* What the guard does in so many tenths of a second, at once. */
static uint32_t turn(struct bus *bus, unsigned n)
{
    static uint64_t now_ms = 1000;
    uint32_t n_cut = 0;
    for (unsigned i = 0; i < n; i++) {
        usleep(20000); /* libzmq's thread has its share */
        now_ms += 200;
        n_cut += bus_turn(bus, now_ms);
    }
    return n_cut;
}

START_TEST(silent_connections_make_room_for_peers)
{
    static int fds[SILENT];
    raise_descriptors();
    open_both();
    turn(buses[0], 5);
    send_soon(1, 0, text("before"));
    expect(buses[0], 1, text("before"));
    uint32_t n_cut = 0;
    for (size_t i = 0; i < SILENT; i++) {
        fds[i] = tcp_to(PORT);
        n_cut += i % 64 == 0 ? turn(buses[0], 1) : 0;
    }
    n_cut += turn(buses[0], 10);
    ck_assert_uint_ge(n_cut, 100); /* 201, less what libzmq was tired of already */
    send_soon(1, 0, text("still connected"));
    expect(buses[0], 1, text("still connected"));
    ck_assert_uint_eq(bus_drops(buses[1], 0), 0);

    bus_destroy(&buses[1]);
    ck_assert_int_eq(open_bus(1, (struct bus_rate){0}), APM_OK);
    send_soon(1, 0, text("connected anew"));
    expect(buses[0], 1, text("connected anew"));
    for (size_t i = 0; i < SILENT; i++)
        close(fds[i]);
}
END_TEST

/* A validator has the key to any number of connections. */
START_TEST(a_peer_holds_a_few_connections_only)
{
    enum { N = 30 };
    void *context = zmq_ctx_new();
    void *dealers[N];
    open_both();
    for (unsigned i = 0; i < N; i++)
        dealers[i] = dealer_to(context, PORT, &sites[1].pair);
    ck_assert_uint_eq(turn(buses[0], 20), 0); /* none has spoken: whose they are is not known */
    for (unsigned i = 0; i < N; i++) {
        zmq_send(dealers[i], "one of many", 11, 0);
        expect(buses[0], 1, text("one of many"));
    }
    ck_assert_uint_eq(turn(buses[0], 1), N - BUS_CONNECTIONS_OF_PEER);
    send_soon(1, 0, text("its own"));
    expect(buses[0], 1, text("its own"));
    for (unsigned i = 0; i < N; i++)
        zmq_close(dealers[i]);
    zmq_ctx_term(context);
}
END_TEST

UNIT_MAIN("bus connections", two_sites, close_bus, {
    tcase_add_test(tc, silent_connections_make_room_for_peers);
    tcase_add_test(tc, a_peer_holds_a_few_connections_only);
})
