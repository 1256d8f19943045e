/* Frames from the other nodes: decoded, refused or handed on. */
#include "services/anti-entropy/entropy.h"

#define BUS_BUDGET 64u

#define DISPATCH(wire, name)                                                                       \
    case WIRE_##name:                                                                              \
        on_##name(entropy, from, &message->name);                                                  \
        return true;

static bool dispatch(struct entropy *entropy, uint32_t from, const struct wire_message *message)
{
    switch ((unsigned)message->id) {
        DATA_MESSAGES(DISPATCH)
        DISPATCH(0, range_request)
        DISPATCH(0, range)
    }
    return false; /* a message of another service, or a record */
}

static void take(struct entropy *entropy, const struct bus_message *frame)
{
    struct wire_message message;
    enum wire_verdict verdict = wire_decode(frame->body, &message);

    if (verdict != WIRE_OK)
        entropy_strike(entropy, frame->from, STRIKE_MALFORMED, wire_verdict_text(verdict));
    else if (!dispatch(entropy, frame->from, &message))
        entropy_strike(entropy, frame->from, STRIKE_MALFORMED, wire_name(message.id));
}

bool peer_on_bus(void *arg, short revents)
{
    struct entropy *entropy = arg;
    struct bus_message frame;

    (void)revents;
    for (uint32_t i = 0; i < BUS_BUDGET; i++) {
        switch (bus_receive(entropy->bus, &frame)) {
        case BUS_NOTHING:
            return false;
        case BUS_REFUSED:
            break;
        case BUS_MESSAGE:
            take(entropy, &frame);
            catch_up_heard(entropy, frame.from);
            bus_message_release(&frame);
            break;
        }
    }
    return true;
}
