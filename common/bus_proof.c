/* The start-up proof of bus.h: a lock counts only after a stranger tried it. */
#include "common/bus.h"

#include <sodium.h>

#include "common/bus_socket.h"
#include "common/must.h"

#define PROOF_MS 3000
#define PROOF_MONITOR "inproc://apm2.proof"
#define ZAP_DENIED 400

enum knock {
    KNOCK_REFUSED,    /* ZAP said so */
    KNOCK_ADMITTED,   /* handshake or even a frame went through */
    KNOCK_UNANSWERED, /* neither: nothing is proved */
};

static const struct bus_socket_bounds stranger_bounds = {1024, 1, 1};

/* An event is two frames: number and value, then the endpoint. */
static bool receive_event(void *monitor, uint16_t *ret_event, uint32_t *ret_value)
{
    uint8_t head[6];
    char endpoint[BUS_ENDPOINT_BYTES_MAX];
    if (zmq_recv(monitor, head, sizeof(head), ZMQ_DONTWAIT) != (int)sizeof(head))
        return false;
    (void)zmq_recv(monitor, endpoint, sizeof(endpoint), ZMQ_DONTWAIT);
    memcpy(ret_event, head, sizeof(*ret_event)); /* in our own byte order */
    memcpy(ret_value, head + sizeof(*ret_event), sizeof(*ret_value));
    return true;
}

static enum knock wait_for_verdict(void *guarded, void *monitor)
{
    zmq_pollitem_t items[] = {{monitor, 0, ZMQ_POLLIN, 0}, {guarded, 0, ZMQ_POLLIN, 0}};
    int n = zmq_poll(items, N_ELEMENTS(items), PROOF_MS);
    if (n <= 0)
        return KNOCK_UNANSWERED;
    if (items[1].revents != 0)
        return KNOCK_ADMITTED;
    uint16_t event;
    uint32_t value;
    if (!receive_event(monitor, &event, &value))
        return KNOCK_UNANSWERED;
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        return KNOCK_ADMITTED;
    bool denied = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && value == ZAP_DENIED;
    return denied ? KNOCK_REFUSED : KNOCK_UNANSWERED;
}

static enum knock knock(void *context, void *guarded, void *monitor, const char *endpoint,
                        const struct curve_key *server)
{
    void *stranger = bus_socket_new(context, ZMQ_DEALER, &stranger_bounds);
    if (stranger == NULL)
        return KNOCK_UNANSWERED;
    struct curve_pair pair;
    curve_pair_new(&pair);
    int no_linger = 0;
    int queue_early = 0; /* the frame must wait in the queue for the handshake */
    MUST(zmq_setsockopt(stranger, ZMQ_LINGER, &no_linger, sizeof(no_linger)) == 0);
    MUST(zmq_setsockopt(stranger, ZMQ_IMMEDIATE, &queue_early, sizeof(queue_early)) == 0);

    enum knock verdict = KNOCK_UNANSWERED;
    if (bus_socket_connect(stranger, endpoint, server, &pair) &&
        zmq_send(stranger, "stranger", 8, ZMQ_DONTWAIT) == 8)
        verdict = wait_for_verdict(guarded, monitor);
    zmq_close(stranger);
    curve_pair_wipe(&pair);
    return verdict;
}

static enum knock bind_and_knock(void *context, void *guarded, void *monitor,
                                 const struct curve_key *server)
{
    char endpoint[BUS_ENDPOINT_BYTES_MAX];
    size_t size = sizeof(endpoint);
    if (zmq_bind(guarded, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(guarded, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0)
        return KNOCK_UNANSWERED;
    enum knock verdict = knock(context, guarded, monitor, endpoint, server);
    if (zmq_unbind(guarded, endpoint) != 0)
        return KNOCK_UNANSWERED;
    return verdict;
}

static enum apm_err judge(enum knock verdict, struct why *ret_why)
{
    switch (verdict) {
    case KNOCK_REFUSED:
        return APM_OK;
    case KNOCK_ADMITTED:
        return explain(ret_why, APM_ERR_DENIED,
                       "a stranger's key was admitted: this libzmq does not enforce ZAP domains");
    case KNOCK_UNANSWERED:
        break;
    }
    return explain(ret_why, APM_ERR_DENIED,
                   "no proof that strangers are refused: the key check gave no answer");
}

enum apm_err bus_prove_stranger_refused(void *context, void *guarded,
                                        const struct curve_key *server, struct why *ret_why)
{
    char endpoint[64];
    /* A name of its own: one that was used is given back some time after the close. */
    (void)snprintf(endpoint, sizeof(endpoint), "%s.%08x%08x", PROOF_MONITOR, randombytes_random(),
                   randombytes_random());
    int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    if (zmq_socket_monitor(guarded, endpoint, events) != 0)
        return judge(KNOCK_UNANSWERED, ret_why);
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    enum knock verdict = KNOCK_UNANSWERED;
    if (monitor != NULL && zmq_connect(monitor, endpoint) == 0)
        verdict = bind_and_knock(context, guarded, monitor, server);
    (void)zmq_socket_monitor(guarded, NULL, 0);
    if (monitor != NULL)
        zmq_close(monitor);
    return judge(verdict, ret_why);
}
