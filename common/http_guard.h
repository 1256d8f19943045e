/*
 * http_guard - what one HTTP server allows its clients: time and requests.
 *
 * The inner half of http. Pure bookkeeping; the caller brings clock and descriptors.
 */
#ifndef APM2_HTTP_GUARD_H
#define APM2_HTTP_GUARD_H

#include "common/bucket.h"
#include "common/http.h"

struct http_guard {
    struct {
        int fd;            /* 0: free. Descriptor 0 is never a client's. */
        uint64_t since_ms; /* connected, or last answered */
    } clients[HTTP_CONNECTIONS_MAX];
    struct bucket requests;
};

void http_guard_init(struct http_guard *guard, uint64_t now_us);

void http_guard_opened(struct http_guard *guard, int fd, uint64_t now_ms);
void http_guard_answered(struct http_guard *guard, int fd, uint64_t now_ms);
void http_guard_closed(struct http_guard *guard, int fd);

/* A client whose time is over; -1: none. It is reported again after another timeout. */
int http_guard_overdue(struct http_guard *guard, uint64_t now_ms);
/* When the next one's will be; CLOCK_NEVER. */
uint64_t http_guard_deadline_ms(const struct http_guard *guard);

/* False: too many requests. */
bool http_guard_admit(struct http_guard *guard, uint64_t now_us);
/* More than half of what a second allows is used up: wait before reading on. */
bool http_guard_is_busy(struct http_guard *guard, uint64_t now_us);

#endif
