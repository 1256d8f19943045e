/*
 * safety_step - all that one signing step does to a safety record.
 *
 * Pure. The signer child's half of "compare, persist, sign": approve every statement
 * against its own record, then take over what the node's record has above it.
 */
#ifndef APM2_SAFETY_STEP_H
#define APM2_SAFETY_STEP_H

#include "services/consensus/core/safety.h"

struct safety_step {
    const struct safety_record *proposed; /* the record as the node wants it written */
    const struct intent *intents;
    uint32_t n_intents; /* 0: take the proposed record over field by field, a repair */
};

/* All or nothing: unless SAFETY_OK the record is untouched and ret_refused is the index + 1
 * of the intent refused, 0 for the record itself. */
enum safety_verdict safety_step(struct safety_record *record, const struct safety_step *step,
                                uint32_t *ret_refused);

#endif
