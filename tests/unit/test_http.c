#include "common/clock.h"
#include "common/http.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct http *http;
static struct buf received;

static void answer_echo(void *arg, const struct http_request *request, struct http_answer *answer)
{
    (void)arg;
    buf_printf(&answer->body, "verbose=%d exclude=%s accept=%s\n", request->verbose,
               request->exclude, request->accept);
}

static void answer_teapot(void *arg, const struct http_request *request, struct http_answer *answer)
{
    (void)request;
    answer->status = 503;
    answer->content_type = "text/odd";
    buf_text(&answer->body, arg);
}

static void answer_page(void *arg, const struct http_request *request, struct http_answer *answer)
{
    (void)request;
    answer->policy = arg;
    buf_text(&answer->body, "page");
}

static void answer_flood(void *arg, const struct http_request *request, struct http_answer *answer)
{
    (void)arg;
    (void)request;
    while (buf_text(&answer->body, "0123456789abcdef0123456789abcdef")) {
    }
}

static const struct http_route routes[] = {
    {"/echo", answer_echo}, {"/503", answer_teapot}, {"/flood", answer_flood}, {NULL, NULL}};

static char argument[] = "the argument";

/* Asked for what the first table lacks. */
static const struct http_route more[] = {
    {"/503", answer_echo}, {"/page", answer_page}, {NULL, NULL}};

static char more_argument[] = "default-src 'none'";

static struct http_config config_on(const char *address, uint16_t port)
{
    return (struct http_config){.loop = loop,
                                .address = address,
                                .port = port,
                                .tables = {{routes, argument}, {more, more_argument}}};
}

static void served(void)
{
    loop_block_signals();
    loop = loop_new();
    const struct http_config config = config_on("127.0.0.1", 0);
    ck_assert_int_eq(http_start(&config, &http), APM_OK);
    buf_init(&received, 1u << 22);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Turns the loop until the server closes or `turns` are over. True when it closed. */
static bool receive(int fd, int turns)
{
    uint8_t chunk[4096];
    for (int i = 0; i < turns; i++) {
        loop_turn(loop, 10);
        ssize_t size = read(fd, chunk, sizeof(chunk));
        if (size == 0) {
            return true;
        }
        if (size > 0) {
            buf_append(&received, chunk, (size_t)size);
        }
    }
    return false;
}

static const char *ask(const char *request)
{
    int fd = connect_to(http_port(http));
    ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    ck_assert(receive(fd, 1000));
    close(fd);
    return buf_str(&received);
}

#define CLOSE " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static const struct row {
    const char *request;
    const char *status;
    const char *part;
} rows[] = {
    {"GET /echo" CLOSE "\r\n", "HTTP/1.1 200", "\r\n\r\nverbose=0 exclude= accept=\n"},
    {"GET /echo?verbose" CLOSE "\r\n", "HTTP/1.1 200", "verbose=1"},
    {"GET /echo?verbose&exclude=a,b" CLOSE "Accept: z\r\n\r\n", "HTTP/1.1 200",
     "verbose=1 exclude=a,b accept=z"},
    {"GET /503" CLOSE "\r\n", "HTTP/1.1 503", "\r\n\r\nthe argument"},
    {"GET /503" CLOSE "\r\n", "HTTP/1.1 503", "Content-Type: text/odd\r\n"},
    {"GET /page" CLOSE "\r\n", "HTTP/1.1 200", "Content-Security-Policy: default-src 'none'\r\n"},
    {"GET /nowhere" CLOSE "\r\n", "HTTP/1.1 404", "not found"},
    {"GET /echo/" CLOSE "\r\n", "HTTP/1.1 404", "not found"},
    {"POST /echo" CLOSE "Content-Length: 3\r\n\r\nabc", "HTTP/1.1 405", "Allow: GET, HEAD\r\n"},
    {"DELETE /echo" CLOSE "\r\n", "HTTP/1.1 405", "only GET"},
    {"GET /flood" CLOSE "\r\n", "HTTP/1.1 500", "answer too large"},
    {"nonsense\r\n\r\n", "", ""},
};

START_TEST(answers)
{
    const char *got = ask(rows[_i].request);
    ck_assert_msg(strncmp(got, rows[_i].status, strlen(rows[_i].status)) == 0, "%s", got);
    ck_assert_msg(strstr(got, rows[_i].part) != NULL, "%s", got);
}
END_TEST

START_TEST(head_has_no_body)
{
    const char *got = ask("HEAD /503" CLOSE "\r\n");
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 503"));
    ck_assert_ptr_nonnull(strstr(got, "Content-Length: 12"));
    ck_assert_ptr_null(strstr(got, "the argument"));
}
END_TEST

START_TEST(a_silent_client_is_dropped_after_five_seconds)
{
    int fd = connect_to(http_port(http));
    ck_assert_int_eq(write(fd, "GET /ec", 7), 7);
    ck_assert(!receive(fd, 200)); /* 2 s */
    ck_assert(receive(fd, 900));
    close(fd);
}
END_TEST

