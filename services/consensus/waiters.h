/*
 * waiters - which client waits for the outcome of which bundle.
 *
 * No I/O. A waiter is taken when a submission comes in, hung on its bundle's id once that
 * is known to be on its way, and claimed by the outcome; the taker of one that never gets
 * there gives it back. Pointers are good until it is claimed or given back; indices
 * likewise, and fit a verify job's tag.
 */
#ifndef APM2_WAITERS_H
#define APM2_WAITERS_H

#include "common/door.h"
#include "common/ids.h"

enum client_kind { CLIENT_NONE, CLIENT_DOOR, CLIENT_ADMIN };

struct client_ref {
    enum client_kind kind;
    struct door_route route; /* of an admin client too: its identity */
    uint64_t request;        /* its own number for what it asked */
};

struct waiter {
    struct hash bundle; /* meaningful once hung */
    struct client_ref client;
    uint64_t arrived_us;
    uint32_t next; /* waiters.c: in its hash chain, or among the free */
};

struct waiters;

struct waiters *waiters_new(uint32_t max);
void waiters_destroy(struct waiters **waiters);

/* All zero. NULL: `max` are taken. */
struct waiter *waiters_take(struct waiters *waiters);
void waiters_give_back(struct waiters *waiters, struct waiter *waiter);

uint32_t waiters_index(const struct waiters *waiters, const struct waiter *waiter);
struct waiter *waiters_at(struct waiters *waiters, uint32_t index);

void waiters_hang(struct waiters *waiters, struct waiter *waiter, const struct hash *bundle);
/* One who waits for the bundle, copied and given back. False: nobody does any more. */
bool waiters_claim(struct waiters *waiters, const struct hash *bundle, struct waiter *ret_waiter);

/* Taken and not yet given back. */
uint32_t waiters_count(const struct waiters *waiters);

#endif
