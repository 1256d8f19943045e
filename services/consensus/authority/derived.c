#include "services/consensus/authority/derived.h"

#include "common/must.h"

void derived_add(struct derived *derived, struct span space, const struct event_head *head,
                 const union event_payload *payload)
{
    uint8_t event[EVENT_ENCODED_MAX];
    size_t size = event_encode(head, payload, event, sizeof(event));
    MUST(size > 0);

    struct writer writer =
        writer_of(derived->bytes + derived->size, derived->capacity - derived->size);
    writer_array(&writer, 3);
    writer_u64(&writer, derived->after);
    writer_str(&writer, space);
    writer_bin(&writer, span_of(event, size));
    MUST(!writer.overflow);
    derived->size += writer.size;
    derived->n++;
}