/* A byte now and then is no silence, and no request either. */
START_TEST(a_dripping_client_is_cut_off)
{
    int fd = connect_to(http_port(http));
    uint64_t start_ms = clock_mono_ms();
    bool is_closed = false;
    while (!is_closed && clock_mono_ms() < start_ms + 15000) {
        (void)send(fd, "G", 1, MSG_NOSIGNAL);
        is_closed = receive(fd, 30);
    }
    uint64_t took_ms = clock_mono_ms() - start_ms;
    ck_assert(is_closed);
    ck_assert_uint_ge(took_ms, 4900);
    ck_assert_uint_lt(took_ms, 9000);
    close(fd);
}
END_TEST

/* One connection is answered for as long as it asks in time. */
START_TEST(a_client_that_asks_again_stays)
{
    static const char again[] = "GET /503 HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = connect_to(http_port(http));
    for (int i = 0; i < 4; i++) {
        buf_clear(&received);
        ck_assert_int_gt(write(fd, again, strlen(again)), 0);
        ck_assert(!receive(fd, 200)); /* 2 s */
        ck_assert_ptr_nonnull(strstr(buf_str(&received), "the argument"));
    }
    close(fd);
}
END_TEST

/* A burst is answered, then as many as the seconds allow, however many are asked for. */
START_TEST(a_flood_is_refused)
{
    static const char request[] = "GET /503 HTTP/1.1\r\nHost: x\r\n\r\n";
    unsigned n_answered = 0;
    int fd = connect_to(http_port(http));
    for (unsigned i = 0; i < 5 * HTTP_REQUESTS_PER_S; i++) {
        (void)send(fd, request, strlen(request), MSG_NOSIGNAL);
    }
    uint64_t until_ms = clock_mono_ms() + 2000;
    while (clock_mono_ms() < until_ms) {
        (void)receive(fd, 1);
    }
    for (const char *at = strstr(buf_str(&received), "HTTP/1.1 "); at != NULL;
         at = strstr(at + 1, "HTTP/1.1 ")) {
        n_answered += strncmp(at + 9, "503", 3) == 0;
    }
    ck_assert_uint_ge(n_answered, HTTP_REQUESTS_PER_S / 2);
    ck_assert_uint_lt(n_answered, 4 * HTTP_REQUESTS_PER_S);
    close(fd);
    usleep(100000); /* time brings new ones */
    buf_clear(&received);
    ck_assert_ptr_nonnull(strstr(ask("GET /echo" CLOSE "\r\n"), "HTTP/1.1 200"));
}
END_TEST

START_TEST(the_sixty_fifth_connection_waits_or_is_closed)
{
    int fds[80];
    for (size_t i = 0; i < N_ELEMENTS(fds); i++) {
        fds[i] = connect_to(http_port(http));
        loop_turn(loop, 1);
    }
    /* Whoever got in is served still. */
    const char request[] = "GET /echo" CLOSE "\r\n";
    ck_assert_int_gt(write(fds[0], request, strlen(request)), 0);
    ck_assert(receive(fds[0], 1000));
    ck_assert_ptr_nonnull(strstr(buf_str(&received), "HTTP/1.1 200"));
    for (size_t i = 0; i < N_ELEMENTS(fds); i++) {
        close(fds[i]);
    }
}
END_TEST

START_TEST(a_port_in_use_and_a_bad_address_are_named)
{
    struct http *second = NULL;
    struct http_config config = config_on("127.0.0.1", http_port(http));
    ck_assert_int_eq(http_start(&config, &second), APM_ERR_PORT_IN_USE);
    config = config_on("localhost", 0);
    ck_assert_int_eq(http_start(&config, &second), APM_ERR_CONFIG);
    config = config_on("192.0.2.1", 0);
    ck_assert_int_eq(http_start(&config, &second), APM_ERR_CONFIG);
    ck_assert_ptr_null(second);
}
END_TEST

START_TEST(stops_listening_when_destroyed)
{
    uint16_t port = http_port(http);
    http_destroy(&http);
    ck_assert_ptr_null(http);
    loop_turn(loop, 1);
    const struct http_config config = config_on("127.0.0.1", port);
    ck_assert_int_eq(http_start(&config, &http), APM_OK);
    ck_assert_ptr_nonnull(strstr(ask("GET /echo" CLOSE "\r\n"), "200"));
}
END_TEST

UNIT_MAIN("http", served, NULL, {
    tcase_add_loop_test(tc, answers, 0, N_ELEMENTS(rows));
    tcase_add_test(tc, head_has_no_body);
    tcase_add_test(tc, a_silent_client_is_dropped_after_five_seconds);
    tcase_add_test(tc, a_dripping_client_is_cut_off);
    tcase_add_test(tc, a_client_that_asks_again_stays);
    tcase_add_test(tc, a_flood_is_refused);
    tcase_add_test(tc, the_sixty_fifth_connection_waits_or_is_closed);
    tcase_add_test(tc, a_port_in_use_and_a_bad_address_are_named);
    tcase_add_test(tc, stops_listening_when_destroyed);
})
