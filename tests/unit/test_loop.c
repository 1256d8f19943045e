#include "common/clock.h"
#include "common/loop.h"
#include "common/ids.h"
#include "tests/support/unit.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <zmq.h>

static struct loop *loop;
static int ends[2];

/* What callbacks saw. */
struct seen {
    int calls;
    short revents;
    int more; /* how often to answer "there is more" */
    int signals[8];
    int n_signals;
    uint64_t deadline_ms;
};
static struct seen seen;
static struct seen other;

static void fresh(void)
{
    loop_block_signals();
    loop = loop_new();
    ck_assert_int_eq(pipe(ends), 0);
}

static bool on_event(void *arg, short revents)
{
    struct seen *mine = arg;
    mine->calls++;
    mine->revents = revents;
    mine->more--;
    return mine->more >= 0;
}

static struct loop_fn into(struct seen *mine)
{
    return (struct loop_fn){on_event, mine};
}

START_TEST(a_descriptor_is_watched_for_its_events)
{
    loop_add_fd(loop, ends[0], POLLIN, into(&seen));
    loop_turn(loop, 0);
    ck_assert_int_eq(seen.calls, 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    loop_turn(loop, 1000);
    ck_assert_int_eq(seen.calls, 1);
    ck_assert_int_eq(seen.revents, POLLIN);

    loop_set_events(loop, ends[0], 0);
    loop_turn(loop, 0);
    ck_assert_int_eq(seen.calls, 1);

    loop_add_fd(loop, ends[1], POLLOUT, into(&other));
    loop_turn(loop, 1000);
    ck_assert_int_eq(other.revents, POLLOUT);
    loop_remove_fd(loop, ends[1]);
    loop_turn(loop, 0);
    ck_assert_int_eq(other.calls, 1);
}
END_TEST

START_TEST(a_hang_up_is_told)
{
    loop_add_fd(loop, ends[0], POLLIN, into(&seen));
    close(ends[1]);
    loop_turn(loop, 1000);
    ck_assert_int_eq(seen.revents & POLLERR, POLLERR);
}
END_TEST

START_TEST(more_is_asked_for_without_waiting)
{
    seen.more = 3;
    loop_add_fd(loop, ends[1], POLLOUT, into(&seen));
    loop_turn(loop, 1000);
    loop_set_events(loop, ends[1], 0);
    uint64_t before_ms = clock_mono_ms();
    loop_turn(loop, 5000);
    loop_turn(loop, 5000);
    loop_turn(loop, 5000);
    ck_assert_int_eq(seen.calls, 4);
    ck_assert_int_eq(seen.revents, 0);
    ck_assert_uint_lt(clock_mono_ms() - before_ms, 1000);
    loop_turn(loop, 10);
    ck_assert_int_eq(seen.calls, 4);
}
END_TEST

static bool remove_both(void *arg, short revents)
{
    (void)on_event(arg, revents);
    loop_remove_fd(loop, ends[0]);
    loop_remove_fd(loop, ends[1]);
    loop_add_fd(loop, ends[1], POLLOUT, into(&other));
    return true; /* of a source that is no more: never asked again */
}

START_TEST(a_callback_may_remove_and_add)
{
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    struct seen victim = {0};
    loop_add_fd(loop, ends[0], POLLIN, (struct loop_fn){remove_both, &seen});
    loop_add_fd(loop, ends[1], POLLOUT, into(&victim));
    loop_turn(loop, 1000);
    ck_assert_int_eq(seen.calls, 1);
    ck_assert_int_eq(victim.calls, 0);
    loop_turn(loop, 1000);
    ck_assert_int_eq(seen.calls, 1);
    ck_assert_int_eq(other.calls, 1);
}
END_TEST

START_TEST(the_same_descriptor_twice_is_our_bug)
{
    loop_add_fd(loop, ends[0], POLLIN, into(&seen));
    loop_add_fd(loop, ends[0], POLLIN, into(&other));
}
END_TEST

START_TEST(zeromq_messages_left_behind_come_again)
{
    void *context = zmq_ctx_new();
    void *a = zmq_socket(context, ZMQ_PAIR);
    void *b = zmq_socket(context, ZMQ_PAIR);
    ck_assert_int_eq(zmq_bind(a, "inproc://x"), 0);
    ck_assert_int_eq(zmq_connect(b, "inproc://x"), 0);
    loop_add_socket(loop, a, POLLIN, into(&seen)); /* takes nothing off the socket */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(zmq_send(b, "x", 1, 0), 1);
    }
    loop_turn(loop, 1000);
    loop_turn(loop, 1000);
    ck_assert_int_eq(seen.calls, 2);
    ck_assert_int_eq(seen.revents, POLLIN);
    loop_remove_socket(loop, a);
    loop_turn(loop, 0);
    ck_assert_int_eq(seen.calls, 2);
    zmq_close(a);
    zmq_close(b);
    zmq_ctx_term(context);
}
END_TEST

