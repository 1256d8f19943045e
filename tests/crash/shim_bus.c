/* What leaves by ZeroMQ: messages to the other validators, answers to clients. */
#include "tests/crash/shim.h"

#include <zmq.h>

#include "common/wire.h"

/* Half of these is: one validator has it, the others have not. */
static bool goes_to_all(enum wire_id id)
{
    return id == WIRE_proposal || id == WIRE_vote || id == WIRE_commit_vote || id == WIRE_timeout ||
           id == WIRE_checkpoint || id == WIRE_bundles || id == WIRE_rank_query;
}

static void raise_rank(struct rank *rank, struct rank to)
{
    if (rank_cmp(to, *rank) > 0)
        *rank = to;
}

static void note_proposal(const struct wire_proposal *proposal)
{
    struct wire_header header;
    if (wire_decode_as(WIRE_header, proposal->header, &header) == WIRE_OK &&
        header.author + 1 == shim.self->validator) /* others' are sent on to who asks */
        raise_rank(&shim.self->promises.proposal, header.rank);
}

static void note(const struct wire_message *message)
{
    struct crash_promises *promises = &shim.self->promises;
    if (message->id == WIRE_vote) {
        shim.self->validator = message->vote.voter + 1;
        raise_rank(&promises->vote, message->vote.rank);
    } else if (message->id == WIRE_commit_vote) {
        raise_rank(&promises->commit_vote, message->commit_vote.rank);
    } else if (message->id == WIRE_proposal) {
        note_proposal(&message->proposal);
    } else if (message->id == WIRE_timeout) {
        struct term term = {message->timeout.epoch, message->timeout.term};
        if (term_cmp(term, promises->timeout) > 0)
            promises->timeout = term;
    } else if (message->id == WIRE_heartbeat && message->heartbeat.reply == 0) {
        atomic_store(&shim.control->leader, shim.node);
    }
}

/* Half: ZeroMQ's thread dies with half of the message sent, or one validator has it and
 * the others have not. */
static void before(enum crash_mode mode, bool is_cut)
{
    if (mode == CRASH_BEFORE)
        shim_die();
    if (mode == CRASH_HALFWAY)
        atomic_store(&shim.cut_socket, is_cut);
}

/* What was handed to ZeroMQ leaves, while nothing more becomes durable. */
static void after(enum crash_mode mode)
{
    if (mode == CRASH_PASS)
        return;
    shim_stop_disks();
    if (mode == CRASH_HALFWAY)
        shim_die_later();
    shim_die_after(SHIM_GRACE_MS); /* it goes to all */
}

static struct span frame_span(zmq_msg_t *frame)
{
    return span_of(SHIM_NEXT(zmq_msg_data)(frame), SHIM_NEXT(zmq_msg_size)(frame));
}

SHIM_API int zmq_msg_send(zmq_msg_t *frame, void *socket, int flags)
{
    struct wire_message message;
    if (!shim_is_node() || wire_decode(frame_span(frame), &message) != WIRE_OK)
        return SHIM_NEXT(zmq_msg_send)(frame, socket, flags);
    enum crash_mode mode = shim_at("bus", wire_name(message.id));
    before(mode, !goes_to_all(message.id));
    note(&message); /* first: it borrows from the frame */
    int n = SHIM_NEXT(zmq_msg_send)(frame, socket, flags);
    after(mode);
    return n;
}

SHIM_API int zmq_send(void *socket, const void *bytes, size_t size, int flags)
{
    struct wire_message message;
    bool is_ours = shim_is_node() && (flags & ZMQ_SNDMORE) == 0 &&
                   wire_decode(span_of(bytes, size), &message) == WIRE_OK;
    enum crash_mode mode = is_ours ? shim_at("door", wire_name(message.id)) : CRASH_PASS;
    before(mode, true);
    int n = SHIM_NEXT(zmq_send)(socket, bytes, size, flags);
    after(mode);
    return n;
}

SHIM_API int zmq_poll(zmq_pollitem_t *items, int n_items, long timeout_ms)
{
    if (shim_is_node() && shim.die_at_ms != 0) {
        shim_end_turn();
        timeout_ms = timeout_ms < 0 || timeout_ms > 1 ? 1 : timeout_ms;
    }
    return SHIM_NEXT(zmq_poll)(items, n_items, timeout_ms);
}
