#include "common/http.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/http_guard.h"
#include "common/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTION_BYTES_MAX 8192u
#define STATUS_TOO_MANY 429u
#define BACKLOG 64

/* While there are too many requests, how long their connections wait. */
#define PAUSE_MS 20u

struct http {
    struct http_config config;
    struct MHD_Daemon *daemon;
    int epoll_fd;
    uint16_t port;
    struct http_guard guard;
    uint64_t paused_until_ms; /* 0: not paused */
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The size of the socket address, 0 for a text that is none. */
static socklen_t parse_address(const struct http_config *config, union address *ret_address)
{
    union address address = {0};
    if (inet_pton(AF_INET, config->address, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(config->port);
        *ret_address = address;
        return sizeof(address.v4);
    }
    if (inet_pton(AF_INET6, config->address, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(config->port);
        *ret_address = address;
        return sizeof(address.v6);
    }
    return 0;
}

/* Our own socket, because the library does not tell why it could not bind. */
static enum apm_err bind_socket(const struct http_config *config, int *ret_fd, uint16_t *ret_port)
{
    union address address;
    socklen_t size = parse_address(config, &address);
    if (size == 0) {
        return APM_ERR_CONFIG;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return file_err(errno);
    }
    int on = 1;
    bool is_bound = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                    bind(fd, &address.any, size) == 0 && listen(fd, BACKLOG) == 0 &&
                    getsockname(fd, &address.any, &size) == 0;
    if (!is_bound) {
        enum apm_err err = errno == EADDRINUSE      ? APM_ERR_PORT_IN_USE
                           : errno == EADDRNOTAVAIL ? APM_ERR_CONFIG
                                                    : file_err(errno);
        close(fd);
        return err;
    }
    *ret_fd = fd;
    *ret_port =
        ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return APM_OK;
}

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection,
                                   const struct http_answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.size, answer->body.data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    bool is_whole =
        MHD_add_response_header(response, "Content-Type", answer->content_type) == MHD_YES &&
        MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
        (answer->policy == NULL ||
         MHD_add_response_header(response, "Content-Security-Policy", answer->policy) == MHD_YES) &&
        (answer->status != STATUS_TOO_MANY ||
         MHD_add_response_header(response, "Connection", "close") == MHD_YES) &&
        (answer->status != MHD_HTTP_METHOD_NOT_ALLOWED ||
         MHD_add_response_header(response, "Allow", "GET, HEAD") == MHD_YES);
    enum MHD_Result result =
        is_whole ? MHD_queue_response(connection, answer->status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static const struct http_route *find_route(const struct http_table *table, const char *path)
{
    const struct http_route *route = table->routes;
    for (; route != NULL && route->path != NULL; route++) {
        if (strcmp(route->path, path) == 0) {
            return route;
        }
    }
    return NULL;
}

/* False: no table has the path. */
static bool answer_from_tables(const struct http *http, const struct http_request *request,
                               struct http_answer *answer)
{
    for (size_t i = 0; i < HTTP_TABLES_MAX; i++) {
        const struct http_table *table = &http->config.tables[i];
        const struct http_route *route = find_route(table, request->path);
        if (route != NULL) {
            route->answer(table->arg, request, answer);
            return true;
        }
    }
    return false;
}

static void refuse(struct http_answer *answer, unsigned status, const char *text)
{
    answer->status = status;
    buf_text(&answer->body, text);
}

static void fill_answer(const struct http *http, struct MHD_Connection *connection,
                        const char *path, struct http_answer *answer)
{
    const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    const char *exclude = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "exclude");
    const char *value = NULL;
    size_t size = 0;
    bool is_verbose = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "verbose", 7,
                                                    &value, &size) == MHD_YES;
    const struct http_request request = {.path = path,
                                         .accept = text_or_empty(accept),
                                         .exclude = text_or_empty(exclude),
                                         .verbose = is_verbose};
    if (!answer_from_tables(http, &request, answer)) {
        refuse(answer, MHD_HTTP_NOT_FOUND, "not found\n");
    }
    if (answer->body.overflow) {
        buf_clear(&answer->body);
        refuse(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "answer too large\n");
    }
}

/* The library calls first with the head, then with the body, if any: we wait for the
 * second call, because answering earlier would cost the connection. Its eight
 * parameters are the library's choice. */
/* NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_size, void **seen)
{
    struct http *http = arg;
    (void)version;
    (void)body;
    if (*seen == NULL) {
        *seen = http;
        return MHD_YES;
    }
    if (*body_size != 0) {
        *body_size = 0;
        return MHD_YES;
    }

    struct http_answer answer = {.status = MHD_HTTP_OK,
                                 .content_type = "text/plain; charset=utf-8"};
    buf_init(&answer.body, HTTP_BODY_BYTES_MAX);
    bool is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!http_guard_admit(&http->guard, clock_mono_us())) {
        refuse(&answer, STATUS_TOO_MANY, "too many requests\n");
    } else if (is_read) {
        fill_answer(http, connection, path, &answer);
    } else {
        refuse(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    enum MHD_Result result = send_answer(connection, &answer);
    buf_release(&answer.body);
    return result;
}

static int fd_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **unused,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = arg;
    (void)unused;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        http_guard_opened(&http->guard, fd_of(connection), clock_mono_ms());
    } else {
        http_guard_closed(&http->guard, fd_of(connection));
    }
}

static void on_answered(void *arg, struct MHD_Connection *connection, void **unused,
                        enum MHD_RequestTerminationCode code)
{
    struct http *http = arg;
    (void)unused;
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        http_guard_answered(&http->guard, fd_of(connection), clock_mono_ms());
    }
}

/* ---- turns ---- */

static void run(struct http *http)
{
    (void)MHD_run(http->daemon);
    if (http_guard_is_busy(&http->guard, clock_mono_us())) {
        http->paused_until_ms = clock_mono_ms() + PAUSE_MS;
        loop_set_events(http->config.loop, http->epoll_fd, 0);
    }
}

static bool on_readable(void *arg, short revents)
{
    struct http *http = arg;
    (void)revents;
    if (http->paused_until_ms == 0) {
        run(http);
    }
    return false;
}

static uint64_t library_deadline_ms(const struct http *http)
{
    MHD_UNSIGNED_LONG_LONG left_ms = 0;
    bool has_deadline = MHD_get_timeout(http->daemon, &left_ms) == MHD_YES;
    return has_deadline ? clock_mono_ms() + left_ms : CLOCK_NEVER;
}

static uint64_t deadline_ms(void *arg)
{
    const struct http *http = arg;
    if (http->paused_until_ms != 0) {
        return http->paused_until_ms;
    }
    uint64_t first = library_deadline_ms(http);
    uint64_t overdue_ms = http_guard_deadline_ms(&http->guard);
    return overdue_ms < first ? overdue_ms : first;
}

/* The library closes what has come to its end; its own timeout counts silence only. */
static void cut_off_overdue(struct http *http, uint64_t now_ms)
{
    int fd = http_guard_overdue(&http->guard, now_ms);
    while (fd >= 0) {
        (void)shutdown(fd, SHUT_RDWR);
        fd = http_guard_overdue(&http->guard, now_ms);
    }
}

static void turn(void *arg, uint64_t now_ms)
{
    struct http *http = arg;
    bool is_due = deadline_ms(http) <= now_ms;
    if (http->paused_until_ms > now_ms) {
        return;
    }
    if (http->paused_until_ms != 0) {
        http->paused_until_ms = 0;
        loop_set_events(http->config.loop, http->epoll_fd, POLLIN);
    }
    cut_off_overdue(http, now_ms);
    if (is_due) {
        run(http);
    }
}

enum apm_err http_start(const struct http_config *config, struct http **ret_http)
{
    int fd = -1;
    uint16_t port = 0;
    enum apm_err err = bind_socket(config, &fd, &port);
    if (err != APM_OK) {
        return err;
    }
    struct http *http = mem_new(1, sizeof(*http));
    http->config = *config;
    http->port = port;
    http_guard_init(&http->guard, clock_mono_us());
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        HTTP_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES_MAX,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_NOTIFY_COMPLETED, on_answered,
        http, MHD_OPTION_END);
    if (http->daemon == NULL) {
        close(fd);
        free(http);
        return APM_ERR_IO;
    }
    http->epoll_fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    loop_add_fd(config->loop, http->epoll_fd, POLLIN, (struct loop_fn){on_readable, http});
    loop_add_hook(config->loop, (struct loop_hook){turn, deadline_ms, http});
    *ret_http = http;
    return APM_OK;
}

void http_destroy(struct http **http)
{
    if (*http == NULL) {
        return;
    }
    loop_remove_fd((*http)->config.loop, (*http)->epoll_fd);
    loop_remove_hook((*http)->config.loop, *http);
    MHD_stop_daemon((*http)->daemon);
    free(*http);
    *http = NULL;
}

uint16_t http_port(const struct http *http)
{
    return http->port;
}
