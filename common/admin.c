#include "common/admin.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define MESSAGES_PER_TURN 64u
#define IDENTITY_BYTES_MAX 255u
#define QUEUE_MESSAGES_MAX 1000
#define LINGER_MS 500

/* A query whose answer is owed. */
struct ticket {
    uint64_t number; /* 0: free */
    uint64_t request;
    uint64_t deadline_ms;
    uint8_t from[IDENTITY_BYTES_MAX];
    size_t from_size;
};

struct admin {
    struct admin_config config;
    void *socket;
    char path[ADMIN_PATH_MAX + 1];
    struct ticket tickets[ADMIN_TICKETS_MAX];
    uint64_t last_ticket;
};

/* The client a query came from, and its number there. */
struct asker {
    struct span from;
    uint64_t request;
};

enum apm_err admin_path(const char *run_dir, const char *service, char ret_path[ADMIN_PATH_MAX + 1])
{
    static const char prefix[] = "apm2-";
    size_t skip = strncmp(service, prefix, sizeof(prefix) - 1) == 0 ? sizeof(prefix) - 1 : 0;
    char path[ADMIN_PATH_MAX + 1];
    int length = snprintf(path, sizeof(path), "%s/%s.sock", run_dir, service + skip);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return APM_ERR_CONFIG;
    }
    memcpy(ret_path, path, sizeof(path));
    return APM_OK;
}

void admin_error_body(struct buf *body, const char *message, const char *hint)
{
    buf_clear(body);
    buf_text(body, "{\"message\":");
    buf_json_string(body, log_text(message));
    if (hint != NULL) {
        buf_text(body, ",\"hint\":");
        buf_json_string(body, log_text(hint));
    }
    buf_char(body, '}');
}

