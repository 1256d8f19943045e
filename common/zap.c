#include "common/zap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "common/hash.h"
#include "common/must.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_CONTROL "inproc://apm2.zap.control"
#define ZAP_VERSION "1.0"

/* ZMQ_ZAP_ENFORCE_DOMAIN: a draft that Debian's zmq.h leaves out and its library
 * honours. Without it a socket admits everybody once the handler is gone. */
#define ZAP_ENFORCE_DOMAIN 93

enum zap_frame {
    FRAME_VERSION,
    FRAME_REQUEST,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_IDENTITY,
    FRAME_MECHANISM,
    FRAME_KEY,
    FRAMES
};

struct zap_domain {
    char name[ZAP_DOMAIN_BYTES_MAX + 1];
    bool is_open; /* to any key */
    uint32_t n;
    struct curve_key keys[ZAP_KEYS_MAX];
};

struct zap {
    void *handler; /* the thread's, while it runs */
    void *control_in;
    void *control_out;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards everything below */
    struct zap_domain domains[ZAP_DOMAINS_MAX];
    uint32_t n_domains;
    uint64_t refused;
};

/* ---- tables ---- */

static struct zap_domain *find_domain(struct zap *zap, struct span name)
{
    for (uint32_t i = 0; i < zap->n_domains; i++) {
        struct zap_domain *domain = &zap->domains[i];
        if (span_eq(span_of(domain->name, strlen(domain->name)), name))
            return domain;
    }
    return NULL;
}

static struct zap_domain *need_domain(struct zap *zap, const char *name)
{
    size_t size = strlen(name);
    MUST(size > 0 && size <= ZAP_DOMAIN_BYTES_MAX);
    struct zap_domain *domain = find_domain(zap, span_of(name, size));
    if (domain != NULL)
        return domain;
    MUST(zap->n_domains < ZAP_DOMAINS_MAX);
    domain = &zap->domains[zap->n_domains++];
    memcpy(domain->name, name, size + 1);
    return domain;
}

void zap_allow(struct zap *zap, const char *domain, const struct curve_key *keys, uint32_t n)
{
    MUST(n <= ZAP_KEYS_MAX);
    pthread_mutex_lock(&zap->mutex);
    struct zap_domain *table = need_domain(zap, domain);
    table->is_open = false;
    table->n = n;
    if (n > 0)
        memcpy(table->keys, keys, n * sizeof(*keys));
    pthread_mutex_unlock(&zap->mutex);
}

void zap_allow_any(struct zap *zap, const char *domain)
{
    pthread_mutex_lock(&zap->mutex);
    need_domain(zap, domain)->is_open = true;
    pthread_mutex_unlock(&zap->mutex);
}

uint64_t zap_refused(struct zap *zap)
{
    pthread_mutex_lock(&zap->mutex);
    uint64_t refused = zap->refused;
    pthread_mutex_unlock(&zap->mutex);
    return refused;
}

static bool domain_admits(const struct zap_domain *domain, const struct curve_key *key)
{
    if (domain->is_open)
        return true;
    for (uint32_t i = 0; i < domain->n; i++) {
        if (curve_key_eq(&domain->keys[i], key))
            return true;
    }
    return false;
}

static bool admits(struct zap *zap, struct span domain_name, const struct curve_key *key)
{
    pthread_mutex_lock(&zap->mutex);
    const struct zap_domain *domain = find_domain(zap, domain_name);
    bool admitted = domain != NULL && domain_admits(domain, key);
    if (!admitted)
        zap->refused++;
    pthread_mutex_unlock(&zap->mutex);
    return admitted;
}

/* ---- the thread ---- */

/* Reads a whole request; returns its number of frames, of which the first FRAMES
 * are kept. */
static unsigned receive_request(void *handler, zmq_msg_t frames[FRAMES])
{
    zmq_msg_t rest;
    zmq_msg_init(&rest);
    unsigned n = 0;
    bool more = true;
    while (more) {
        zmq_msg_t *frame = n < FRAMES ? &frames[n] : &rest;
        if (zmq_msg_recv(frame, handler, 0) < 0)
            break;
        more = zmq_msg_more(frame);
        n++;
    }
    zmq_msg_close(&rest);
    return n;
}

static struct span frame_span(zmq_msg_t *frame)
{
    return span_of(zmq_msg_data(frame), zmq_msg_size(frame));
}

static bool frame_is(zmq_msg_t *frame, const char *text)
{
    return span_eq(frame_span(frame), span_of(text, strlen(text)));
}

static bool judge(struct zap *zap, zmq_msg_t frames[FRAMES], unsigned n, struct curve_key *ret_key)
{
    struct curve_key key;
    if (n != FRAMES || !frame_is(&frames[FRAME_VERSION], ZAP_VERSION) ||
        !frame_is(&frames[FRAME_MECHANISM], "CURVE") ||
        zmq_msg_size(&frames[FRAME_KEY]) != sizeof(key.b))
        return false;
    memcpy(key.b, zmq_msg_data(&frames[FRAME_KEY]), sizeof(key.b));
    if (!admits(zap, frame_span(&frames[FRAME_DOMAIN]), &key))
        return false;
    *ret_key = key;
    return true;
}

