/*
 * hlc - a hybrid logical clock: wall time that never runs backwards and never
 * gives one stamp twice (Kulkarni et al. 2014, figure 5).
 *
 * Pure: callers read the wall clock, and keep the last stamp across restarts. A
 * stamp is wall_ms, then counter. A remote stamp moves ours by HLC_AHEAD_MAX_MS
 * at most, so that one wrong clock cannot drag the others along.
 */
#ifndef APM2_HLC_H
#define APM2_HLC_H

#include "common/ids.h"

/* Wall and counter fit 48 and 16 bits, so a stamp can be packed in a u64. */
#define HLC_WALL_MAX_MS ((UINT64_C(1) << 48) - 1)
#define HLC_COUNTER_MAX UINT64_C(0xffff)

#define HLC_AHEAD_MAX_MS 500u

struct hlc {
    uint64_t wall_ms;
    uint64_t counter;
};

enum hlc_verdict {
    HLC_MERGED,
    HLC_AHEAD,     /* further ahead than HLC_AHEAD_MAX_MS: hold what it stamps */
    HLC_MALFORMED, /* wall or counter over its maximum */
};

const char *hlc_verdict_text(enum hlc_verdict verdict);

int hlc_cmp(struct hlc a, struct hlc b);

/* The stamp of a local event: after every stamp given or merged before. */
struct hlc hlc_now(struct hlc *clock, uint64_t wall_ms);

/* Merges a stamp from elsewhere: later ones of ours come after it. The clock is
 * untouched unless HLC_MERGED. */
enum hlc_verdict hlc_observe(struct hlc *clock, struct hlc remote, uint64_t wall_ms);

#endif
