#include "common/admin.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/wire.h"
#include "tests/support/unit.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

/* The server in the loop, and a client's DEALER beside it. */
static char dir[64];
static void *context;
static struct loop *loop;
static struct admin *admin;
static void *client;
static uint64_t tickets[ADMIN_TICKETS_MAX + 1];
static size_t n_tickets;
static uint8_t received[JSON_BYTES_MAX + 4096];

static enum apm_err query_echo(void *state, struct span args, struct buf *body)
{
    (void)state;
    buf_append_span(body, args);
    return APM_OK;
}

static enum apm_err query_deny(void *state, struct span args, struct buf *body)
{
    (void)state;
    (void)args;
    (void)body;
    return APM_ERR_DENIED;
}

static enum apm_err query_flood(void *state, struct span args, struct buf *body)
{
    (void)state;
    (void)args;
    while (buf_text(body, "0123456789abcdef0123456789abcdef")) {
    }
    return APM_OK;
}

static enum apm_err query_garble(void *state, struct span args, struct buf *body)
{
    (void)state;
    (void)args;
    buf_text(body, "\xff"); /* not UTF-8: no wire string */
    return APM_OK;
}

static void query_late(void *state, uint64_t ticket, struct span args)
{
    (void)state;
    (void)args;
    tickets[n_tickets] = ticket;
    n_tickets++;
}

static const struct admin_query queries[] = {
    {"echo", "", query_echo, NULL},   {"deny", "", query_deny, NULL},
    {"flood", "", query_flood, NULL}, {"garble", "", query_garble, NULL},
    {"late", "", NULL, query_late},   {NULL, NULL, NULL, NULL},
};

/* The service's client door: sends the same frame back. */
static void on_client(void *state, struct span from, struct span frame)
{
    (void)state;
    ck_assert(admin_send(admin, from, frame));
    ck_assert(!admin_send(admin, span_of("nobody", 6), frame));
}

