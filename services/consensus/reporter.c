#include "services/consensus/reporter.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/admin.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/must.h"

#define MONITOR "apm2-byzantine-monitor"
#define RESEND_MS 1000u
#define HELLO_MS 2000u
#define ANSWER_BYTES_MAX (16u * KIB)

struct reporter {
    struct reporter_config config;
    struct loop *loop;
    void *dealer;
    struct report_queue *queue;
    uint64_t source; /* of this start */
    uint64_t number;
    uint64_t n_taken;
    uint8_t *frame;    /* the report under way */
    size_t frame_size; /* 0: none */
    uint64_t sent_ms;
};

static void send_frame(struct reporter *reporter, uint64_t now_ms)
{
    /* Nobody there: it is tried again. */
    (void)zmq_send(reporter->dealer, reporter->frame, reporter->frame_size, ZMQ_DONTWAIT);
    reporter->sent_ms = now_ms;
}

static void send_next(struct reporter *reporter, uint64_t now_ms)
{
    reporter->frame_size =
        report_queue_take(reporter->queue, reporter->source, reporter->number + 1, reporter->frame);
    if (reporter->frame_size == 0)
        return;
    reporter->number++;
    send_frame(reporter, now_ms);
}

/* The number of the last one: nothing new. */
static void say_hello(struct reporter *reporter, uint64_t now_ms)
{
    uint8_t bytes[64];
    const struct wire_report hello = {.source = reporter->source, .number = reporter->number};

    if (now_ms < reporter->sent_ms + HELLO_MS)
        return;
    size_t size = wire_encode(WIRE_report, &hello, bytes, sizeof(bytes));
    (void)zmq_send(reporter->dealer, bytes, size, ZMQ_DONTWAIT);
    reporter->sent_ms = now_ms;
}

static void on_ack(struct reporter *reporter, struct span bytes)
{
    struct wire_report_ack ack;

    if (wire_decode_as(WIRE_report_ack, bytes, &ack) != WIRE_OK || ack.source != reporter->source ||
        ack.number != reporter->number)
        return; /* of an earlier one */
    reporter->n_taken += reporter->frame_size > 0;
    reporter->frame_size = 0;
}

static void on_heard(struct reporter *reporter, const struct wire_heard *heard)
{
    size_t cursor = 0;
    struct span message;

    while (blobs_next(&heard->messages, &cursor, &message))
        reporter->config.heard(reporter->config.context, message);
}

static void on_answer(struct reporter *reporter, struct span bytes)
{
    struct wire_heard heard;

    if (wire_decode_as(WIRE_heard, bytes, &heard) == WIRE_OK)
        on_heard(reporter, &heard);
    else
        on_ack(reporter, bytes);
}

static bool on_readable(void *arg, short revents)
{
    struct reporter *reporter = arg;
    uint8_t bytes[ANSWER_BYTES_MAX];
    int size = 0;

    (void)revents;
    while ((size = zmq_recv(reporter->dealer, bytes, sizeof(bytes), ZMQ_DONTWAIT)) >= 0) {
        if ((size_t)size <= sizeof(bytes))
            on_answer(reporter, span_of(bytes, (size_t)size));
    }
    return false;
}

static void turn(void *arg, uint64_t now_ms)
{
    struct reporter *reporter = arg;

    if (reporter->frame_size == 0)
        send_next(reporter, now_ms);
    if (reporter->frame_size == 0)
        say_hello(reporter, now_ms);
    else if (now_ms >= reporter->sent_ms + RESEND_MS)
        send_frame(reporter, now_ms);
}

static uint64_t deadline_ms(void *arg)
{
    const struct reporter *reporter = arg;

    if (reporter->frame_size > 0)
        return reporter->sent_ms + RESEND_MS;
    return report_queue_n(reporter->queue) > 0 ? 0 : reporter->sent_ms + HELLO_MS;
}

static void set_option(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof(value));
    MUST(failed == 0);
}

static enum apm_err connect_monitor(struct reporter *reporter, const char *run_dir)
{
    char path[ADMIN_PATH_MAX + 1];
    char endpoint[ADMIN_PATH_MAX + 8];

    enum apm_err err = admin_path(run_dir, MONITOR, path);
    if (err != APM_OK)
        return err;
    set_option(reporter->dealer, ZMQ_LINGER, 0);
    set_option(reporter->dealer, ZMQ_IMMEDIATE, 1); /* nothing piles up for who is not there */
    set_option(reporter->dealer, ZMQ_SNDHWM, 2);
    set_option(reporter->dealer, ZMQ_RECONNECT_IVL, 200);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    return zmq_connect(reporter->dealer, endpoint) == 0 ? APM_OK : APM_ERR_CONFIG;
}

enum apm_err reporter_start(const struct reporter_config *config, struct reporter **ret_reporter)
{
    void *dealer = zmq_socket(config->zmq, ZMQ_DEALER);
    if (dealer == NULL)
        return APM_ERR_IO;
    struct reporter *reporter = mem_new(1, sizeof(*reporter));
    reporter->config = *config;
    reporter->loop = config->loop;
    reporter->dealer = dealer;
    enum apm_err err = connect_monitor(reporter, config->run_dir);
    if (err != APM_OK) {
        zmq_close(dealer);
        free(reporter);
        return err;
    }
    reporter->queue = report_queue_new(config->n_peers);
    reporter->frame = mem_new(REPORT_BYTES_MAX, 1);
    randombytes_buf(&reporter->source, sizeof(reporter->source));
    reporter->source &= INT64_MAX; /* a bigint there */
    loop_add_socket(config->loop, dealer, ZMQ_POLLIN, (struct loop_fn){on_readable, reporter});
    loop_add_hook(config->loop, (struct loop_hook){turn, deadline_ms, reporter});
    *ret_reporter = reporter;
    return APM_OK;
}

void reporter_destroy(struct reporter **reporter)
{
    if (*reporter == NULL)
        return;
    loop_remove_socket((*reporter)->loop, (*reporter)->dealer);
    loop_remove_hook((*reporter)->loop, *reporter);
    zmq_close((*reporter)->dealer);
    report_queue_destroy(&(*reporter)->queue);
    free((*reporter)->frame);
    free(*reporter);
    *reporter = NULL;
}

struct report_queue *reporter_queue(struct reporter *reporter)
{
    return reporter->queue;
}

uint64_t reporter_n_taken(const struct reporter *reporter)
{
    return reporter->n_taken;
}
