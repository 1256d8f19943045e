/*
 * mempool - verified bundles that no committed block holds yet.
 *
 * A data structure: no I/O, no clock (times are given), one thread. All its memory
 * is taken at mempool_new except the bodies, of which it holds one reference each.
 *
 * A bundle is *held* by every block of the chain window that lists it (mempool_mark).
 * Blocks of several branches may hold it at once, so what may be proposed is asked
 * for a chain of ancestors, never in general: a bundle in a losing block is pending
 * at once on the winning branch. Blocks may list bundles that are not here yet; such
 * a bundle is *wanted* and is admitted beyond every limit when it comes.
 *
 * Order is the order of arrival. Nothing costs more than O(1) a bundle, except that
 * pick and pending step over the bundles held by ancestors.
 */
#ifndef APM2_MEMPOOL_H
#define APM2_MEMPOOL_H

#include "common/ids.h"
#include "common/limits.h"
#include "services/consensus/body.h"

struct mempool;

/* Blocks that may be marked at a time: the chain window and room for its forks. */
#define MEMPOOL_BLOCKS_MAX 64u

struct mempool_limits {
    uint32_t bundles_max;        /* 1..MEMPOOL_BUNDLES_MAX */
    uint64_t bytes_max;          /* ..MEMPOOL_BYTES_MAX */
    uint32_t client_bundles_max; /* of one client (origin) */
    uint64_t client_bytes_max;
    uint32_t peer_bundles_max; /* that one validator passed on */
    uint64_t peer_bytes_max;
    uint32_t actor_bundles_max; /* signed by one key */
};

/* The limits of a node that has set nothing: no client or actor takes more than an
 * eighth, no validator more than half. */
struct mempool_limits mempool_limits_default(void);

/* `seed`: random, so that nobody can aim at one hash chain. */
struct mempool *mempool_new(const struct mempool_limits *limits, uint64_t seed);
/* New shares of clients, validators and actors (SIGHUP). What waits already stays; the
 * totals, by which memory was taken, do not change. */
void mempool_set_shares(struct mempool *pool, const struct mempool_limits *limits);
/* Also drops the bodies. NULL is fine. */
void mempool_destroy(struct mempool **pool);

struct mempool_item {
    struct hash id;
    struct body *body;
    struct key origin;
    bool is_from_peer;
    struct key actor;
    uint64_t nonce;
    uint64_t expiry_height; /* the highest block it may stand in */
    uint64_t received_ms;   /* monotonic, never below an earlier one's */
};

enum mempool_verdict {
    MEMPOOL_ADDED,
    MEMPOOL_DUPLICATE,      /* here already */
    MEMPOOL_COMMITTED,      /* in a block committed lately */
    MEMPOOL_EXPIRED,        /* no coming block may hold it */
    MEMPOOL_EXPIRY_TOO_FAR, /* over BUNDLE_EXPIRY_HEIGHTS_MAX ahead */
    MEMPOOL_BUSY_BUNDLES,   /* bundles_max */
    MEMPOOL_BUSY_BYTES,     /* bytes_max */
    MEMPOOL_BUSY_ORIGIN,    /* the sender's share */
    MEMPOOL_BUSY_ACTOR,     /* the signer's share */
};

const char *mempool_verdict_text(enum mempool_verdict verdict);

/* ADDED takes one reference of item->body; the caller keeps its own. */
enum mempool_verdict mempool_add(struct mempool *pool, const struct mempool_item *item);

/* What mempool_add would say of an id before its signature is checked: DUPLICATE,
 * COMMITTED, or ADDED for one that is new here. */
enum mempool_verdict mempool_seen(const struct mempool *pool, const struct hash *id);

/* The body, borrowed; NULL: not here. body_ref it to keep it. */
struct body *mempool_body(const struct mempool *pool, const struct hash *id);

/* All that is known of one; item->body borrowed. False: not here. */
bool mempool_look(const struct mempool *pool, const struct hash *id, struct mempool_item *ret_item);

/* Where the chain stands on which something is to be proposed: the marked blocks from
 * the newest back to the first uncommitted one. Unmarked blocks among them are ignored. */
struct mempool_chain {
    const struct hash *blocks;
    uint32_t n;
};

struct mempool_budget {
    uint32_t bundles_max; /* ..BLOCK_BUNDLES_MAX */
    uint64_t bytes_max;
    uint64_t height; /* of the block to be built: older expiries stay out */
};

/* The oldest bundles that no block of `chain` holds, within the budget: their ids in
 * order of arrival. Stops at the first that does not fit. Returns how many. */
uint32_t mempool_pick(const struct mempool *pool, const struct mempool_chain *chain,
                      const struct mempool_budget *budget, struct hash *ret_ids);

struct mempool_pending {
    bool any;           /* bundles wait that no block of the chain holds */
    uint64_t oldest_ms; /* the first of them came then ... */
    uint64_t resent_ms; /* ... and was resent then; 0 = not yet */
    bool is_overtaken;  /* one that came after it is committed */
};

void mempool_look_pending(const struct mempool *pool, const struct mempool_chain *chain,
                          struct mempool_pending *ret_pending);

/* A block entered the window. Ids not here become wanted. False: MEMPOOL_BLOCKS_MAX are
 * marked already. Marking a marked block again changes nothing. */
bool mempool_mark(struct mempool *pool, const struct hash *block, const struct hash *ids,
                  uint32_t n_ids);

/* The block left the window without being committed. Unknown ones are ignored. */
void mempool_unmark(struct mempool *pool, const struct hash *block);

/* How many bodies of a marked block are not here. 0 also for an unmarked one. */
uint32_t mempool_n_missing(const struct mempool *pool, const struct hash *block);

/* Up to `max` ids of them, in the block's order; returns how many. */
uint32_t mempool_missing(const struct mempool *pool, const struct hash *block, struct hash *ret_ids,
                         uint32_t max);

/* The block is committed, at `height`: unmarks it, drops its bodies and remembers its ids
 * as committed for a while. Works for unmarked blocks and unknown ids, too. */
void mempool_commit(struct mempool *pool, const struct hash *block, const struct hash *ids,
                    uint32_t n_ids);

/* The chain has reached `height`: bundles that no higher block may hold are dropped. Up to
 * `max` of them are written to ret_gone (bodies dropped already, NULL); returns how many.
 * Call again while it returns `max`. */
uint32_t mempool_expire(struct mempool *pool, uint64_t height, struct mempool_item *ret_gone,
                        uint32_t max);

/* Ids of bundles that came and were last resent at or before `before_ms`; notes them as
 * resent at now_ms. Up to `max`, oldest first; returns how many. */
uint32_t mempool_resend(struct mempool *pool, uint64_t before_ms, uint64_t now_ms,
                        struct hash *ret_ids, uint32_t max);

struct mempool_size {
    uint32_t bundles;
    uint64_t bytes;
    uint32_t wanted; /* bodies that marked blocks list and are not here */
    uint32_t blocks; /* marked */
};

struct mempool_size mempool_size(const struct mempool *pool);

#endif
