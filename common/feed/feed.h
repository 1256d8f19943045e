/*
 * feed - an author's numbered observations, each head of them signed (DESIGN 6).
 *
 * A feed is (namespace, author, incarnation); its records are numbered 1, 2, ... without
 * holes and are the leaves of an RFC 9162 tree in that order. Records and heads are rows of
 * messages.def (feed_record, feed_head), hashed and checked as the bytes received, never
 * re-encoded. A head is signed by the author's feed key, which its card certifies.
 *
 * Pure: no clock, no allocation, no I/O. Spans borrow from the bytes they were decoded
 * from. A peer's bytes yield a verdict, never an abort.
 */
#ifndef APM2_FEED_H
#define APM2_FEED_H

#include "common/merkle/merkle.h"
#include "common/wire.h"

/* Records fit this much with every field at its limit. */
#define FEED_RECORD_BYTES_MAX (OBSERVATION_BYTES_MAX + 1024u)

/* What a peer's records or head turned out to be. */
enum feed_verdict {
    FEED_OK,
    FEED_MALFORMED,     /* no record, no head, too many records, names that are none */
    FEED_BAD_SIGNATURE, /* not the author's signature under this head */
    FEED_OTHER_FEED,    /* a record of another feed than its head */
    FEED_WRONG_SEQ,     /* not the next number, or not as many as the head says */
    FEED_CLOCK,         /* a stamp that is not above the one before, or a head's untrue one */
    FEED_WRONG_ROOT,    /* the leaves do not reach the signed root */
};

const char *feed_verdict_text(enum feed_verdict verdict);

/* Why folds leave a record out for now. It is kept and replicated all the same. */
enum feed_held {
    FEED_NOT_HELD,
    FEED_HELD_SCHEMA, /* names a schema that this node does not know */
    FEED_HELD_CLOCK,  /* stamped ahead of this node's clock */
};

/* ---- names ---- */

struct feed_name {
    struct span space;
    struct span author;
    uint64_t incarnation;
};

/* The feed's id: the first key column wherever feeds are stored. */
struct hash feed_id(const struct feed_name *name);

/* Letters, digits, '.', '_', '-', ':', '/' of at most `max` bytes; empty if `may_be_empty`. */
bool feed_text_is_valid(struct span text, size_t max, bool may_be_empty);

/* Milliseconds and counter in one u64 whose order is theirs. */
uint64_t feed_hlc(uint64_t wall_ms, uint64_t counter);
uint64_t feed_hlc_ms(uint64_t hlc);

/* ---- heads ---- */

/* Tag, zero byte, chain id, hash of the head's bytes before its signature. */
#define FEED_STATEMENT_BYTES 77u

/* The head's bytes with the signature it holds; 0 when a field is over its limit. */
size_t feed_head_encode(const struct wire_feed_head *head, uint8_t out[FEED_HEAD_BYTES_MAX]);
/* What the signature covers. The bytes are a head's: as encoded, or decoded well. */
size_t feed_head_statement(const struct hash *chain, struct span head,
                           uint8_t out[FEED_STATEMENT_BYTES]);
/* Puts the signature into the encoded bytes. */
void feed_head_seal(uint8_t *head, size_t size, const struct sig *sig);

/* Form, names and size; not the signature. */
enum feed_verdict feed_head_decode(struct span bytes, struct wire_feed_head *ret_head);
/* The signature, by the author's feed key. */
enum feed_verdict feed_head_verify(const struct hash *chain, const struct key *author,
                                   struct span bytes);
struct feed_name feed_head_name(const struct wire_feed_head *head);

/* ---- records ---- */

/* How far a feed has been followed: the right edge of its tree. */
struct feed_edge {
    struct merkle_frontier tree; /* tree.n records */
    uint64_t hlc_max;
};

void feed_edge_init(struct feed_edge *edge);

/* The next record of a chunk: start with *cursor = 0. False at the end, and at bytes that
 * are no array (then *cursor is short of the end). */
bool feed_records_next(struct span records, size_t *cursor, struct span *ret_record);

/* Takes the next record of the feed that `head` names. The edge is untouched unless OK. */
enum feed_verdict feed_edge_take(struct feed_edge *edge, const struct wire_feed_head *head,
                                 struct span record, struct wire_feed_record *ret_record);

/* Does the edge stand exactly where the head says? */
enum feed_verdict feed_edge_reaches(const struct feed_edge *edge,
                                    const struct wire_feed_head *head);

/* A whole chunk: all its records, and the head at its end. The edge is untouched unless OK. */
enum feed_verdict feed_edge_take_chunk(struct feed_edge *edge, const struct wire_feed_head *head,
                                       struct span records, uint32_t *ret_n);

/* The edge's hashes, as many as the size has bits set: what is stored beside the size. */
#define FEED_EDGE_BYTES_MAX (64u * sizeof(struct hash))
size_t feed_edge_encode(const struct feed_edge *edge, uint8_t out[FEED_EDGE_BYTES_MAX]);
/* False when the bytes do not fit the size. */
bool feed_edge_decode(uint64_t size, uint64_t hlc_max, struct span bytes,
                      struct feed_edge *ret_edge);

/* ---- comparing ---- */

/* Where one feed stands: here, or as a peer says. */
struct feed_position {
    struct hash feed;
    uint64_t size;
    struct hash root;
    uint64_t fork_at; /* 0: none */
};

/* Hash over positions, which ascend by feed. */
struct hash feed_digest(const struct feed_position *positions, uint32_t n);

int feed_id_cmp(const struct hash *a, const struct hash *b);

/* Positions that ascend by feed; borrowed. */
struct feed_list {
    const struct feed_position *at;
    uint32_t n;
};

/* What `theirs` has and `mine` lacks, as runs, feed by feed. Returns
 * how many runs there are, at most `max`. Forked feeds are not asked for past the fork. */
uint32_t feed_want(struct feed_list mine, struct feed_list theirs, struct wire_feed_run *ret_runs,
                   uint32_t max);

#endif
