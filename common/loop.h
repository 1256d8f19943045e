/*
 * loop - the one place a service waits: ZeroMQ sockets, descriptors, signals, time.
 *
 * Single-threaded. Callbacks run in the order their sources were added and may add
 * or remove sources, themselves included. A callback drains with a budget of its
 * own and returns true when there is more: it is then called again in the next turn,
 * which does not wait. What stays in a socket is reported again in any case; what a
 * callback has already taken in (read-ahead, partial results) only it knows of.
 * At most LOOP_SOURCES_MAX sources and LOOP_HOOKS_MAX hooks; more are our bug.
 */
#ifndef APM2_LOOP_H
#define APM2_LOOP_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

#define LOOP_SOURCES_MAX 256u
#define LOOP_HOOKS_MAX 16u

struct loop;

/* `revents`: POLLIN, POLLOUT, POLLERR as poll(2); for ZeroMQ sockets POLLIN and
 * POLLOUT; 0 when called again because it said there was more. POLLERR comes whether
 * asked for or not, and again each turn until the descriptor is removed. */
struct loop_fn {
    bool (*call)(void *arg, short revents);
    void *arg;
};

/* Called after each wake-up, after the sources, in the order added. `deadline_ms`
 * (may be NULL) says when to wake up at the latest: clock_mono_ms, or CLOCK_NEVER. */
struct loop_hook {
    void (*turn)(void *arg, uint64_t now_ms);
    uint64_t (*deadline_ms)(void *arg);
    void *arg;
};

/* Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD for this thread (and its later threads
 * and children), and ignores SIGPIPE. They arrive through loop_on_signal only. */
void loop_block_signals(void);

/* After loop_block_signals. */
struct loop *loop_new(void);
void loop_destroy(struct loop **loop);

/* The caller keeps owning descriptor and socket, and removes them before closing. */
void loop_add_fd(struct loop *loop, int fd, short events, struct loop_fn fn);
void loop_set_events(struct loop *loop, int fd, short events);
void loop_remove_fd(struct loop *loop, int fd);

void loop_add_socket(struct loop *loop, void *socket, short events, struct loop_fn fn);
void loop_set_socket_events(struct loop *loop, void *socket, short events);
void loop_remove_socket(struct loop *loop, void *socket);

void loop_add_hook(struct loop *loop, struct loop_hook hook);
void loop_remove_hook(struct loop *loop, void *arg);

/* `fn` gets the signal number. */
void loop_on_signal(struct loop *loop, void (*fn)(void *arg, int signal_number), void *arg);

/* Turns until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* One turn: waits until something happens, a deadline, or `max_wait_ms`. For tests. */
void loop_turn(struct loop *loop, uint64_t max_wait_ms);

/* When the last turn began (clock_mono_ms). Any thread may ask. */
uint64_t loop_turned_ms(const struct loop *loop);

#endif
