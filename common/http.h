/*
 * http - answers GET and HEAD from a small table of paths, driven by the loop.
 *
 * For health and metrics, not for the world: 64 connections, 8 KiB of request. Whoever
 * has not said its whole request, or not taken the answer, 5 seconds after it connected
 * or was last answered is cut off, however busily it drips. Beyond HTTP_REQUESTS_PER_S
 * the answer is 429 and the connection's end, and what more comes waits in the kernel:
 * a flood costs the loop a bounded share, not its turns.
 * Handlers run in the loop's thread and answer at once.
 */
#ifndef APM2_HTTP_H
#define APM2_HTTP_H

#include "common/buf.h"
#include "common/err.h"
#include "common/loop.h"

#define HTTP_CONNECTIONS_MAX 64u
#define HTTP_TIMEOUT_S 5u
#define HTTP_REQUESTS_PER_S 100u
#define HTTP_BODY_BYTES_MAX (1024u * 1024u)

struct http_request {
    const char *path;
    const char *accept;  /* the header, "" if none */
    const char *exclude; /* ?exclude=a,b; "" if none */
    bool verbose;        /* ?verbose */
};

struct http_answer {
    unsigned status;          /* 200 unless the handler says otherwise */
    const char *content_type; /* text/plain unless the handler says otherwise */
    const char *policy;       /* Content-Security-Policy; NULL: none, as for text */
    struct buf body;
};

/* The rows end with one whose path is NULL. */
struct http_route {
    const char *path;
    void (*answer)(void *arg, const struct http_request *request, struct http_answer *answer);
};

struct http_table {
    const struct http_route *routes; /* NULL: none */
    void *arg;
};

#define HTTP_TABLES_MAX 2u

struct http_config {
    struct loop *loop;
    const char *address;                       /* IPv4 or IPv6 literal */
    uint16_t port;                             /* 0: any free one */
    struct http_table tables[HTTP_TABLES_MAX]; /* the first that has the path answers */
};

struct http;

/* APM_ERR_PORT_IN_USE, APM_ERR_CONFIG for an address that is none. */
WARN_UNUSED enum apm_err http_start(const struct http_config *config, struct http **ret_http);
void http_destroy(struct http **http);

/* The bound port. */
uint16_t http_port(const struct http *http);

#endif
