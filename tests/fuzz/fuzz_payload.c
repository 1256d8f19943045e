/* Event payloads: one byte says which type, the rest is the msgpack map. */
#include "common/event.h"
#include "tests/fuzz/fuzz.h"

static void check_again(enum event_type type, const union event_payload *payload)
{
    const struct event_head head = {.type = type};
    uint8_t bytes[EVENT_ENCODED_MAX];
    uint8_t twice[EVENT_ENCODED_MAX];
    struct wire_event event;
    union event_payload read;

    size_t size = event_encode(&head, payload, bytes, sizeof(bytes));
    MUST(size > 0);
    MUST(wire_decode_as(WIRE_event, span_of(bytes, size), &event) == WIRE_OK);
    MUST(event_type_of(event.type) == type);
    MUST(event_payload_decode(type, event.payload, &read).verdict == PAYLOAD_OK);
    MUST(event_encode(&head, &read, twice, sizeof(twice)) == size);
    MUST(memcmp(bytes, twice, size) == 0);
}

static void run(struct span input)
{
    if (input.size == 0 || input.data[0] >= EVENT_NONE)
        return;
    enum event_type type = (enum event_type)input.data[0];
    const struct event_info *info = event_info(type);
    if (info == NULL || info->fields == NULL)
        return;

    union event_payload payload;
    struct span bytes = span_of(input.data + 1, input.size - 1);
    struct payload_fault fault = event_payload_decode(type, bytes, &payload);
    MUST(payload_verdict_text(fault.verdict) != NULL);
    if (fault.verdict == PAYLOAD_OK)
        check_again(type, &payload);
}

const struct fuzz_target fuzz_target = {.run = run};
