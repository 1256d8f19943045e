#include "common/hlc.h"

#include "common/must.h"

const char *hlc_verdict_text(enum hlc_verdict verdict)
{
    switch (verdict) {
    case HLC_MERGED:
        return "merged";
    case HLC_AHEAD:
        return "too far ahead of the wall clock";
    case HLC_MALFORMED:
        return "wall or counter over its maximum";
    }
    MUST(!"a clock verdict");
}

int hlc_cmp(struct hlc a, struct hlc b)
{
    int by_wall = u64_cmp(a.wall_ms, b.wall_ms);
    return by_wall != 0 ? by_wall : u64_cmp(a.counter, b.counter);
}

static struct hlc latest(struct hlc a, struct hlc b)
{
    return hlc_cmp(a, b) >= 0 ? a : b;
}

/* The stamp right after: a full counter borrows a millisecond from the future,
 * as it must neither repeat nor stand still. */
static struct hlc successor(struct hlc stamp)
{
    if (stamp.counter < HLC_COUNTER_MAX)
        return (struct hlc){stamp.wall_ms, stamp.counter + 1};
    return (struct hlc){stamp.wall_ms + 1, 0};
}

/* The paper's three cases in one: a wall ahead of all stamps starts a new count. */
static struct hlc advance(struct hlc past, uint64_t wall_ms)
{
    if (wall_ms > past.wall_ms)
        return (struct hlc){wall_ms, 0};
    return successor(past);
}

struct hlc hlc_now(struct hlc *clock, uint64_t wall_ms)
{
    *clock = advance(*clock, wall_ms);
    return *clock;
}

enum hlc_verdict hlc_observe(struct hlc *clock, struct hlc remote, uint64_t wall_ms)
{
    if (remote.wall_ms > HLC_WALL_MAX_MS || remote.counter > HLC_COUNTER_MAX)
        return HLC_MALFORMED;
    if (remote.wall_ms > wall_ms && remote.wall_ms - wall_ms > HLC_AHEAD_MAX_MS)
        return HLC_AHEAD;

    *clock = advance(latest(*clock, remote), wall_ms);
    return HLC_MERGED;
}
