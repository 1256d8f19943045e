/*
 * rights - what a capability allows: one bit per event type, by its number.
 *
 * Pure. For people a right is "lease/issue"; either half may be a star, and the two
 * stars together also cover the types of later versions.
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

/* Adds what family and verb name. False when no type that can be submitted has them. */
bool rights_add(struct rights *rights, struct span family, struct span verb);

/* "family/verb" texts of a payload. False when one of them names nothing. */
bool rights_parse(const struct event_list *texts, struct rights *ret_rights);

/* "capability/grant lease/issue": blank-separated, with the final 0; two stars for
 * all. Returns the length, 0 when it does not fit. */
size_t rights_print(struct rights rights, char *out, size_t capacity);

#endif