static void served(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test_admin.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    context = zmq_ctx_new();
    loop_block_signals();
    loop = loop_new();
    const struct admin_config config = {.zmq = context,
                                        .loop = loop,
                                        .run_dir = dir,
                                        .service = "apm2-x",
                                        .queries = queries,
                                        .client = on_client};
    ck_assert_int_eq(admin_start(&config, &admin), APM_OK);

    char *endpoint = mem_printf("ipc://%s/x.sock", dir);
    client = zmq_socket(context, ZMQ_DEALER);
    int linger = 0;
    ck_assert_int_eq(zmq_setsockopt(client, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    ck_assert_int_eq(zmq_connect(client, endpoint), 0);
    free(endpoint);
}

static void ended(void)
{
    zmq_close(client);
    admin_destroy(&admin);
    zmq_ctx_term(context);
    ck_assert_int_eq(rmdir(dir), 0); /* the socket file is gone too */
}

static void send_query(uint64_t request, const char *verb, const char *args)
{
    const struct wire_query query = {request, log_text(verb), log_text(args)};
    uint8_t out[512];
    size_t size = wire_encode(WIRE_query, &query, out, sizeof(out));
    ck_assert_uint_gt(size, 0);
    ck_assert_int_eq(zmq_send(client, out, size, 0), (int)size);
}

/* The next frame to arrive while the loop turns; size 0 when none does. */
static struct span next_frame(void)
{
    for (int i = 0; i < 200; i++) {
        loop_turn(loop, 5);
        int size = zmq_recv(client, received, sizeof(received), ZMQ_DONTWAIT);
        if (size >= 0) {
            return span_of(received, (size_t)size);
        }
    }
    return span_of(received, 0);
}

static void expect_answer(uint64_t request, const char *error, const char *body)
{
    struct wire_answer answer;
    ck_assert_int_eq(wire_decode_as(WIRE_answer, next_frame(), &answer), WIRE_OK);
    ck_assert_uint_eq(answer.request, request);
    ck_assert_msg(span_eq(answer.error, log_text(error)), "%.*s", (int)answer.error.size,
                  (const char *)answer.error.data);
    ck_assert_msg(span_eq(answer.body, log_text(body)), "%.*s", (int)answer.body.size,
                  (const char *)answer.body.data);
}

static const struct row {
    const char *verb;
    const char *error;
    const char *body;
} rows[] = {
    {"echo", "OK", "{\"a\":1}"},
    {"deny", "DENIED", "{\"message\":\"permission denied\"}"},
    {"flood", "TOO_LARGE", "{\"message\":\"the answer is too large\",\"hint\":\"ask for less\"}"},
    {"garble", "FAILED", "{\"message\":\"the answer cannot be sent\"}"},
    {"ech", "USAGE",
     "{\"message\":\"unknown query \\\"ech\\\"\",\"hint\":\"known: echo deny flood garble late\"}"},
};

START_TEST(answers)
{
    send_query(41, rows[_i].verb, "{\"a\":1}");
    expect_answer(41, rows[_i].error, rows[_i].body);
    ended();
}
END_TEST

START_TEST(a_later_answer_finds_its_asker_once)
{
    send_query(7, "late", "");
    send_query(8, "late", "");
    send_query(9, "echo", "in between");
    expect_answer(9, "OK", "in between");
    ck_assert_uint_eq(n_tickets, 2);
    admin_answer(admin, tickets[1], APM_ERR_NOT_FOUND, span_of("", 0));
    expect_answer(8, "NOT_FOUND", "{\"message\":\"not found\"}");
    admin_answer(admin, tickets[0], APM_OK, log_text("{}"));
    expect_answer(7, "OK", "{}");
    admin_answer(admin, tickets[0], APM_OK, log_text("{}")); /* used up */
    admin_answer(admin, 0, APM_OK, log_text("{}"));
    ck_assert_uint_eq(next_frame().size, 0);
    ended();
}
END_TEST

START_TEST(more_owed_answers_than_tickets_is_busy)
{
    for (uint64_t i = 0; i <= ADMIN_TICKETS_MAX; i++) {
        send_query(i, "late", "");
    }
    expect_answer(ADMIN_TICKETS_MAX, "BUSY", "{\"message\":\"busy: try again shortly\"}");
    ck_assert_uint_eq(n_tickets, ADMIN_TICKETS_MAX);
    ended();
}
END_TEST

START_TEST(garbage_costs_its_sender_only)
{
    ck_assert_int_eq(zmq_send(client, "\xdd\xff\xff\xff\xff", 5, 0), 5);
    ck_assert_int_eq(zmq_send(client, "", 0, 0), 0);
    ck_assert_int_eq(zmq_send(client, "two", 3, ZMQ_SNDMORE), 3);
    ck_assert_int_eq(zmq_send(client, "parts", 5, 0), 5);
    send_query(1, "echo", "still here");
    expect_answer(1, "OK", "still here");
    ended();
}
END_TEST

START_TEST(other_messages_go_to_the_client_door)
{
    const struct wire_submit submit = {3, log_text("bundle")};
    uint8_t out[64];
    size_t size = wire_encode(WIRE_submit, &submit, out, sizeof(out));
    ck_assert_int_eq(zmq_send(client, out, size, 0), (int)size);
    ck_assert(span_eq(next_frame(), span_of(out, size)));
    ended();
}
END_TEST

START_TEST(a_path_too_long_is_refused)
{
    char run_dir[ADMIN_PATH_MAX + 2];
    char path[ADMIN_PATH_MAX + 1] = "untouched";
    memset(run_dir, 'r', sizeof(run_dir));
    run_dir[ADMIN_PATH_MAX - strlen("/x.sock") + 1] = 0;
    ck_assert_int_eq(admin_path(run_dir, "apm2-x", path), APM_ERR_CONFIG);
    ck_assert_str_eq(path, "untouched");
    run_dir[ADMIN_PATH_MAX - strlen("/x.sock")] = 0;
    ck_assert_int_eq(admin_path(run_dir, "apm2-x", path), APM_OK);
    ck_assert_uint_eq(strlen(path), ADMIN_PATH_MAX);
    ended();
}
END_TEST

START_TEST(a_silent_service_is_a_timeout)
{
    struct buf body;
    buf_init(&body, 100);
    /* Nobody turns the loop: it listens, and does not answer. */
    struct admin_question question = {dir, "apm2-x", "echo", NULL, 200};
    ck_assert_int_eq(admin_ask(&question, &body), APM_ERR_TIMED_OUT);
    question.service = "apm2-y";
    ck_assert_int_eq(admin_ask(&question, &body), APM_ERR_UNREACHABLE);
    ended();
}
END_TEST

UNIT_MAIN("admin", served, NULL, {
    tcase_add_loop_test(tc, answers, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, a_later_answer_finds_its_asker_once);
    tcase_add_test(tc, more_owed_answers_than_tickets_is_busy);
    tcase_add_test(tc, garbage_costs_its_sender_only);
    tcase_add_test(tc, other_messages_go_to_the_client_door);
    tcase_add_test(tc, a_path_too_long_is_refused);
    tcase_add_test(tc, a_silent_service_is_a_timeout);
})
