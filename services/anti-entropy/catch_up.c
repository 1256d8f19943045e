/* Ranges from many peers, offered to consensus in order. */
#include "services/anti-entropy/entropy.h"

#include <poll.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/range_answer.h"

#define POLL_MS 250u
#define REPLY_MS 30000u
/* Consensus mends a shorter gap by itself. */
#define BEHIND_MIN 64u
#define NEAR_TIP 8u
#define PAUSE_MS 1000u

/* ---- slots ---- */

static void clear(struct slot *slot)
{
    free(slot->frame);
    *slot = (struct slot){.state = SLOT_FREE};
}

/* Of another peer, then. */
static void want_again(struct slot *slot)
{
    uint64_t from = slot->from;
    uint64_t to = slot->to;

    clear(slot);
    *slot = (struct slot){.state = SLOT_WANTED, .from = from, .to = to};
}

static void plan(struct catch_up *run)
{
    for (uint32_t i = 0; i < CATCH_UP_SLOTS && run->planned < run->tip; i++) {
        struct slot *slot = &run->slots[i];
        if (slot->state != SLOT_FREE)
            continue;
        slot->state = SLOT_WANTED;
        slot->from = run->planned + 1;
        slot->to = run->planned + CATCH_UP_BLOCKS;
        run->planned = slot->to;
    }
}

/* ---- peers ---- */

/* The next in turn that may be asked; n_validators: none. */
static uint32_t choose_peer(struct entropy *entropy, uint64_t now_ms)
{
    struct catch_up *run = &entropy->catch_up;
    uint32_t n = entropy->genesis->n_validators;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t peer = run->next_peer;
        run->next_peer = (run->next_peer + 1) % n;
        if (peer != entropy->self && now_ms >= run->pause_ms[peer] &&
            !strikes_is_out(&entropy->strikes, peer, now_ms) && asks_may(&run->asks, peer))
            return peer;
    }
    return n;
}

static void ask_peers(struct entropy *entropy, uint64_t now_ms)
{
    struct catch_up *run = &entropy->catch_up;

    for (uint32_t i = 0; i < CATCH_UP_SLOTS; i++) {
        struct slot *slot = &run->slots[i];
        if (slot->state != SLOT_WANTED)
            continue;
        uint32_t peer = choose_peer(entropy, now_ms);
        if (peer == entropy->genesis->n_validators)
            return;
        const struct wire_range_request request = {
            .request = ++run->request,
            .from_height = slot->from,
            .max_blocks = slot->to - slot->from + 1,
        };
        if (!entropy_send(entropy, peer, WIRE_range_request, &request)) {
            run->pause_ms[peer] = now_ms + PAUSE_MS; /* not connected */
            continue;
        }
        const struct ask ask = {
            .request = request.request, .from = slot->from, .to = slot->to, .asked_ms = now_ms};
        asks_add(&run->asks, peer, &ask);
        slot->state = SLOT_ASKED;
    }
}

/* The slot that still waits for what was asked; NULL: another was quicker. */
static struct slot *find_slot(struct catch_up *run, const struct ask *ask)
{
    for (uint32_t i = 0; i < CATCH_UP_SLOTS; i++) {
        struct slot *slot = &run->slots[i];
        if ((slot->state == SLOT_ASKED || slot->state == SLOT_WANTED) && slot->from == ask->from &&
            slot->to == ask->to)
            return slot;
    }
    return NULL;
}

static void check_deadlines(struct entropy *entropy, uint64_t now_ms)
{
    struct catch_up *run = &entropy->catch_up;
    struct ask ask;
    uint32_t peer;

    for (;;) {
        enum ask_due due = asks_due(&run->asks, now_ms, &peer, &ask);
        if (due == ASK_NOT_DUE)
            return;
        struct slot *slot = find_slot(run, &ask);
        if (slot != NULL)
            slot->state = SLOT_WANTED;
        run->n_overdue++;
        if (due == ASK_LOST && run->is_heard[peer] && !ask.is_excused)
            entropy_strike(entropy, peer, STRIKE_WITHHELD, "range of blocks");
    }
}

void catch_up_heard(struct entropy *entropy, uint32_t peer)
{
    struct catch_up *run = &entropy->catch_up;

    if (!run->is_heard[peer])
        asks_excuse(&run->asks, peer);
    run->is_heard[peer] = true;
}

/* ---- what comes back ---- */

