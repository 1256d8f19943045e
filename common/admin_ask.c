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

static enum apm_err send_query(void *socket, const struct admin_question *question)
{
    const struct wire_query query = {.request = REQUEST,
                                     .verb = log_text(question->verb),
                                     .args = log_text(question->args_json)};
    size_t max = wire_encoded_max(WIRE_query, &query);
    uint8_t *out = mem_new(max, 1);
    size_t size = wire_encode(WIRE_query, &query, out, max);
    enum apm_err err = size == 0 ? APM_ERR_TOO_LARGE : APM_OK;
    if (err == APM_OK && zmq_send(socket, out, size, 0) < 0) {
        err = APM_ERR_TIMED_OUT;
    }
    free(out);
    return err;
}

static enum apm_err err_named(struct span name)
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

static enum apm_err receive_answer(void *socket, uint64_t deadline_ms, struct buf *ret_body)
{
    for (;;) {
        uint64_t now_ms = clock_mono_ms();
        if (now_ms >= deadline_ms) {
            return APM_ERR_TIMED_OUT;
        }
        set_wait(socket, ZMQ_RCVTIMEO, deadline_ms - now_ms);
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        struct wire_answer answer;
        bool is_answer =
            zmq_msg_recv(&frame, socket, 0) >= 0 &&
            wire_decode_as(WIRE_answer, span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)),
                           &answer) == WIRE_OK &&
            answer.request == REQUEST;
        enum apm_err err = APM_OK;
        if (is_answer) {
            err = err_named(answer.error);
            bool fits = buf_append_span(ret_body, answer.body);
            err = fits ? err : APM_ERR_TOO_LARGE;
        }
        zmq_msg_close(&frame);
        if (is_answer) {
            return err;
        }
    }
}

static enum apm_err ask_over(void *socket, const char *path, const struct admin_question *question,
                             struct buf *ret_body)
{
    char endpoint[ADMIN_PATH_MAX + 8];
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    set_wait(socket, ZMQ_LINGER, 0);
    set_wait(socket, ZMQ_SNDTIMEO, question->timeout_ms);
    if (zmq_connect(socket, endpoint) != 0) {
        return APM_ERR_UNREACHABLE;
    }
    uint64_t deadline_ms = clock_mono_ms() + question->timeout_ms;
    enum apm_err err = send_query(socket, question);
    return err == APM_OK ? receive_answer(socket, deadline_ms, ret_body) : err;
}

enum apm_err admin_ask(const struct admin_question *question, struct buf *ret_body)
{
    char path[ADMIN_PATH_MAX + 1];
    enum apm_err err = admin_path(question->run_dir, question->service, path);
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
        err = ask_over(socket, path, question, ret_body);
        zmq_close(socket);
    }
    if (context != NULL) {
        zmq_ctx_term(context);
    }
    return err;
}
