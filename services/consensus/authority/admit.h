/*
 * admit - what execution and the door judge alike, before any right is asked for.
 *
 * Pure; private to this directory. The door refuses with the same functions that
 * later execute, so it never refuses what would have been applied for these reasons.
 */
#ifndef APM2_AUTHORITY_ADMIT_H
#define APM2_AUTHORITY_ADMIT_H

#include "services/consensus/authority/state.h"

/* Actor, expiry height, nonce. ret_actor is set unless UNKNOWN_ACTOR. */
enum outcome admit_bundle(const struct authority *authority, const struct wire_bundle_body *body,
                          uint64_t height, uint32_t *ret_actor);

struct admit_event {
    enum event_type type;
    union event_payload payload;
};

struct admit_fault {
    enum outcome code;
    const char *field;
    const char *reason;
};

/* Type, schema, canonicalizer, payload. ret_event is set when APPLIED. */
struct admit_fault admit_event(const struct authority *authority, struct span bytes,
                               struct admit_event *ret_event);

#endif