/* Fewer than asked for, though there are more and they would have fitted. */
static bool is_short(const struct catch_up *run, const struct ask *ask,
                     const struct wire_range *message)
{
    uint64_t last = ask->from + message->blocks.n - 1;

    return message->blocks.n == 0 || (last < ask->to && last < run->tip &&
                                      message->blocks.raw.size < RANGE_ANSWER_READ_MAX / 2);
}

static void keep(struct slot *slot, uint32_t from, const struct wire_range *message)
{
    size_t max = wire_encoded_max(WIRE_range, message);

    slot->frame = mem_new(1, max);
    slot->size = wire_encode(WIRE_range, message, slot->frame, max);
    MUST(slot->size > 0);
    slot->peer = from;
    slot->last = slot->from + message->blocks.n - 1;
    slot->state = SLOT_READY;
}

void on_range(struct entropy *entropy, uint32_t from, const struct wire_range *message)
{
    struct catch_up *run = &entropy->catch_up;
    uint64_t now_ms = clock_mono_ms();
    const char *what = "";
    struct ask ask;

    if (!asks_answered(&run->asks, from, message->request, now_ms, &ask))
        return;
    if (is_short(run, &ask, message))
        run->pause_ms[from] = now_ms + PAUSE_MS;
    struct slot *slot = find_slot(run, &ask);
    if (slot == NULL)
        return;
    enum strike_reason reason = STRIKE_NONE;
    if (message->blocks.n > 0)
        reason = range_check(entropy, slot->from, slot->to, message, &what);
    if (reason != STRIKE_NONE)
        entropy_strike(entropy, from, reason, what);
    if (message->blocks.n == 0 || reason != STRIKE_NONE) {
        slot->state = SLOT_WANTED;
        return;
    }
    keep(slot, from, message);
    run->bytes += slot->size;
    entropy_count_in(entropy, slot->size);
}

/* ---- consensus ---- */

static bool send_to_consensus(struct entropy *entropy, const struct wire_offer_range *offer)
{
    struct catch_up *run = &entropy->catch_up;
    size_t max = wire_encoded_max(WIRE_offer_range, offer);
    uint8_t *out = mem_new(1, max);
    size_t size = wire_encode(WIRE_offer_range, offer, out, max);

    MUST(size > 0);
    run->is_asking = zmq_send(run->socket, out, size, ZMQ_DONTWAIT) >= 0;
    run->question = offer->request;
    run->asked_ms = clock_mono_ms();
    run->poll_ms = run->asked_ms + POLL_MS;
    free(out);
    return run->is_asking;
}

static void offer(struct entropy *entropy, uint64_t now_ms)
{
    struct catch_up *run = &entropy->catch_up;

    for (uint32_t i = 0; i < CATCH_UP_SLOTS && run->is_active; i++) {
        struct slot *slot = &run->slots[i];
        if (slot->state != SLOT_READY || slot->from > run->committed + 1)
            continue;
        const struct wire_offer_range message = {.request = ++run->request,
                                                 .from = slot->peer,
                                                 .range = span_of(slot->frame, slot->size)};
        if (send_to_consensus(entropy, &message))
            run->offered = i;
        return;
    }
    const struct wire_offer_range question = {.request = ++run->request};
    if (now_ms >= run->poll_ms)
        (void)send_to_consensus(entropy, &question);
}

static void begin(struct entropy *entropy)
{
    struct catch_up *run = &entropy->catch_up;

    run->is_active = true;
    run->planned = run->committed;
    run->started_ms = clock_mono_ms();
    run->started_height = run->committed;
    run->bytes = 0;
    run->n_overdue = 0;
    LOG_INFO("catching_up", F_U64("height", run->committed), F_U64("tip", run->tip));
}

static void end(struct entropy *entropy)
{
    struct catch_up *run = &entropy->catch_up;

    run->is_active = false;
    asks_drop(&run->asks);
    for (uint32_t i = 0; i < CATCH_UP_SLOTS; i++)
        clear(&run->slots[i]);
    run->last = (struct catch_up_last){run->committed - run->started_height, run->bytes,
                                       clock_mono_ms() - run->started_ms};
    LOG_INFO("caught_up", F_U64("height", run->committed), F_U64("blocks", run->last.blocks),
             F_U64("bytes", run->last.bytes), F_U64("took_ms", run->last.took_ms),
             F_U64("overdue", run->n_overdue));
}

/* What was offered is done with, or the peer that sent it lied. */
static void settle_offer(struct entropy *entropy, enum apm_err err)
{
    struct catch_up *run = &entropy->catch_up;
    struct slot *slot = &run->slots[run->offered];

    run->offered = CATCH_UP_SLOTS;
    if (slot->state != SLOT_READY || err == APM_ERR_BUSY)
        return;
    if (run->committed >= slot->to) {
        clear(slot);
    } else if (run->committed >= slot->last) { /* it had fewer than asked for */
        slot->from = run->committed + 1;
        want_again(slot);
    } else {
        entropy_strike(entropy, slot->peer, STRIKE_BAD_BLOCKS, "range that consensus refused");
        want_again(slot);
    }
}

