/*
 * rights - what a capability allows: one bit per event type, by its number.
 *
 * Pure. In events and for people a right is "lease:issue", "lease:*" or "*". The
 * star alone also covers the types of later versions: genesis roots hold it.
 */
#ifndef APM2_RIGHTS_H
#define APM2_RIGHTS_H

#include "common/event.h"

struct rights {
    uint64_t bits;
};

#define RIGHTS_ALL ((struct rights){UINT64_MAX})

static inline bool rights_cover(struct rights whole, struct rights part)
{
    return (part.bits & ~whole.bits) == 0;
}

static inline bool rights_allow(struct rights rights, enum event_type type)
{
    return (rights.bits >> type & 1) != 0;
}

/* False when a text names no family and verb that can be submitted. */
bool rights_parse(const struct event_list *texts, struct rights *ret_rights);

/* The shortest list of texts: writes them, blank-separated, with the final 0.
 * Returns the length; cut at capacity. */
size_t rights_print(struct rights rights, char *out, size_t capacity);

#endif
