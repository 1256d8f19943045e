/*
 * status_json - the snapshot as /status.json and as the answer for `apm2 top`.
 *
 * Pure. Member names are a contract: one is added, none is renamed. Times are Unix
 * milliseconds; latencies are milliseconds, null when nothing was measured.
 */
#ifndef APM2_STATUS_JSON_H
#define APM2_STATUS_JSON_H

#include "common/buf.h"
#include "services/metrics-exporter/verdict.h"

void status_json(const struct snapshot *snapshot, const struct verdict *verdict,
                 const struct history *history, struct buf *ret_json);

#endif
