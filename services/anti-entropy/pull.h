/*
 * pull - fetching from peers what this node lacks: digest, frontier, want, chunk.
 *
 * One exchange with each peer at a time, each feed asked of one peer at a time. Every
 * question has a deadline; what is not answered in full by then moves to another peer and
 * earns a strike if it had been advertised. Nothing is remembered of a peer: what is
 * wanted is computed anew from what is durable here.
 */
#ifndef APM2_ANTI_ENTROPY_PULL_H
#define APM2_ANTI_ENTROPY_PULL_H

#include "common/feed/feed.h"

struct entropy;

enum pull_state { PULL_IDLE, PULL_ASKED, PULL_FETCHING };

struct pull {
    enum pull_state state;
    uint64_t request;
    uint64_t deadline_ms;
    uint64_t granted; /* credit of the want under way */
    uint64_t received;
    bool is_settling;  /* its records are not all durable yet: no next want */
    struct hash after; /* the page of the frontier asked for; zero: the first */
    struct hash next;  /* the page after it */
    uint32_t n_theirs;
    struct feed_position theirs[FRONTIER_HEADS_MAX]; /* as its verified heads say */
};

struct puller {
    struct pull peers[VALIDATORS_MAX];
    uint64_t last_request;
    uint64_t due_ms;    /* the next unprompted question */
    uint64_t period_ms; /* rises while all is equal */
    uint32_t next_peer;
    uint32_t n_equal;      /* answers in a row that said so */
    uint64_t converged_ms; /* when an exchange last ended equal; 0: never */
    uint64_t random;
};

void pull_init(struct puller *puller, uint64_t seed);
void pull_turn(struct entropy *entropy, uint64_t now_ms);
uint64_t pull_deadline_ms(const struct entropy *entropy);
/* Something is known to differ: ask soon. */
void pull_hurry(struct entropy *entropy);
/* A feed has moved durably: a fetch that waited for it goes on. */
void pull_settled(struct entropy *entropy, struct feed *feed);

#endif