static void on_turn(void *arg, uint64_t now_ms)
{
    struct seen *mine = arg;
    mine->calls++;
    if (now_ms >= mine->deadline_ms) {
        mine->deadline_ms = CLOCK_NEVER;
        loop_stop(loop);
    }
}

static uint64_t deadline_of(void *arg)
{
    const struct seen *mine = arg;
    return mine->deadline_ms;
}

START_TEST(the_earliest_deadline_wakes_it)
{
    uint64_t start_ms = clock_mono_ms();
    seen.deadline_ms = CLOCK_NEVER;
    other.deadline_ms = start_ms + 60;
    loop_add_hook(loop, (struct loop_hook){on_turn, deadline_of, &seen});
    loop_add_hook(loop, (struct loop_hook){on_turn, deadline_of, &other});
    loop_run(loop);
    uint64_t took_ms = clock_mono_ms() - start_ms;
    ck_assert_uint_ge(took_ms, 60);
    ck_assert_uint_lt(took_ms, 1000);
    ck_assert_int_lt(seen.calls, 10); /* it slept, it did not spin */
    ck_assert_uint_ge(loop_turned_ms(loop), start_ms + 59);

    loop_remove_hook(loop, &seen);
    int before = seen.calls;
    loop_turn(loop, 0);
    ck_assert_int_eq(seen.calls, before);
}
END_TEST

static void on_signal(void *arg, int signal_number)
{
    struct seen *mine = arg;
    mine->signals[mine->n_signals] = signal_number;
    mine->n_signals++;
}

START_TEST(signals_arrive_in_the_loop_only)
{
    loop_on_signal(loop, on_signal, &seen);
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert_int_eq(raise(SIGHUP), 0);
    ck_assert_int_eq(raise(SIGPIPE), 0);
    ck_assert_int_eq(seen.n_signals, 0);
    loop_turn(loop, 1000);
    ck_assert_int_eq(seen.n_signals, 2);
    ck_assert(seen.signals[0] == SIGTERM || seen.signals[1] == SIGTERM);
    ck_assert(seen.signals[0] == SIGHUP || seen.signals[1] == SIGHUP);
}
END_TEST

UNIT_MAIN("loop", fresh, NULL, {
    tcase_add_test(tc, a_descriptor_is_watched_for_its_events);
    tcase_add_test(tc, a_hang_up_is_told);
    tcase_add_test(tc, more_is_asked_for_without_waiting);
    tcase_add_test(tc, a_callback_may_remove_and_add);
    tcase_add_test_raise_signal(tc, the_same_descriptor_twice_is_our_bug, SIGABRT);
    tcase_add_test(tc, zeromq_messages_left_behind_come_again);
    tcase_add_test(tc, the_earliest_deadline_wakes_it);
    tcase_add_test(tc, signals_arrive_in_the_loop_only);
})
