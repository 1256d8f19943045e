/*
 * transcript - what came of each line of a scenario, as the protocol would tell it: who proposed,
 * voted, timed out, committed. Without times and in sets of replicas, so that it changes only when
 * the protocol's course does.
 */
#ifndef APM2_SIM_TRANSCRIPT_H
#define APM2_SIM_TRANSCRIPT_H

#include "services/consensus/core/core.h"

#include <stdio.h>

#define TRANSCRIPT_LINES_MAX 256u

struct world;

/* NULL in a world: nobody listens. */
struct transcript {
    FILE *file;
    uint32_t n;
    struct transcript_line {
        char text[96];
        uint64_t replicas;
    } lines[TRANSCRIPT_LINES_MAX]; /* since the last line of the script, in order */
};

void transcript_signed(struct world *world, uint32_t replica, const struct intent *intent);
void transcript_note(struct world *world, uint32_t replica, const struct action *action);
void transcript_accused(struct world *world, uint32_t replica, const struct action *action);
void transcript_say(struct world *world, uint32_t replica, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes what happened, then the next line of the script. */
void transcript_flush(struct world *world, const char *next);

#endif
