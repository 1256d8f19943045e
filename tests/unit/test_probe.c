/* Questions to a real admin socket, to one that is silent, and to one that lies. */
#include "services/metrics-exporter/probe.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/wire.h"
#include "tests/support/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

static char dir[64];
static void *context;
static struct loop *loop;
static struct admin *admin;
static struct probe probe;

static unsigned n_answers;
static enum apm_err last_err;
static json_int_t last_n;
static unsigned n_asked;      /* questions the service saw */
static const char *asks_next; /* the answered asks it at once */

static enum apm_err query_count(void *state, struct span args, struct buf *ret_body)
{
    (void)state;
    (void)args;
    n_asked++;
    buf_printf(ret_body, "{\"n\":%u}", n_asked);
    return APM_OK;
}

static enum apm_err query_deny(void *state, struct span args, struct buf *ret_body)
{
    (void)state;
    (void)args;
    (void)ret_body;
    return APM_ERR_DENIED;
}

static enum apm_err query_garble(void *state, struct span args, struct buf *ret_body)
{
    (void)state;
    (void)args;
    buf_text(ret_body, "{\"n\":");
    return APM_OK;
}

static void query_never(void *state, uint64_t ticket, struct span args)
{
    (void)state;
    (void)ticket;
    (void)args;
    n_asked++;
}

static const struct admin_query queries[] = {{"count", "", query_count, NULL},
                                             {"deny", "", query_deny, NULL},
                                             {"garble", "", query_garble, NULL},
                                             {"never", "", NULL, query_never},
                                             {NULL, NULL, NULL, NULL}};

static void answered(void *arg, enum apm_err err, const json_t *body)
{
    (void)arg;
    n_answers++;
    last_err = err;
    last_n = json_integer_value(json_object_get(body, "n"));
    if (asks_next != NULL) {
        const char *verb = asks_next;
        asks_next = NULL;
        probe_ask(&probe, verb, NULL, clock_mono_ms());
    }
}

static void start_admin(void)
{
    const struct admin_config config = {
        .zmq = context, .loop = loop, .run_dir = dir, .service = "apm2-x", .queries = queries};
    ck_assert_int_eq(admin_start(&config, &admin), APM_OK);
}

static void served(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test_probe.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    context = zmq_ctx_new();
    loop_block_signals();
    loop = loop_new();
    start_admin();
    const struct probe_config config = {
        .zmq = context, .loop = loop, .run_dir = dir, .service = "apm2-x", .answered = answered};
    ck_assert_int_eq(probe_init(&probe, &config), APM_OK);
}

static void ended(void)
{
    probe_release(&probe);
    admin_destroy(&admin);
    loop_destroy(&loop);
    zmq_ctx_term(context);
    ck_assert_int_eq(rmdir(dir), 0);
}

/* Turns until `n` answers came or two seconds are over. */
static void wait_for(unsigned n)
{
    uint64_t until_ms = clock_mono_ms() + 2000;
    while (n_answers < n && clock_mono_ms() < until_ms) {
        loop_turn(loop, 10);
        probe_turn(&probe, clock_mono_ms());
    }
    ck_assert_uint_eq(n_answers, n);
}

static enum apm_err ask(const char *verb)
{
    unsigned n = n_answers;
    probe_ask(&probe, verb, "{}", clock_mono_ms());
    wait_for(n + 1);
    return last_err;
}

START_TEST(answers_come_back)
{
    ck_assert_int_eq(ask("count"), APM_OK);
    ck_assert_int_eq(last_n, 1);
    ck_assert(!probe_is_asking(&probe));
    ck_assert_uint_eq(probe_deadline_ms(&probe), CLOCK_NEVER);
    ck_assert_int_eq(ask("count"), APM_OK);
    ck_assert_int_eq(last_n, 2);
    ck_assert_int_eq(ask("deny"), APM_ERR_DENIED);
    ck_assert_int_eq(ask("no_such"), APM_ERR_USAGE);
    ck_assert_int_eq(ask("garble"), APM_ERR_FAILED);
}
END_TEST

START_TEST(an_answer_may_ask_on)
{
    asks_next = "count";
    probe_ask(&probe, "count", NULL, clock_mono_ms());
    wait_for(2);
    ck_assert_int_eq(last_n, 2);
}
END_TEST

START_TEST(silence_is_given_up)
{
    uint64_t before_ms = clock_mono_ms();
    ck_assert_int_eq(ask("never"), APM_ERR_TIMED_OUT);
    ck_assert_uint_ge(clock_mono_ms() - before_ms, PROBE_BUDGET_MS);
    ck_assert_uint_eq(n_asked, 1);
    ck_assert_int_eq(ask("count"), APM_OK); /* over a new connection */
    ck_assert_int_eq(last_n, 2);
}
END_TEST

