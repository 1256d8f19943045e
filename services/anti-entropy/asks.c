#include "services/anti-entropy/asks.h"

#include <string.h>

#include "common/clock.h"
#include "common/must.h"

#define LATE_TIMES 4u
#define SMOOTHING 8u
#define USUAL_STEP_MIN_MS 100u

static uint64_t lost_ms(const struct ask *ask)
{
    return ask->asked_ms + (ask->is_excused ? ASK_EXCUSED_MS : ASK_LOST_MS);
}

static uint64_t due_ms(const struct asks *asks, const struct ask *ask)
{
    uint64_t late_ms = asks->usual_ms * LATE_TIMES;

    if (late_ms < ASK_LATE_MIN_MS)
        late_ms = ASK_LATE_MIN_MS;
    late_ms += ask->asked_ms;
    return ask->is_late || late_ms > lost_ms(ask) ? lost_ms(ask) : late_ms;
}

bool asks_may(const struct asks *asks, uint32_t peer)
{
    bool has_room = false;

    for (uint32_t i = 0; i < ASKS_PER_PEER; i++) {
        if (asks->peers[peer][i].is_late)
            return false;
        has_room |= asks->peers[peer][i].request == 0;
    }
    return has_room;
}

void asks_add(struct asks *asks, uint32_t peer, const struct ask *ask)
{
    MUST(ask->request != 0 && asks_may(asks, peer));
    for (uint32_t i = 0; i < ASKS_PER_PEER; i++) {
        if (asks->peers[peer][i].request == 0) {
            asks->peers[peer][i] = *ask;
            return;
        }
    }
}

/* One answer moves it little, however late: what is usual is the many's, not the slowest's. */
static void learn(struct asks *asks, uint64_t took_ms)
{
    uint64_t most_ms = asks->usual_ms * 2 + USUAL_STEP_MIN_MS;

    if (took_ms > most_ms)
        took_ms = most_ms;
    asks->usual_ms = (asks->usual_ms * (SMOOTHING - 1) + took_ms) / SMOOTHING;
}

bool asks_answered(struct asks *asks, uint32_t peer, uint64_t request, uint64_t now_ms,
                   struct ask *ret_ask)
{
    for (uint32_t i = 0; i < ASKS_PER_PEER; i++) {
        struct ask *ask = &asks->peers[peer][i];
        if (ask->request == 0 || ask->request != request)
            continue;
        *ret_ask = *ask;
        *ask = (struct ask){.request = 0};
        learn(asks, now_ms - ret_ask->asked_ms);
        return true;
    }
    return false;
}

enum ask_due asks_due(struct asks *asks, uint64_t now_ms, uint32_t *ret_peer, struct ask *ret_ask)
{
    for (uint32_t peer = 0; peer < VALIDATORS_MAX; peer++) {
        for (uint32_t i = 0; i < ASKS_PER_PEER; i++) {
            struct ask *ask = &asks->peers[peer][i];
            if (ask->request == 0 || now_ms < due_ms(asks, ask))
                continue;
            *ret_peer = peer;
            *ret_ask = *ask;
            if (now_ms < lost_ms(ask)) {
                ask->is_late = true;
                return ASK_LATE;
            }
            *ask = (struct ask){.request = 0};
            return ASK_LOST;
        }
    }
    return ASK_NOT_DUE;
}

void asks_excuse(struct asks *asks, uint32_t peer)
{
    for (uint32_t i = 0; i < ASKS_PER_PEER; i++)
        asks->peers[peer][i].is_excused = true;
}

void asks_drop(struct asks *asks)
{
    memset(asks->peers, 0, sizeof(asks->peers));
}

uint64_t asks_deadline_ms(const struct asks *asks)
{
    uint64_t first = CLOCK_NEVER;

    for (uint32_t peer = 0; peer < VALIDATORS_MAX; peer++) {
        for (uint32_t i = 0; i < ASKS_PER_PEER; i++) {
            const struct ask *ask = &asks->peers[peer][i];
            uint64_t due = ask->request != 0 ? due_ms(asks, ask) : CLOCK_NEVER;
            first = due < first ? due : first;
        }
    }
    return first;
}
