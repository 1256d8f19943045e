/*
 * door_guard - how many connections a door holds, and how much each may leave unfinished.
 *
 * libzmq bounds frames and whole messages, not the parts of a message that never ends nor
 * the number of connections. The guard hears of connections from the socket's monitor and
 * asks the kernel what each has received since the last message that was taken from it.
 * Beyond the bounds a connection is shut down; whom libzmq then tells is the sender only.
 * One thread, the socket's.
 */
#ifndef APM2_DOOR_GUARD_H
#define APM2_DOOR_GUARD_H

#include <stdint.h>

#include <zmq.h>

struct door_guard;

/* NULL: no monitor, out of descriptors. Before the socket is bound. */
struct door_guard *door_guard_new(void *context, void *router);
/* Before the socket is closed. */
void door_guard_destroy(struct door_guard **guard);

/* A whole message was taken; it is one of its parts. */
void door_guard_taken(struct door_guard *guard, zmq_msg_t *part);

/* Several times a second. Returns how many connections were cut off. */
uint32_t door_guard_turn(struct door_guard *guard, uint64_t now_ms);

#endif