START_TEST(nobody_there_is_known_at_once)
{
    ck_assert_int_eq(ask("count"), APM_OK);
    admin_destroy(&admin);
    ck_assert_int_eq(ask("count"), APM_ERR_TIMED_OUT); /* the connection had been good */
    uint64_t before_ms = clock_mono_ms();
    ck_assert_int_eq(ask("count"), APM_ERR_UNREACHABLE);
    ck_assert_uint_lt(clock_mono_ms() - before_ms, PROBE_BUDGET_MS);
    start_admin();
    ck_assert_int_eq(ask("count"), APM_OK);
}
END_TEST

START_TEST(two_at_a_time_is_our_bug)
{
    probe_ask(&probe, "never", NULL, clock_mono_ms());
    probe_ask(&probe, "count", NULL, clock_mono_ms());
}
END_TEST

/* ---- a service that is not what it should be ---- */

static void *liar;

static void replace_by_liar(void)
{
    admin_destroy(&admin);
    char *endpoint = mem_printf("ipc://%s/x.sock", dir);
    int linger = 0;
    liar = zmq_socket(context, ZMQ_ROUTER);
    ck_assert_int_eq(zmq_setsockopt(liar, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    ck_assert_int_eq(zmq_bind(liar, endpoint), 0);
    free(endpoint);
}

/* Takes one question; returns who asked, and the question's number. */
static int take_question(uint8_t from[256], uint64_t *ret_request)
{
    uint8_t frame[512];
    int from_size = -1;
    for (int i = 0; i < 200 && from_size < 0; i++) {
        loop_turn(loop, 5);
        from_size = zmq_recv(liar, from, 256, ZMQ_DONTWAIT);
    }
    ck_assert_int_gt(from_size, 0);
    int size = zmq_recv(liar, frame, sizeof(frame), 0);
    struct wire_query query;
    ck_assert_int_eq(wire_decode_as(WIRE_query, span_of(frame, (size_t)size), &query), WIRE_OK);
    *ret_request = query.request;
    return from_size;
}

static void reply(const uint8_t *from, int from_size, const void *frame, size_t size, int more)
{
    (void)zmq_send(liar, from, (size_t)from_size, ZMQ_SNDMORE);
    (void)zmq_send(liar, frame, size, more);
    if (more != 0)
        (void)zmq_send(liar, frame, size, 0);
}

static void reply_answer(const uint8_t *from, int from_size, uint64_t request, const char *body)
{
    const struct wire_answer answer = {request, log_text(apm_err_name(APM_OK)), log_text(body)};
    uint8_t frame[512];
    size_t size = wire_encode(WIRE_answer, &answer, frame, sizeof(frame));
    ck_assert_uint_gt(size, 0);
    reply(from, from_size, frame, size, 0);
}

START_TEST(lies_are_not_answers)
{
    uint8_t from[256];
    uint64_t request = 0;
    static uint8_t huge[ADMIN_FRAME_BYTES_MAX + 1];

    replace_by_liar();
    probe_ask(&probe, "count", NULL, clock_mono_ms());
    int size = take_question(from, &request);
    reply(from, size, "garbage", 7, 0);
    reply(from, size, "", 0, 0);
    reply(from, size, "parts", 5, ZMQ_SNDMORE);
    reply_answer(from, size, request + 1, "{\"n\":6}"); /* to another question */
    reply_answer(from, size, request - 1, "{\"n\":6}"); /* to one that was given up */
    if (_i == 0) {
        reply_answer(from, size, request, "{\"n\":7}");
        wait_for(1);
        ck_assert_int_eq(last_err, APM_OK);
        ck_assert_int_eq(last_n, 7);
        reply_answer(from, size, request, "{\"n\":8}"); /* twice */
        for (int i = 0; i < 20; i++)
            loop_turn(loop, 5);
        ck_assert_uint_eq(n_answers, 1);
    } else {
        reply(from, size, huge, sizeof(huge), 0); /* the connection is cut */
        wait_for(1);
        ck_assert_int_eq(last_err, APM_ERR_TIMED_OUT);
    }
    zmq_close(liar);
    char *path = mem_printf("%s/x.sock", dir);
    (void)unlink(path);
    free(path);
}
END_TEST

UNIT_MAIN("probe", served, ended, {
    tcase_add_test(tc, answers_come_back);
    tcase_add_test(tc, an_answer_may_ask_on);
    tcase_add_test(tc, silence_is_given_up);
    tcase_add_test(tc, nobody_there_is_known_at_once);
    tcase_add_loop_test(tc, lies_are_not_answers, 0, 2);
    tcase_add_test_raise_signal(tc, two_at_a_time_is_our_bug, SIGABRT);
})