/* Slots that consensus has passed by itself are of no use. */
static void drop_passed(struct catch_up *run)
{
    for (uint32_t i = 0; i < CATCH_UP_SLOTS; i++) {
        struct slot *slot = &run->slots[i];
        if (slot->state != SLOT_FREE && slot->to <= run->committed)
            clear(slot);
        else if (slot->state == SLOT_WANTED && slot->from <= run->committed)
            slot->from = run->committed + 1;
    }
}

static void on_reply(struct entropy *entropy, const struct wire_offer_reply *reply)
{
    struct catch_up *run = &entropy->catch_up;

    if (!run->is_asking || reply->request != run->question)
        return;
    run->is_asking = false;
    run->committed = reply->committed_height;
    run->executed = reply->executed_height;
    run->tip = reply->tip_height;
    if (run->offered < CATCH_UP_SLOTS)
        settle_offer(entropy, admin_err_named(reply->error));
    if (!run->is_active && run->tip > run->committed + BEHIND_MIN)
        begin(entropy);
    if (run->is_active && run->committed + NEAR_TIP >= run->tip)
        end(entropy);
    if (run->planned < run->committed)
        run->planned = run->committed;
    drop_passed(run);
}

static bool on_consensus(void *arg, short revents)
{
    struct entropy *entropy = arg;
    zmq_msg_t frame;

    (void)revents;
    zmq_msg_init(&frame);
    bool is_there = zmq_msg_recv(&frame, entropy->catch_up.socket, ZMQ_DONTWAIT) >= 0;
    struct wire_offer_reply reply;
    if (is_there &&
        wire_decode_as(WIRE_offer_reply, span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)),
                       &reply) == WIRE_OK)
        on_reply(entropy, &reply);
    zmq_msg_close(&frame);
    return is_there;
}

/* ---- time, life ---- */

void catch_up_turn(struct entropy *entropy, uint64_t now_ms)
{
    struct catch_up *run = &entropy->catch_up;

    if (run->is_asking && now_ms >= run->asked_ms + REPLY_MS) {
        run->is_asking = false; /* it went away with the question */
        run->offered = CATCH_UP_SLOTS;
    }
    if (run->is_active) {
        check_deadlines(entropy, now_ms);
        plan(run);
        ask_peers(entropy, now_ms);
    }
    if (!run->is_asking)
        offer(entropy, now_ms);
}

uint64_t catch_up_deadline_ms(const struct entropy *entropy)
{
    const struct catch_up *run = &entropy->catch_up;
    uint64_t first = run->is_asking ? run->asked_ms + REPLY_MS : run->poll_ms;
    uint64_t due = run->is_active ? asks_deadline_ms(&run->asks) : CLOCK_NEVER;

    return due < first ? due : first;
}

static void set_option(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof(value));
    MUST(failed == 0);
}

enum apm_err catch_up_start(struct entropy *entropy)
{
    struct catch_up *run = &entropy->catch_up;
    char path[ADMIN_PATH_MAX + 1];
    char endpoint[ADMIN_PATH_MAX + 8];

    run->offered = CATCH_UP_SLOTS;
    enum apm_err err = admin_path(entropy->env->run_dir, "apm2-consensus", path);
    if (err != APM_OK)
        return err;
    run->socket = zmq_socket(entropy->env->zmq, ZMQ_DEALER);
    MUST(run->socket != NULL);
    set_option(run->socket, ZMQ_IMMEDIATE, 1); /* nothing waits for one that is away */
    set_option(run->socket, ZMQ_LINGER, 0);
    set_option(run->socket, ZMQ_RECONNECT_IVL, 200);
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    MUST(zmq_connect(run->socket, endpoint) == 0);
    loop_add_socket(entropy->env->loop, run->socket, POLLIN,
                    (struct loop_fn){on_consensus, entropy});
    return APM_OK;
}

void catch_up_stop(struct entropy *entropy)
{
    struct catch_up *run = &entropy->catch_up;

    if (run->socket == NULL)
        return;
    loop_remove_socket(entropy->env->loop, run->socket);
    zmq_close(run->socket);
    for (uint32_t i = 0; i < CATCH_UP_SLOTS; i++)
        clear(&run->slots[i]);
}