bool admin_send(struct admin *admin, struct span to, struct span frame)
{
    /* The socket is ROUTER_MANDATORY: a client that is gone or full fails here, with
     * its first part, and the second is never left over. */
    int sent = zmq_send(admin->socket, to.data, to.size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    if (sent < 0) {
        return false;
    }
    return zmq_send(admin->socket, frame.data, frame.size, ZMQ_DONTWAIT) >= 0;
}

/* False when the answer is no message: not UTF-8, or over its limit. */
static bool encode_and_send(struct admin *admin, struct span to, const struct wire_answer *answer)
{
    size_t max = wire_encoded_max(WIRE_answer, answer);
    uint8_t *out = mem_new(max, 1);
    size_t size = wire_encode(WIRE_answer, answer, out, max);
    if (size > 0 && !admin_send(admin, to, span_of(out, size))) {
        LOG_DEBUG("admin_client_gone", F_U64("request", answer->request));
    }
    free(out);
    return size > 0;
}

static void send_answer(struct admin *admin, struct asker asker, enum apm_err err, struct span body)
{
    struct wire_answer answer = {
        .request = asker.request, .error = log_text(apm_err_name(err)), .body = body};
    if (encode_and_send(admin, asker.from, &answer)) {
        return;
    }
    /* Say so instead of leaving the client waiting. */
    answer.error = log_text(apm_err_name(APM_ERR_FAILED));
    answer.body = log_text("{\"message\":\"the answer cannot be sent\"}");
    bool is_message = encode_and_send(admin, asker.from, &answer);
    MUST(is_message);
}

/* `body` is what the query wrote; without one, an error answers with its text. */
static void finish(struct admin *admin, struct asker asker, enum apm_err err, struct buf *body)
{
    if (body->overflow) {
        err = APM_ERR_TOO_LARGE;
        admin_error_body(body, "the answer is too large", "ask for less");
    } else if (err != APM_OK && body->size == 0) {
        admin_error_body(body, apm_err_text(err), NULL);
    }
    send_answer(admin, asker, err, buf_span(body));
}

static void list_verbs(const struct admin_query *rows, struct buf *text)
{
    for (; rows != NULL && rows->verb != NULL; rows++) {
        buf_printf(text, " %s", rows->verb);
    }
}

static void refuse_verb(const struct admin *admin, struct span verb, struct buf *body)
{
    struct buf known;
    buf_init(&known, 4096);
    buf_text(&known, "known:");
    list_verbs(admin->config.queries, &known);
    list_verbs(admin->config.frame_queries, &known);
    struct buf message;
    buf_init(&message, 512);
    buf_text(&message, "unknown query \"");
    buf_append_span(&message, verb);
    buf_char(&message, '"');
    admin_error_body(body, buf_str(&message), buf_str(&known));
    buf_release(&message);
    buf_release(&known);
}

static const struct admin_query *find_row(const struct admin_query *rows, struct span verb)
{
    for (; rows != NULL && rows->verb != NULL; rows++) {
        if (span_eq(log_text(rows->verb), verb)) {
            return rows;
        }
    }
    return NULL;
}

/* NULL: nobody has the verb. ret_state is whose it is. */
static const struct admin_query *find_query(const struct admin *admin, struct span verb,
                                            void **ret_state)
{
    const struct admin_query *row = find_row(admin->config.queries, verb);
    *ret_state = admin->config.state;
    if (row == NULL) {
        row = find_row(admin->config.frame_queries, verb);
        *ret_state = admin->config.frame_state;
    }
    return row;
}

/* 0 when all tickets are out. */
static uint64_t issue_ticket(struct admin *admin, struct asker asker)
{
    for (size_t i = 0; i < ADMIN_TICKETS_MAX; i++) {
        struct ticket *ticket = &admin->tickets[i];
        if (ticket->number == 0) {
            admin->last_ticket++;
            ticket->number = admin->last_ticket;
            ticket->request = asker.request;
            ticket->deadline_ms = clock_mono_ms() + ADMIN_LATER_MS;
            ticket->from_size = asker.from.size;
            memcpy(ticket->from, asker.from.data, asker.from.size);
            return ticket->number;
        }
    }
    return 0;
}

static void answer_query(struct admin *admin, struct asker asker, const struct wire_query *query)
{
    struct buf body;
    buf_init(&body, JSON_BYTES_MAX);
    void *state = NULL;
    const struct admin_query *row = find_query(admin, query->verb, &state);
    if (row == NULL) {
        refuse_verb(admin, query->verb, &body);
        finish(admin, asker, APM_ERR_USAGE, &body);
    } else if (row->answer != NULL) {
        enum apm_err err = row->answer(state, query->args, &body);
        finish(admin, asker, err, &body);
    } else {
        uint64_t ticket = issue_ticket(admin, asker);
        if (ticket == 0) {
            finish(admin, asker, APM_ERR_BUSY, &body);
        } else {
            row->later(state, ticket, query->args);
        }
    }
    buf_release(&body);
}

static void end_ticket(struct admin *admin, struct ticket *ticket, enum apm_err err,
                       struct span json)
{
    struct buf body;
    buf_init(&body, JSON_BYTES_MAX);
    buf_append_span(&body, json);
    const struct asker asker = {span_of(ticket->from, ticket->from_size), ticket->request};
    finish(admin, asker, err, &body);
    buf_release(&body);
    ticket->number = 0;
}

void admin_answer(struct admin *admin, uint64_t ticket, enum apm_err err, struct span body)
{
    for (size_t i = 0; ticket != 0 && i < ADMIN_TICKETS_MAX; i++) {
        if (admin->tickets[i].number == ticket) {
            end_ticket(admin, &admin->tickets[i], err, body);
            return;
        }
    }
}

static void on_frame(struct admin *admin, struct span from, struct span frame)
{
    struct wire_message message;
    enum wire_verdict verdict = wire_decode(frame, &message);
    if (verdict != WIRE_OK) {
        LOG_WARN("admin_invalid_message", F_STR("reason", wire_verdict_text(verdict)),
                 F_U64("bytes", frame.size));
        return;
    }
    if (message.id == WIRE_query) {
        answer_query(admin, (struct asker){from, message.query.request}, &message.query);
    } else if (admin->config.client != NULL) {
        admin->config.client(admin->config.state, from, frame);
    } else {
        LOG_WARN("admin_unexpected_message", F_STR("message", wire_name(message.id)));
    }
}

static bool has_more_parts(zmq_msg_t *part)
{
    return zmq_msg_more(part) != 0;
}

/* Takes a message with more parts than two off the socket. */
static void skip_parts(void *socket)
{
    bool is_more = true;
    while (is_more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        is_more = zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) >= 0 && has_more_parts(&part);
        zmq_msg_close(&part);
    }
}

