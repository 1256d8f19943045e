/* The socketpair between node and signer; and `send`, through which everything goes. */
#include "tests/crash/shim.h"

#include <sys/socket.h>

#include "services/consensus/core/safety.h"

/* The weightiest statement of a request names it. */
static const char *kind_of(const struct wire_sign_request *request)
{
    static const char *const names[] = {
        [INTENT_PROPOSAL] = "proposal",       [INTENT_VOTE] = "vote",
        [INTENT_COMMIT_VOTE] = "commit_vote", [INTENT_TIMEOUT] = "timeout",
        [INTENT_CHECKPOINT] = "checkpoint",
    };
    const char *name = "record";
    enum intent_kind weightiest = INTENT_CHECKPOINT + 1;
    struct span blob;
    size_t cursor = 0;
    if (request->token == 0)
        return "repair"; /* before the first turn: start.c numbers it so */
    while (blobs_next(&request->intents, &cursor, &blob)) {
        struct intent intent;
        if (intent_decode(blob, &intent) && intent.kind < weightiest) {
            weightiest = intent.kind;
            name = names[intent.kind];
        }
    }
    return name;
}

static void note_request(const void *bytes, size_t size)
{
    struct wire_sign_request request;
    if (wire_decode_as(WIRE_sign_request, span_of(bytes, size), &request) == WIRE_OK)
        shim.kind = kind_of(&request);
}

static void note_reply(const void *bytes, size_t size)
{
    struct wire_sign_reply reply;
    if (wire_decode_as(WIRE_sign_reply, span_of(bytes, size), &reply) == WIRE_OK &&
        reply.sigs.size > 0)
        atomic_fetch_add(&shim.self->n_signed, 1);
}

static ssize_t send_half_and_die(int fd, const void *bytes, size_t size, int flags)
{
    (void)SHIM_NEXT(send)(fd, bytes, size / 2, flags);
    shim_die();
}

/* The database gets half and is gone. The node goes on for a moment, and must not send
 * what that database does not hold. */
static ssize_t send_half_and_go_on(int fd, const void *bytes, size_t size, int flags)
{
    (void)SHIM_NEXT(send)(fd, bytes, size / 2, flags);
    shim_stop_database();
    shim_die_after(SHIM_GRACE_MS);
    shim.cut_fd = -1;
    return (ssize_t)size;
}

static ssize_t request_signature(int fd, const void *bytes, size_t size, int flags)
{
    note_request(bytes, size);
    enum crash_mode mode = shim_at("signer.request", shim.kind);
    if (mode == CRASH_BEFORE)
        shim_die();
    if (mode == CRASH_HALFWAY)
        return send_half_and_die(fd, bytes, size, flags);
    ssize_t n = SHIM_NEXT(send)(fd, bytes, size, flags);
    if (mode == CRASH_AFTER)
        shim_die_later();
    return n;
}

static ssize_t answer_node(int fd, const void *bytes, size_t size, int flags)
{
    struct wire_sign_hello hello;
    bool is_hello = wire_decode_as(WIRE_sign_hello, span_of(bytes, size), &hello) == WIRE_OK;
    enum crash_mode mode =
        is_hello ? shim_at("signer.hello", NULL) : shim_at("signer.reply", shim.kind);
    if (mode == CRASH_BEFORE)
        shim_die();
    if (mode == CRASH_HALFWAY)
        return send_half_and_die(fd, bytes, size, flags);
    ssize_t n = SHIM_NEXT(send)(fd, bytes, size, flags);
    if (!is_hello)
        note_reply(bytes, size);
    if (mode == CRASH_AFTER)
        shim_die_later();
    return n;
}

SHIM_API ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    if (shim.control == NULL)
        return SHIM_NEXT(send)(fd, bytes, size, flags);
    if (shim_is_signer())
        return fd == shim.signer_fds[1] ? answer_node(fd, bytes, size, flags)
                                        : SHIM_NEXT(send)(fd, bytes, size, flags);
    if (!shim_is_node()) {
        if (atomic_load(&shim.cut_socket))
            return send_half_and_die(fd, bytes, size, flags);
        return SHIM_NEXT(send)(fd, bytes, size, flags);
    }
    if (fd == shim.signer_fds[0])
        return request_signature(fd, bytes, size, flags);
    if (fd == shim.cut_fd)
        return send_half_and_go_on(fd, bytes, size, flags);
    return SHIM_NEXT(send)(fd, bytes, size, flags);
}

SHIM_API ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    ssize_t n = SHIM_NEXT(recv)(fd, bytes, size, flags);
    if (n > 0 && shim_is_signer() && fd == shim.signer_fds[1])
        note_request(bytes, (size_t)n);
    return n;
}
