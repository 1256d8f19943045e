#include "common/observe.h"

#include <stdlib.h>
#include <zmq.h>

#include "common/admin.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

#define MESSAGES_PER_TURN 64u
#define PUT_BYTES_MAX (OBSERVATION_BYTES_MAX + 4u * KIB)

/* A request that is owed its callback. */
struct asked {
    uint64_t number; /* 0: free */
    uint64_t deadline_ms;
    bool is_put;
};

struct observe {
    void *socket;
    struct loop *loop;
    struct observe_events events;
    uint64_t last_number;
    struct asked asked[OBSERVE_REQUESTS_MAX];
    uint8_t out[PUT_BYTES_MAX];
};

/* ---- answers ---- */

static void finish_put(struct observe *observe, uint64_t number, enum apm_err err,
                       const struct wire_observe_put_reply *reply)
{
    static const struct hash none = {{0}};

    if (observe->events.put != NULL)
        observe->events.put(observe->events.context, number, err,
                            reply != NULL ? &reply->feed : &none, reply != NULL ? reply->seq : 0);
}

bool observed_decode(struct span bytes, struct observed *ret_observed)
{
    struct wire_observed item;

    if (wire_decode_as(WIRE_observed, bytes, &item) != WIRE_OK ||
        wire_decode_as(WIRE_feed_record, item.record, &ret_observed->record) != WIRE_OK)
        return false;
    ret_observed->cursor = item.cursor;
    ret_observed->feed = item.feed;
    ret_observed->held = item.held;
    return true;
}

static void finish_page(struct observe *observe, uint64_t number, enum apm_err err,
                        const struct wire_observe_page *page)
{
    size_t cursor = 0;
    struct span bytes;

    while (page != NULL && blobs_next(&page->records, &cursor, &bytes)) {
        struct observed observed;
        if (observed_decode(bytes, &observed) && observe->events.record != NULL)
            observe->events.record(observe->events.context, number, &observed);
    }
    if (observe->events.page != NULL)
        observe->events.page(observe->events.context, number, err, page != NULL ? page->next : 0,
                             page != NULL && page->is_end != 0);
}

/* Frees the request before its callback, which may ask for more. */
static bool settle(struct observe *observe, uint64_t number, bool is_put)
{
    for (uint32_t i = 0; i < OBSERVE_REQUESTS_MAX; i++) {
        struct asked *asked = &observe->asked[i];
        if (asked->number == 0 || asked->number != number || asked->is_put != is_put)
            continue;
        asked->number = 0;
        return true;
    }
    return false;
}

static void take(struct observe *observe, struct span frame)
{
    struct wire_message message;

    if (wire_decode(frame, &message) != WIRE_OK)
        return;
    if (message.id == WIRE_observe_put_reply) {
        const struct wire_observe_put_reply *reply = &message.observe_put_reply;
        if (settle(observe, reply->request, true))
            finish_put(observe, reply->request, admin_err_named(reply->error), reply);
    } else if (message.id == WIRE_observe_page) {
        const struct wire_observe_page *page = &message.observe_page;
        if (settle(observe, page->request, false))
            finish_page(observe, page->request, admin_err_named(page->error), page);
    }
}

static bool on_readable(void *arg, short revents)
{
    struct observe *observe = arg;

    (void)revents;
    for (uint32_t i = 0; i < MESSAGES_PER_TURN; i++) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        bool is_there = zmq_msg_recv(&frame, observe->socket, ZMQ_DONTWAIT) >= 0;
        if (is_there)
            take(observe, span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)));
        zmq_msg_close(&frame);
        if (!is_there)
            return false;
    }
    return true;
}

/* ---- time ---- */

static void give_up(struct observe *observe, struct asked *asked)
{
    struct asked gone = *asked;

    asked->number = 0;
    if (gone.is_put)
        finish_put(observe, gone.number, APM_ERR_TIMED_OUT, NULL);
    else
        finish_page(observe, gone.number, APM_ERR_TIMED_OUT, NULL);
}

static void turn(void *arg, uint64_t now_ms)
{
    struct observe *observe = arg;

    for (uint32_t i = 0; i < OBSERVE_REQUESTS_MAX; i++)
        if (observe->asked[i].number != 0 && observe->asked[i].deadline_ms <= now_ms)
            give_up(observe, &observe->asked[i]);
}

