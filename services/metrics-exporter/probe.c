#include "services/metrics-exporter/probe.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/wire.h"

static bool on_readable(void *arg, short revents);

enum apm_err probe_init(struct probe *probe, const struct probe_config *config)
{
    char path[ADMIN_PATH_MAX + 1];
    enum apm_err err = admin_path(config->run_dir, config->service, path);

    if (err != APM_OK)
        return err;
    *probe = (struct probe){.config = *config};
    (void)snprintf(probe->endpoint, sizeof(probe->endpoint), "ipc://%s", path);
    return APM_OK;
}

static void hang_up(struct probe *probe)
{
    if (probe->socket == NULL)
        return;
    loop_remove_socket(probe->config.loop, probe->socket);
    (void)zmq_close(probe->socket);
    probe->socket = NULL;
}

void probe_release(struct probe *probe)
{
    hang_up(probe);
}

static void set_option(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof(value));
    MUST(failed == 0);
}

/* A connection outlives its questions: a new one each time would cost the service more.
 * Who is gone shows as an answer that does not come, and then as nobody listening. */
static bool call_up(struct probe *probe)
{
    const int64_t frame_max = ADMIN_FRAME_BYTES_MAX;

    if (probe->socket != NULL)
        return true;
    if (admin_probe(probe->endpoint + strlen("ipc://")) != APM_OK)
        return false;
    probe->socket = zmq_socket(probe->config.zmq, ZMQ_DEALER);
    if (probe->socket == NULL)
        return false;
    set_option(probe->socket, ZMQ_LINGER, 0);
    set_option(probe->socket, ZMQ_SNDHWM, 1);
    int failed = zmq_setsockopt(probe->socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof(frame_max));
    MUST(failed == 0);
    if (zmq_connect(probe->socket, probe->endpoint) != 0) {
        (void)zmq_close(probe->socket);
        probe->socket = NULL;
        return false;
    }
    loop_add_socket(probe->config.loop, probe->socket, POLLIN,
                    (struct loop_fn){on_readable, probe});
    return true;
}

bool probe_is_asking(const struct probe *probe)
{
    return probe->deadline_ms != 0;
}

/* The question is over before its answer is told: the answered may ask the next. */
static void finish(struct probe *probe, enum apm_err err, const json_t *body)
{
    probe->deadline_ms = 0;
    probe->config.answered(probe->config.arg, err, body);
}

static enum apm_err send_question(struct probe *probe, const struct wire_query *query)
{
    size_t max = wire_encoded_max(WIRE_query, query);
    uint8_t *frame = mem_new(max, 1);
    size_t size = wire_encode(WIRE_query, query, frame, max);

    MUST(size > 0);
    bool is_sent = zmq_send(probe->socket, frame, size, ZMQ_DONTWAIT) >= 0;
    free(frame);
    return is_sent ? APM_OK : APM_ERR_UNREACHABLE;
}

void probe_ask(struct probe *probe, const char *verb, const char *args_json, uint64_t now_ms)
{
    MUST(!probe_is_asking(probe));
    probe->request++;
    probe->deadline_ms = now_ms + PROBE_BUDGET_MS;
    const struct wire_query query = {
        .request = probe->request, .verb = log_text(verb), .args = log_text(args_json)};
    if (!call_up(probe) || send_question(probe, &query) != APM_OK) {
        hang_up(probe);
        finish(probe, APM_ERR_UNREACHABLE, NULL);
    }
}

static enum apm_err err_named(struct span name)
{
    for (enum apm_err err = APM_OK; err < APM_ERR_END; err++) {
        if (span_eq(log_text(apm_err_name(err)), name))
            return err;
    }
    return APM_ERR_FAILED; /* a newer service's error */
}

static void take(struct probe *probe, struct span frame)
{
    struct wire_answer answer;

    if (wire_decode_as(WIRE_answer, frame, &answer) != WIRE_OK ||
        answer.request != probe->request || !probe_is_asking(probe))
        return;
    json_t *body =
        json_loadb((const char *)answer.body.data, answer.body.size, JSON_DECODE_ANY, NULL);
    enum apm_err err = err_named(answer.error);
    finish(probe, err == APM_OK && body == NULL ? APM_ERR_FAILED : err, body);
    json_decref(body);
}

static bool on_readable(void *arg, short revents)
{
    struct probe *probe = arg;
    zmq_msg_t message;

    (void)revents;
    (void)zmq_msg_init(&message);
    bool is_here = zmq_msg_recv(&message, probe->socket, ZMQ_DONTWAIT) >= 0;
    if (is_here && !zmq_msg_more(&message))
        take(probe, span_of(zmq_msg_data(&message), zmq_msg_size(&message)));
    (void)zmq_msg_close(&message);
    /* `take` may have hung up and called up again; that socket is then reported itself. */
    return false;
}

void probe_turn(struct probe *probe, uint64_t now_ms)
{
    if (!probe_is_asking(probe) || now_ms < probe->deadline_ms)
        return;
    hang_up(probe);
    finish(probe, APM_ERR_TIMED_OUT, NULL);
}

uint64_t probe_deadline_ms(const struct probe *probe)
{
    return probe_is_asking(probe) ? probe->deadline_ms : CLOCK_NEVER;
}
