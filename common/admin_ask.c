#include "common/admin.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/wire.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#define REQUEST 1u /* one question per connection */

/* ZeroMQ would wait for a listener to appear: ask the kernel whether there is one. */
enum apm_err admin_probe(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return APM_ERR_IO;
    }
    enum apm_err err = APM_OK;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        bool is_denied = errno == EACCES || errno == EPERM;
        bool is_full = errno == EAGAIN; /* it listens, but does not get round to it */
        err = is_denied ? APM_ERR_DENIED : is_full ? APM_OK : APM_ERR_UNREACHABLE;
    }
    close(fd);
    return err;
}

enum apm_err admin_err_named(struct span name)
{
    for (enum apm_err err = APM_OK; err < APM_ERR_END; err++) {
        if (span_eq(log_text(apm_err_name(err)), name)) {
            return err;
        }
    }
    return APM_ERR_FAILED; /* a newer service's error */
}

static void set_wait(void *socket, int option, uint64_t wait_ms)
{
    int wait = wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
    int failed = zmq_setsockopt(socket, option, &wait, sizeof(wait));
    MUST(failed == 0);
}

/* The first message of the id that is waited for; others are not for us. */
static enum apm_err receive(void *socket, uint64_t deadline_ms, enum wire_id id,
                            struct buf *ret_frame)
{
    for (;;) {
        uint64_t now_ms = clock_mono_ms();
        if (now_ms >= deadline_ms) {
            return APM_ERR_TIMED_OUT;
        }
        set_wait(socket, ZMQ_RCVTIMEO, deadline_ms - now_ms);
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        struct wire_message message;
        bool is_reply =
            zmq_msg_recv(&frame, socket, 0) >= 0 &&
            wire_decode(span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)), &message) == WIRE_OK &&
            message.id == id;
        bool fits = !is_reply || buf_append(ret_frame, zmq_msg_data(&frame), zmq_msg_size(&frame));
        zmq_msg_close(&frame);
        if (is_reply) {
            return fits ? APM_OK : APM_ERR_TOO_LARGE;
        }
    }
}

static enum apm_err exchange_over(void *socket, const char *path,
                                  const struct admin_exchange *exchange, struct buf *ret_frame)
{
    char endpoint[ADMIN_PATH_MAX + 8];
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    set_wait(socket, ZMQ_LINGER, 0);
    set_wait(socket, ZMQ_SNDTIMEO, exchange->timeout_ms);
    if (zmq_connect(socket, endpoint) != 0) {
        return APM_ERR_UNREACHABLE;
    }
    uint64_t deadline_ms = clock_mono_ms() + exchange->timeout_ms;
    if (zmq_send(socket, exchange->frame.data, exchange->frame.size, 0) < 0) {
        return APM_ERR_TIMED_OUT;
    }
    return receive(socket, deadline_ms, exchange->reply, ret_frame);
}

enum apm_err admin_exchange(const struct admin_exchange *exchange, struct buf *ret_frame)
{
    char path[ADMIN_PATH_MAX + 1];
    enum apm_err err = admin_path(exchange->run_dir, exchange->service, path);
    if (err == APM_OK) {
        err = admin_probe(path);
    }
    if (err != APM_OK) {
        return err;
    }
    void *context = zmq_ctx_new();
    void *socket = context == NULL ? NULL : zmq_socket(context, ZMQ_DEALER);
    err = APM_ERR_IO; /* no descriptors left */
    if (socket != NULL) {
        err = exchange_over(socket, path, exchange, ret_frame);
        zmq_close(socket);
    }
    if (context != NULL) {
        zmq_ctx_term(context);
    }
    return err;
}

enum apm_err admin_ask(const struct admin_question *question, struct buf *ret_body)
{
    const struct wire_query query = {.request = REQUEST,
                                     .verb = log_text(question->verb),
                                     .args = log_text(question->args_json)};
    size_t max = wire_encoded_max(WIRE_query, &query);
    uint8_t *out = mem_new(max, 1);
    size_t size = wire_encode(WIRE_query, &query, out, max);
    const struct admin_exchange exchange = {question->run_dir, question->service,
                                            span_of(out, size), WIRE_answer, question->timeout_ms};
    struct buf frame;
    buf_init(&frame, JSON_BYTES_MAX + 4u * KIB);
    enum apm_err err = size == 0 ? APM_ERR_TOO_LARGE : admin_exchange(&exchange, &frame);
    struct wire_answer answer;
    if (err == APM_OK && wire_decode_as(WIRE_answer, buf_span(&frame), &answer) == WIRE_OK) {
        err = admin_err_named(answer.error);
        err = buf_append_span(ret_body, answer.body) ? err : APM_ERR_TOO_LARGE;
    }
    buf_release(&frame);
    free(out);
    return err;
}
