/*
 * liar - replicas that break the protocol on purpose, with a core of the shipped kind
 * underneath that knows nothing of it.
 *
 * A liar has a few of the lies below, by chance, for the whole run. It lets messages of its
 * core pass only to some, forges proposals beside its core's, and signs whatever suits it.
 * It signs with its own key alone; twins and liars together are at most f.
 */
#ifndef APM2_SIM_LIAR_H
#define APM2_SIM_LIAR_H

#include "tests/sim/net.h"
#include "tests/sim/rng.h"

struct world;
struct replica;

enum lie {
    /* of its core's messages */
    LIE_MUTE,      /* heartbeats, but no proposal */
    LIE_DRIP,      /* proposals as late as a leader may be */
    LIE_WITHHOLD,  /* votes, certificates and timeouts go to some only */
    LIE_CENSOR,    /* empty blocks that hand off to itself, slowly, to the end */
    LIE_NO_BODIES, /* it never answers who lacks a block or a bundle */
    /* beside them */
    LIE_BALLOTS,  /* votes and commit votes for any block, in any term */
    LIE_TIMEOUTS, /* of any term, citing any QC */
    LIE_RANGE,    /* headers under the proof of another block */
    LIE_MUTATE,   /* a field of what its core says, changed before it is signed */
    /* proposals; forge.c */
    LIE_SPLIT,      /* two blocks at one rank, to two halves */
    LIE_FIRST,      /* the first block of a term, another one too */
    LIE_USURP,      /* a block on somebody's chain whose leader it is not */
    LIE_STALE_QC,   /* on an old certificate */
    LIE_PARENT,     /* on another block than the certified one */
    LIE_PREV_STATE, /* a state root that is not, or is not known yet */
    LIE_TIME,       /* jumps, both ways */
    LIE_HANDOFF,    /* to itself, again and again */
    LIE_JUMP,       /* uses its handoff some terms later */
    LIE_FIELD,      /* one field changed before signing */
    LIE_BODY,       /* a bundle nobody has, or given to one victim */
    LIE_REPEAT,     /* bundles that an ancestor holds */
    LIE_CONFIG,     /* a set that nobody asked for, named by its block */
    LIES_END,
};

const char *lie_name(enum lie lie);

/* A few lies by chance, a bit each. */
uint32_t liar_draw(struct rng *rng);

/* It has these, and tells them now and then. */
void liar_born(struct world *world, struct replica *liar, uint32_t lies);
void liar_strike(struct world *world);

/* Its core is about to sign this proposal, or has entered a term. */
void liar_proposes(struct world *world, struct replica *liar, uint32_t block);
void liar_enters(struct world *world, struct replica *liar);

/* Does the message reach the replica, and how much later than it should? */
bool liar_passes(struct world *world, const struct message *message, uint32_t to);
uint64_t liar_delay_ms(struct world *world, const struct message *message);

/* mutate.c: perhaps changes a field of what its core sends, and signs that. */
void liar_mutates(struct world *world, const struct replica *liar, struct message *message);

static inline bool liar_tells(uint32_t lies, enum lie lie)
{
    return (lies >> lie & 1) != 0;
}

/* forge.c: makes one proposal of that kind, beside `own` if there is one (NO_BLOCK),
 * and sends it. ret_block: NO_BLOCK if there was nothing to lie about. */
void forge(struct world *world, struct replica *liar, enum lie lie, uint32_t own,
           uint32_t *ret_block);

#endif
