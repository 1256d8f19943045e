/*
 * connection_guard - how many connections a socket holds, and how much each may leave unfinished.
 *
 * libzmq bounds frames and whole messages, not the parts of a message that never ends nor
 * the number of connections, and runs into a wall when descriptors run out. The guard hears
 * of connections from the socket's monitor and asks the kernel what each has received since
 * the last message that was taken from it. Beyond the bounds a connection is shut down; whom
 * libzmq then tells is the sender only. Of connections it is the oldest that never said
 * anything whole, or else the newest.
 * One thread, the socket's.
 */
#ifndef APM2_CONNECTION_GUARD_H
#define APM2_CONNECTION_GUARD_H

#include <stdint.h>

#include <zmq.h>

#define GUARD_CONNECTIONS_MAX 1024u
/* A higher one is shut unseen: descriptors are given out from below. */
#define GUARD_DESCRIPTOR_MAX 8192u
#define GUARD_NOBODY UINT32_MAX

struct guard_bounds {
    uint16_t port;          /* the socket's own */
    uint32_t connections;   /* at most GUARD_CONNECTIONS_MAX */
    uint32_t of_one_owner;  /* 0: not counted */
    uint64_t untaken_bytes; /* in all; 0: not counted */
};

struct connection_guard;

/* NULL: no monitor, out of descriptors. Before the socket is bound. */
struct connection_guard *guard_new(void *context, void *router, const struct guard_bounds *bounds);
/* Before the socket is closed. */
void guard_destroy(struct connection_guard **guard);

/* A whole message was taken; it is one of its parts, its sender the owner or GUARD_NOBODY. */
void guard_taken(struct connection_guard *guard, zmq_msg_t *part, uint32_t owner);

/* Several times a second. Returns how many connections were cut off. */
uint32_t guard_turn(struct connection_guard *guard, uint64_t now_ms);

#endif
