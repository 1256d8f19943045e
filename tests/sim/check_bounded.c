/* What waits at a replica, and what it says to others, stays within bounds that do not depend on
 * how long things go wrong. */
#include "tests/sim/world.h"

#define WINDOW_MS 100u
/* Messages of a core, to one or to all, in a window, for each validator of the set; with all that
 * goes wrong some ten are seen. */
#define SENDS_MAX 25u

bool check_fits(struct world *world, const struct replica *replica, const char *what,
                uint32_t n_max, uint32_t n)
{
    world->stats->checks[CHECK_BOUNDED]++;
    if (n <= n_max)
        return true;
    check_fail(world, CHECK_BOUNDED, "r%u: %u %s", replica->index, n, what);
    return false;
}

void check_sends(struct world *world, const struct replica *replica)
{
    struct sending *sending = &world->checkers.sending[replica->index];
    uint64_t window = world->now_ms / WINDOW_MS + 1;

    if (sending->window != window)
        *sending = (struct sending){window, 0};
    sending->n++;
    if (!world_is_faulty(world, replica->key))
        (void)check_fits(world, replica, "messages within a moment",
                         SENDS_MAX * world->n_validators, sending->n);
}
