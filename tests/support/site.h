/*
 * site - two places with a ZMQ context and a key check each, for tests on real sockets.
 *
 * What a stranger would use beside them is here too: raw sockets to site 0. two_sites()
 * is the setup; whatever was opened on the sites is closed before close_sites().
 */
#ifndef APM2_TESTS_SITE_H
#define APM2_TESTS_SITE_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <zmq.h>

#include "common/zap.h"

#define PATIENCE_MS 5000
/* How long a frame that must not come is waited for: far above the few ms that the
 * same frame takes when it may. */
#define SILENCE_MS 700

struct site {
    void *context;
    struct zap *zap;
    struct curve_pair pair;
};

static struct site sites[2];
static struct why why;

static inline const char *address_of(unsigned i)
{
    static const char *const addresses[] = {"127.0.11.1", "127.0.11.2"};
    return addresses[i];
}

static inline void two_sites(void)
{
    for (unsigned i = 0; i < 2; i++) {
        sites[i].context = zmq_ctx_new();
        ck_assert_int_eq(zap_new(sites[i].context, &sites[i].zap), APM_OK);
        curve_pair_new(&sites[i].pair);
    }
}

static inline void close_sites(void)
{
    for (unsigned i = 0; i < 2; i++) {
        zap_destroy(&sites[i].zap);
        zmq_ctx_term(sites[i].context);
    }
}

static inline struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

/* A raw DEALER to site 0: NULL pair for no encryption. */
static inline void *dealer_to(void *context, uint16_t port, const struct curve_pair *pair)
{
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    int no_linger = 0;
    zmq_setsockopt(dealer, ZMQ_LINGER, &no_linger, sizeof(no_linger));
    if (pair != NULL) {
        zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, sites[0].pair.public_key.b, 32);
        zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, pair->public_key.b, 32);
        zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, pair->secret, 32);
    }
    char endpoint[64];
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://%s:%u", address_of(0), port);
    ck_assert_int_eq(zmq_connect(dealer, endpoint), 0);
    return dealer;
}

static inline void close_dealer(void *context, void *dealer)
{
    zmq_close(dealer);
    zmq_ctx_term(context);
}

static inline int tcp_to(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    ck_assert_int_eq(inet_pton(AF_INET, address_of(0), &to.sin_addr), 1);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

#endif