/* libzmq asks over inproc and waits: what cannot be sent now never can, and the
 * handshake ends refused. */
static void send_text(void *handler, const char *text, bool more)
{
    (void)zmq_send(handler, text, strlen(text), more ? ZMQ_SNDMORE : 0);
}

static void answer(void *handler, struct span request, const struct curve_key *admitted)
{
    char user_id[2 * sizeof(admitted->b) + 1] = "";
    if (admitted != NULL)
        hex_encode(admitted->b, sizeof(admitted->b), user_id);
    send_text(handler, ZAP_VERSION, true);
    (void)zmq_send(handler, request.data, request.size, ZMQ_SNDMORE);
    send_text(handler, admitted != NULL ? "200" : "400", true);
    send_text(handler, admitted != NULL ? "OK" : "refused", true);
    send_text(handler, user_id, true);
    send_text(handler, "", false);
}

static void serve_one(struct zap *zap)
{
    zmq_msg_t frames[FRAMES];
    for (unsigned i = 0; i < FRAMES; i++)
        zmq_msg_init(&frames[i]);
    unsigned n = receive_request(zap->handler, frames);
    struct curve_key key;
    bool admitted = judge(zap, frames, n, &key);
    if (n > FRAME_REQUEST)
        answer(zap->handler, frame_span(&frames[FRAME_REQUEST]), admitted ? &key : NULL);
    for (unsigned i = 0; i < FRAMES; i++)
        zmq_msg_close(&frames[i]);
}

static void *serve(void *argument)
{
    struct zap *zap = argument;
    zmq_pollitem_t items[] = {{zap->handler, 0, ZMQ_POLLIN, 0},
                              {zap->control_in, 0, ZMQ_POLLIN, 0}};
    for (;;) {
        int n = zmq_poll(items, N_ELEMENTS(items), -1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || items[1].revents != 0)
            return NULL;
        serve_one(zap);
    }
}

/* Signals are the main thread's. */
static void start_thread(struct zap *zap)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    MUST(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    MUST(pthread_create(&zap->thread, NULL, serve, zap) == 0);
    MUST(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

static void close_sockets(struct zap *zap)
{
    void **sockets[] = {&zap->handler, &zap->control_in, &zap->control_out};
    for (unsigned i = 0; i < N_ELEMENTS(sockets); i++) {
        if (*sockets[i] != NULL)
            zmq_close(*sockets[i]);
        *sockets[i] = NULL;
    }
}

static enum apm_err open_sockets(void *context, struct zap *zap)
{
    zap->handler = zmq_socket(context, ZMQ_REP);
    zap->control_in = zmq_socket(context, ZMQ_PAIR);
    zap->control_out = zmq_socket(context, ZMQ_PAIR);
    if (zap->handler == NULL || zap->control_in == NULL || zap->control_out == NULL)
        return APM_ERR_IO;
    if (zmq_bind(zap->handler, ZAP_ENDPOINT) != 0)
        return errno == EADDRINUSE ? APM_ERR_BUSY : APM_ERR_IO;
    if (zmq_bind(zap->control_in, ZAP_CONTROL) != 0 ||
        zmq_connect(zap->control_out, ZAP_CONTROL) != 0)
        return APM_ERR_IO;
    return APM_OK;
}

enum apm_err zap_new(void *context, struct zap **ret_zap)
{
    struct zap *zap = calloc(1, sizeof(*zap));
    MUST(zap != NULL);
    enum apm_err err = open_sockets(context, zap);
    if (err != APM_OK) {
        close_sockets(zap);
        free(zap);
        return err;
    }
    MUST(pthread_mutex_init(&zap->mutex, NULL) == 0);
    start_thread(zap);
    *ret_zap = zap;
    return APM_OK;
}

void zap_stop(struct zap *zap)
{
    if (zap->handler == NULL)
        return;
    (void)zmq_send(zap->control_out, "", 0, 0);
    MUST(pthread_join(zap->thread, NULL) == 0);
    close_sockets(zap);
}

void zap_destroy(struct zap **zap)
{
    if (*zap == NULL)
        return;
    zap_stop(*zap);
    pthread_mutex_destroy(&(*zap)->mutex);
    free(*zap);
    *zap = NULL;
}

/* ---- sockets and messages ---- */

bool zap_guard(void *socket, const char *domain, const struct curve_pair *pair)
{
    int on = 1;
    return zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0 &&
           zmq_setsockopt(socket, ZAP_ENFORCE_DOMAIN, &on, sizeof(on)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof(on)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair->secret, sizeof(pair->secret)) == 0;
}

bool zap_message_key(zmq_msg_t *message, struct curve_key *ret_key)
{
    const char *user_id = zmq_msg_gets(message, "User-Id");
    return user_id != NULL && hex_decode(user_id, sizeof(ret_key->b), ret_key->b);
}
