/* A failing Twins scenario with less in it: fewer terms, fewer cuts. */
#include "tests/sim/shrink.h"
#include "tests/sim/twins.h"

/* What may be left out of a term, most first. */
enum move { MOVE_DROP, MOVE_WHOLE, MOVE_CUT_AT_ONCE, MOVE_TIME_OUT, MOVES_END };

struct drawn {
    struct twins twins;
    uint64_t seed;
};

static bool run_drawn(struct world *world, const void *what)
{
    const struct drawn *drawn = what;
    return twins_run(world, &drawn->twins, drawn->seed);
}

static void drop(struct twins *twins, uint32_t i)
{
    twins->n_terms--;
    for (; i < twins->n_terms; i++)
        twins->terms[i] = twins->terms[i + 1];
    twins->terms[0].is_handed_on = false;
}

/* False: there is nothing to leave out. */
static bool leave_out(struct twins *twins, uint32_t i, enum move move)
{
    struct twins_term *term = &twins->terms[i];

    switch (move) {
    case MOVE_DROP:
        if (twins->n_terms == 1)
            return false;
        drop(twins, i);
        return true;
    case MOVE_WHOLE:
        if (term->far_side == 0)
            return false;
        term->far_side = term->cut_after_ms = 0;
        return true;
    case MOVE_CUT_AT_ONCE:
        if (term->cut_after_ms == 0)
            return false;
        term->cut_after_ms = 0;
        return true;
    case MOVE_TIME_OUT:
        if (!term->is_handed_on)
            return false;
        term->is_handed_on = false;
        return true;
    case MOVES_END:
        break;
    }
    return false;
}

static bool shorten_once(struct world *world, struct drawn *drawn, int failure, uint32_t *n_trials)
{
    for (enum move move = MOVE_DROP; move < MOVES_END; move++) {
        for (uint32_t i = drawn->twins.n_terms; i-- > 0;) {
            struct drawn trial = *drawn;
            if (!leave_out(&trial.twins, i, move))
                continue;
            (*n_trials)++;
            if (run_apart(world, run_drawn, &trial) == failure) {
                *drawn = trial;
                return true;
            }
        }
    }
    return false;
}

/* Each success leaves one thing out for good, so that it comes to an end. */
uint32_t twins_shrink(struct world *world, struct twins *twins, uint64_t seed, int failure)
{
    struct drawn drawn = {*twins, seed};
    uint32_t n_trials = 0;

    while (shorten_once(world, &drawn, failure, &n_trials))
        ;
    *twins = drawn.twins;
    return n_trials;
}
