#include "common/http_guard.h"
#include "common/clock.h"

#define TIMEOUT_MS (HTTP_TIMEOUT_S * 1000u)

void http_guard_init(struct http_guard *guard, uint64_t now_us)
{
    *guard = (struct http_guard){.requests = bucket_full(HTTP_REQUESTS_PER_S, now_us)};
}

static void stamp(struct http_guard *guard, int was_fd, int fd, uint64_t now_ms)
{
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (guard->clients[i].fd == was_fd) {
            guard->clients[i].fd = fd;
            guard->clients[i].since_ms = now_ms;
            return;
        }
    }
}

void http_guard_opened(struct http_guard *guard, int fd, uint64_t now_ms)
{
    stamp(guard, 0, fd, now_ms);
}

void http_guard_answered(struct http_guard *guard, int fd, uint64_t now_ms)
{
    stamp(guard, fd, fd, now_ms);
}

void http_guard_closed(struct http_guard *guard, int fd)
{
    stamp(guard, fd, 0, 0);
}

int http_guard_overdue(struct http_guard *guard, uint64_t now_ms)
{
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        bool is_over = now_ms >= guard->clients[i].since_ms + TIMEOUT_MS;
        if (guard->clients[i].fd != 0 && is_over) {
            guard->clients[i].since_ms = now_ms;
            return guard->clients[i].fd;
        }
    }
    return -1;
}

uint64_t http_guard_deadline_ms(const struct http_guard *guard)
{
    uint64_t first = CLOCK_NEVER;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        uint64_t end_ms = guard->clients[i].since_ms + TIMEOUT_MS;
        if (guard->clients[i].fd != 0 && end_ms < first) {
            first = end_ms;
        }
    }
    return first;
}

bool http_guard_admit(struct http_guard *guard, uint64_t now_us)
{
    return bucket_take(&guard->requests, 1, now_us);
}

bool http_guard_is_busy(struct http_guard *guard, uint64_t now_us)
{
    bucket_fill(&guard->requests, now_us);
    return guard->requests.tokens < HTTP_REQUESTS_PER_S / 2;
}