static uint64_t deadline_ms(void *arg)
{
    const struct observe *observe = arg;
    uint64_t first = CLOCK_NEVER;

    for (uint32_t i = 0; i < OBSERVE_REQUESTS_MAX; i++)
        if (observe->asked[i].number != 0 && observe->asked[i].deadline_ms < first)
            first = observe->asked[i].deadline_ms;
    return first;
}

/* ---- questions ---- */

static struct asked *free_place(struct observe *observe)
{
    for (uint32_t i = 0; i < OBSERVE_REQUESTS_MAX; i++)
        if (observe->asked[i].number == 0)
            return &observe->asked[i];
    return NULL;
}

/* The message already names the number `last_number + 1`. */
static uint64_t send(struct observe *observe, enum wire_id id, const void *message)
{
    struct asked *asked = free_place(observe);
    size_t size = asked == NULL ? 0 : wire_encode(id, message, observe->out, sizeof(observe->out));

    /* Without a connection this fails at once (ZMQ_IMMEDIATE): nothing waits in a queue
     * that its writer has given up. */
    if (size == 0 || zmq_send(observe->socket, observe->out, size, ZMQ_DONTWAIT) < 0)
        return 0;
    *asked = (struct asked){++observe->last_number, clock_mono_ms() + OBSERVE_TIMEOUT_MS,
                            id == WIRE_observe_put};
    return asked->number;
}

uint64_t observe_put(struct observe *observe, const struct observation *observation)
{
    const struct wire_observe_put put = {
        .request = observe->last_number + 1,
        .space = observation->space,
        .kind = observation->kind,
        .key = observation->key,
        .schema = observation->schema,
        .payload = observation->payload,
        .once = observation->once,
    };
    return send(observe, WIRE_observe_put, &put);
}

uint64_t observe_list(struct observe *observe, const struct observe_filter *filter, uint64_t after,
                      uint64_t limit)
{
    const struct wire_observe_list list = {
        .request = observe->last_number + 1,
        .after = after,
        .limit = limit,
        .space = filter->space,
        .kind = filter->kind,
        .key = filter->key,
    };
    return send(observe, WIRE_observe_list, &list);
}

uint64_t observe_get(struct observe *observe, const struct hash *feed, uint64_t seq)
{
    const struct wire_observe_get get = {observe->last_number + 1, *feed, seq};
    return send(observe, WIRE_observe_get, &get);
}

/* ---- life ---- */

static void set_option(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof(value));
    MUST(failed == 0);
}

struct observe *observe_new(void *zmq, struct loop *loop, const char *run_dir,
                            const struct observe_events *events)
{
    struct observe *observe = mem_new(1, sizeof(*observe));
    char path[ADMIN_PATH_MAX + 1];
    char endpoint[ADMIN_PATH_MAX + 8];

    observe->loop = loop;
    observe->events = *events;
    observe->socket = zmq_socket(zmq, ZMQ_DEALER);
    MUST(observe->socket != NULL);
    set_option(observe->socket, ZMQ_IMMEDIATE, 1);
    set_option(observe->socket, ZMQ_LINGER, 0);
    set_option(observe->socket, ZMQ_RECONNECT_IVL, 200);
    set_option(observe->socket, ZMQ_RECONNECT_IVL_MAX, 2000);
    /* A run directory whose own socket bound holds this one's name, too. */
    MUST(admin_path(run_dir, "apm2-anti-entropy", path) == APM_OK);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    MUST(zmq_connect(observe->socket, endpoint) == 0);
    loop_add_socket(loop, observe->socket, ZMQ_POLLIN, (struct loop_fn){on_readable, observe});
    loop_add_hook(loop, (struct loop_hook){turn, deadline_ms, observe});
    return observe;
}

void observe_destroy(struct observe **observe)
{
    if (*observe == NULL)
        return;
    loop_remove_socket((*observe)->loop, (*observe)->socket);
    loop_remove_hook((*observe)->loop, *observe);
    zmq_close((*observe)->socket);
    free(*observe);
    *observe = NULL;
}
