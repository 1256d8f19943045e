#include "services/consensus/peer_watch.h"

static void hear_all(struct peer_watch *watch, uint64_t now_ms)
{
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++)
        watch->peers[i].heard_ms = now_ms;
}

void peer_watch_start(struct peer_watch *watch, uint64_t now_ms)
{
    *watch = (struct peer_watch){.turned_ms = now_ms};
    hear_all(watch, now_ms);
}

void peer_watch_turn(struct peer_watch *watch, uint64_t now_ms, uint64_t silence_ms)
{
    watch->silence_ms = silence_ms;
    /* Half: with what the peers leave between two messages it may look like all of it. */
    if (now_ms >= watch->turned_ms + silence_ms / 2)
        hear_all(watch, now_ms);
    watch->turned_ms = now_ms;
}

uint64_t peer_watch_heard(struct peer_watch *watch, uint32_t peer, uint64_t seen_ms)
{
    struct watched_peer *them = &watch->peers[peer];

    if (seen_ms <= them->heard_ms)
        return 0;
    uint64_t silent_ms = seen_ms - them->heard_ms;
    them->heard_ms = seen_ms;
    if (silent_ms < watch->silence_ms)
        return 0;
    them->rejoined_ms = seen_ms;
    return silent_ms;
}
