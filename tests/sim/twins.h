/*
 * twins - the schedules of the Twins paper: four validators, one of them in two copies
 * with one key, and a few terms, each with a leader and with a network in two halves.
 *
 * One scenario is a leader and a split per term. With three terms all of them are run, by
 * number; longer ones, with cuts in the middle of a term and handoffs too, are drawn by
 * seed. README.md says what exactly a scenario does.
 */
#ifndef APM2_SIM_TWINS_H
#define APM2_SIM_TWINS_H

#include "tests/sim/world.h"

#define TWINS_VALIDATORS 4u
#define TWINS_REPLICAS 5u /* the last one is the second copy of validator 0 */
#define TWINS_TERMS_MAX 4u

struct twins_term {
    uint32_t leader;       /* validator; both copies, if it is the one that has two */
    uint32_t far_side;     /* a bit per replica that is cut off from replica 0; 0 = all whole */
    uint32_t cut_after_ms; /* of the term: until then all links are whole */
    uint32_t length_ms;
    bool is_handed_on; /* by the leader before, when asked; else its term times out */
};

struct twins {
    uint32_t n_terms;
    struct twins_term terms[TWINS_TERMS_MAX];
};

/* All scenarios of so many terms: how many, and which one is the number (0 on). */
uint64_t twins_count(uint32_t n_terms);
struct twins twins_at(uint32_t n_terms, uint64_t number);

/* The numbers in the order to run them in (i from 0): each once, and unlike ones first. */
uint64_t twins_ith(uint32_t n_terms, uint64_t i);

/* One of four terms, by chance. Three seeds of five are spent on these: they are short, and
 * what they find needs volume; the others go to long runs with every fault (schedule.h). */
struct twins twins_draw(uint64_t seed);

static inline bool twins_is_seed(uint64_t seed)
{
    return seed % 5 > 1;
}

/* Runs one; the seed decides delays. False: a checker objects. */
bool twins_run(struct world *world, const struct twins *twins, uint64_t seed);

/* Leaves out what it can of a failing one, as long as it fails in the same way (shrink.h).
 * Returns the number of trials. */
uint32_t twins_shrink(struct world *world, struct twins *twins, uint64_t seed, int failure);

/* For readers: per term its leader and the two halves, "1 leads 024|13". */
void twins_say(const struct twins *twins);

#endif
