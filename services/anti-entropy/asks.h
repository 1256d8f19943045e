/*
 * asks - the ranges that peers were asked for and have not answered.
 *
 * Pure. A peer owes ASKS_PER_PEER answers at most. One that takes several times as long as
 * is usual is late: its range may be asked of another, and it is asked for nothing more
 * until it has answered or its time is over. So a peer that drips holds a run up for a
 * moment, and a slow line is not taken for a lie.
 */
#ifndef APM2_ANTI_ENTROPY_ASKS_H
#define APM2_ANTI_ENTROPY_ASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"

#define ASKS_PER_PEER 3u
#define ASK_LOST_MS 4000u
#define ASK_LATE_MIN_MS 300u
#define ASK_EXCUSED_MS 1000u

struct ask {
    uint64_t request; /* 0: none */
    uint64_t from, to;
    uint64_t asked_ms;
    bool is_late;
    bool is_excused; /* if it does not come, nobody is to blame */
};

struct asks {
    struct ask peers[VALIDATORS_MAX][ASKS_PER_PEER];
    uint64_t usual_ms; /* of an answer, smoothed */
};

/* Not while an answer is late or all its places are taken. */
bool asks_may(const struct asks *asks, uint32_t peer);
/* Only when it may. */
void asks_add(struct asks *asks, uint32_t peer, const struct ask *ask);
/* False: nobody asked, or its time was over. */
bool asks_answered(struct asks *asks, uint32_t peer, uint64_t request, uint64_t now_ms,
                   struct ask *ret_ask);

enum ask_due { ASK_NOT_DUE, ASK_LATE, ASK_LOST };

/* One that became late, or was lost and is forgotten; each is told once. */
enum ask_due asks_due(struct asks *asks, uint64_t now_ms, uint32_t *ret_peer, struct ask *ret_ask);
/* All that this peer owes: answers may have been on their way while it could not reach us.
 * They are lost sooner, too. */
void asks_excuse(struct asks *asks, uint32_t peer);
/* Nothing is owed any more. */
void asks_drop(struct asks *asks);
/* CLOCK_NEVER: nothing is owed. */
uint64_t asks_deadline_ms(const struct asks *asks);

#endif