/* One message: identity, frame. False when there is none. */
static bool receive(struct admin *admin)
{
    zmq_msg_t from;
    zmq_msg_init(&from);
    if (zmq_msg_recv(&from, admin->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&from);
        return false;
    }
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool has_frame =
        has_more_parts(&from) && zmq_msg_recv(&frame, admin->socket, ZMQ_DONTWAIT) >= 0;
    if (has_frame && has_more_parts(&frame)) {
        skip_parts(admin->socket);
    } else if (has_frame && zmq_msg_size(&from) <= IDENTITY_BYTES_MAX) {
        on_frame(admin, span_of(zmq_msg_data(&from), zmq_msg_size(&from)),
                 span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)));
    }
    zmq_msg_close(&frame);
    zmq_msg_close(&from);
    return true;
}

static bool on_readable(void *arg, short revents)
{
    struct admin *admin = arg;
    (void)revents;
    for (unsigned i = 0; i < MESSAGES_PER_TURN; i++) {
        if (!receive(admin)) {
            return false;
        }
    }
    return true;
}

static void turn(void *arg, uint64_t now_ms)
{
    struct admin *admin = arg;
    for (size_t i = 0; i < ADMIN_TICKETS_MAX; i++) {
        struct ticket *ticket = &admin->tickets[i];
        if (ticket->number != 0 && ticket->deadline_ms <= now_ms) {
            end_ticket(admin, ticket, APM_ERR_TIMED_OUT, span_of("", 0));
        }
    }
}

static uint64_t deadline_ms(void *arg)
{
    const struct admin *admin = arg;
    uint64_t first = CLOCK_NEVER;
    for (size_t i = 0; i < ADMIN_TICKETS_MAX; i++) {
        const struct ticket *ticket = &admin->tickets[i];
        if (ticket->number != 0 && ticket->deadline_ms < first) {
            first = ticket->deadline_ms;
        }
    }
    return first;
}

static void set_option(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof(value));
    MUST(failed == 0);
}

static enum apm_err bind_socket(struct admin *admin)
{
    set_option(admin->socket, ZMQ_ROUTER_MANDATORY, 1);
    set_option(admin->socket, ZMQ_SNDHWM, QUEUE_MESSAGES_MAX);
    set_option(admin->socket, ZMQ_RCVHWM, QUEUE_MESSAGES_MAX);
    set_option(admin->socket, ZMQ_LINGER, LINGER_MS);
    const int64_t frame_max = ADMIN_FRAME_BYTES_MAX;
    int failed = zmq_setsockopt(admin->socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof(frame_max));
    MUST(failed == 0);

    char endpoint[ADMIN_PATH_MAX + 8];
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s", admin->path);
    /* 0660 from its first moment: chmod afterwards would leave a gap. */
    mode_t old = umask(0117);
    int bound = zmq_bind(admin->socket, endpoint);
    int why = errno;
    umask(old);
    if (bound != 0) {
        return why == EACCES ? APM_ERR_DENIED : APM_ERR_PORT_IN_USE;
    }
    return APM_OK;
}

enum apm_err admin_start(const struct admin_config *config, struct admin **ret_admin)
{
    char path[ADMIN_PATH_MAX + 1];
    enum apm_err err = admin_path(config->run_dir, config->service, path);
    if (err != APM_OK) {
        return err;
    }
    struct admin *admin = mem_new(1, sizeof(*admin));
    admin->config = *config;
    memcpy(admin->path, path, sizeof(path));
    admin->socket = zmq_socket(config->zmq, ZMQ_ROUTER);
    err = admin->socket == NULL ? APM_ERR_IO : bind_socket(admin);
    if (err != APM_OK) {
        if (admin->socket != NULL) {
            zmq_close(admin->socket);
        }
        free(admin);
        return err;
    }
    loop_add_socket(config->loop, admin->socket, POLLIN, (struct loop_fn){on_readable, admin});
    loop_add_hook(config->loop, (struct loop_hook){turn, deadline_ms, admin});
    *ret_admin = admin;
    return APM_OK;
}

void admin_destroy(struct admin **admin)
{
    if (*admin == NULL) {
        return;
    }
    loop_remove_socket((*admin)->config.loop, (*admin)->socket);
    loop_remove_hook((*admin)->config.loop, *admin);
    zmq_close((*admin)->socket);
    (void)unlink((*admin)->path);
    free(*admin);
    *admin = NULL;
}
