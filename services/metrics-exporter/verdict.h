/*
 * verdict - how the node is, in one word and in sentences.
 *
 * Pure. The lines are the runbook's table of normal operating parameters: one rule for
 * each of its warning and critical cells, beside what consensus says of itself and which
 * services are missing. Whatever is not healthy has at least one reason.
 */
#ifndef APM2_VERDICT_H
#define APM2_VERDICT_H

#include "services/metrics-exporter/history.h"
#include "services/metrics-exporter/snapshot.h"

#define VERDICT_REASONS_MAX 24u

/* By weight. */
enum verdict_level { LEVEL_HEALTHY, LEVEL_DEGRADED, LEVEL_CRITICAL, LEVEL_UNKNOWN };

struct verdict_reason {
    enum verdict_level level;
    char text[REASON_BYTES];
    const char *command; /* what to type next; NULL: nothing */
};

struct verdict {
    enum verdict_level level;
    uint32_t n;
    struct verdict_reason reasons[VERDICT_REASONS_MAX]; /* the heaviest first */
};

/* "healthy", "degraded", "critical", "unknown": consensus itself cannot be asked. */
const char *verdict_word(enum verdict_level level);

void verdict_reach(const struct snapshot *snapshot, const struct history *history,
                   struct verdict *ret_verdict);

#endif
