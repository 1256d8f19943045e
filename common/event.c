#include "common/event.h"

#include "common/must.h"

#define NEED_REQUIRED true
#define NEED_OPTIONAL false
#define FIELD_ROW(T, kind, field, min, max, need)                                                  \
    {#field, EVENT_KIND_##kind, NEED_##need, min, max, offsetof(struct payload_##T, field)},
#define FIELD_TABLE(number, name, family, verb)                                                    \
    static const struct event_field fields_##name[] = {EVENT_FIELDS_##name(FIELD_ROW, name)};
EVENTS_IMPLEMENTED(FIELD_TABLE)
EVENTS_DERIVED(FIELD_TABLE)

#define INFO_WITH(number, name, family, verb, status, fields, n_fields)                            \
    [number] = {#name, #family, #verb, status, fields, n_fields},
#define INFO_IMPLEMENTED(number, name, family, verb)                                               \
    INFO_WITH(number, name, family, verb, EVENT_IMPLEMENTED, fields_##name,                        \
              N_ELEMENTS(fields_##name))
#define INFO_DERIVED(number, name, family, verb)                                                   \
    INFO_WITH(number, name, family, verb, EVENT_DERIVED, fields_##name, N_ELEMENTS(fields_##name))
#define INFO_LATER(number, name, family, verb)                                                     \
    INFO_WITH(number, name, family, verb, EVENT_LATER, NULL, 0)

static const struct event_info infos[EVENT_NONE] = {
    EVENTS_IMPLEMENTED(INFO_IMPLEMENTED) EVENTS_DERIVED(INFO_DERIVED) EVENTS_LATER(INFO_LATER)};

/* Without their final zero: names are compared as spans. */
#define NAME_SIZE(number, name, family, verb) [number] = sizeof(#name) - 1,
static const uint8_t name_sizes[EVENT_NONE] = {EVENTS(NAME_SIZE)};

#define COUNT_ONE(number, name, family, verb) +1
_Static_assert(EVENTS(COUNT_ONE) == EVENT_NONE, "numbers are dense, the last row's is the highest");
_Static_assert(EVENT_NONE < 64, "a capability's rights are one bit per type in a u64");

enum event_type event_type_of(struct span name)
{
    for (unsigned int i = 0; i < EVENT_NONE; i++) {
        if (name_sizes[i] == name.size && memcmp(infos[i].name, name.data, name.size) == 0)
            return (enum event_type)i;
    }
    return EVENT_NONE;
}

const struct event_info *event_info(enum event_type type)
{
    MUST(type < EVENT_NONE);
    return &infos[type];
}
