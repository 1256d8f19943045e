/*
 * feeds - every feed this node knows, and how far it has it.
 *
 * A table in order of ids, filled from the store at the start. A feed moves twice: its
 * `edge` when a batch is handed to the store, its `durable` position when the store has it.
 * Peers are told of durable positions only. Owns its feeds; a feed never goes.
 * Limits: FEEDS_MAX, FEEDS_PER_AUTHOR_MAX of one author.
 */
#ifndef APM2_ANTI_ENTROPY_FEEDS_H
#define APM2_ANTI_ENTROPY_FEEDS_H

#include "common/feed/feed.h"

#define FEEDS_MAX 4096u
#define FEEDS_PER_AUTHOR_MAX 256u

struct batch;

struct feed {
    struct hash id;
    char space[ID_BYTES_MAX + 1];
    char author[ID_BYTES_MAX + 1];
    uint64_t incarnation;
    bool is_own;          /* this node writes it: no other, and only the newest of its space */
    bool is_asked;        /* a peer has been asked for records of it */
    uint32_t asked_of;    /* which */
    struct batch *moving; /* of an own one: on its way to the store */
    struct feed_edge edge;
    struct feed_position durable; /* root and size as stored */
    uint64_t durable_hlc;
    uint8_t head[FEED_HEAD_BYTES_MAX];
    size_t head_size;
};

struct feeds {
    struct feed *by_id[FEEDS_MAX]; /* ascending */
    uint32_t n;
    /* Durable positions in the same order, brought up to date by feeds_positions. */
    struct feed_position positions[FEEDS_MAX];
    bool are_positions_stale;
};

void feeds_release(struct feeds *feeds);

struct feed *feeds_find(const struct feeds *feeds, const struct hash *id);
/* The feed of that name: known, or new and empty. NULL: too many, or no room. */
struct feed *feeds_add(struct feeds *feeds, const struct feed_name *name);
/* This node's own feed of a namespace; NULL: none yet. */
struct feed *feeds_own(const struct feeds *feeds, struct span space);
struct feed_name feed_name_of(const struct feed *feed);

/* Durable positions of a namespace (empty: of all) after an id. Returns how many; ret_positions
 * has room for FEEDS_MAX. */
struct feeds_page {
    struct span space;
    struct hash after;
};
uint32_t feeds_collect(const struct feeds *feeds, const struct feeds_page *page,
                       struct feed_position *ret_positions);

/* What is durable here. Feeds without a record are left out. */
const struct feed_position *feeds_positions(struct feeds *feeds, uint32_t *ret_n);

/* The store has it: `edge` is durable, under this head. */
void feed_settle(struct feeds *feeds, struct feed *feed, const struct feed_edge *edge,
                 struct span head);
/* Its author signed two roots of this size: nothing past it is asked for any more. */
void feed_mark_fork(struct feeds *feeds, struct feed *feed, uint64_t size);

#endif
