/*
 * derived - facts that execution makes, as they stand in a block's outcomes.
 *
 * Pure. Encodes each as [after, namespace, event record] (common/ledger/replay.h)
 * into memory that no block can fill (OUTCOMES_BYTES_MAX says why).
 */
#ifndef APM2_AUTHORITY_DERIVED_H
#define APM2_AUTHORITY_DERIVED_H

#include "common/event.h"

struct derived {
    uint8_t *bytes;
    size_t capacity;
    size_t size;
    uint32_t n;
    uint64_t after;   /* events of the block executed, the one being executed included */
    uint64_t time_ms; /* of the block: the facts' stamp */
};

void derived_add(struct derived *derived, struct span space, const struct event_head *head,
                 const union event_payload *payload);

#endif
