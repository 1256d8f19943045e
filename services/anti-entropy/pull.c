/* Questions to peers, their deadlines, and what is asked next. */
#include "services/anti-entropy/entropy.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#define PERIOD_MIN_MS 1000u
#define PERIOD_MAX_MS 30000u
#define HURRY_MS 50u
#define ANSWER_MS 2000u
/* A want must be served in full within this long: a byte a second is no service. */
#define FETCH_MS 5000u
#define CREDIT (1u * MIB)

void pull_init(struct puller *puller, uint64_t seed)
{
    puller->period_ms = PERIOD_MIN_MS;
    puller->random = seed | 1;
}

static uint64_t jitter(struct puller *puller, uint64_t ms)
{
    puller->random ^= puller->random << 13;
    puller->random ^= puller->random >> 7;
    puller->random ^= puller->random << 17;
    return ms - ms / 4 + puller->random % (ms / 2 + 1);
}

void pull_hurry(struct entropy *entropy)
{
    struct puller *puller = &entropy->puller;
    uint64_t soon_ms = clock_mono_ms() + HURRY_MS;

    puller->period_ms = PERIOD_MIN_MS;
    puller->n_equal = 0;
    if (puller->due_ms > soon_ms)
        puller->due_ms = soon_ms;
}

/* ---- one exchange ---- */

static void release_feeds(struct entropy *entropy, uint32_t peer)
{
    for (uint32_t i = 0; i < entropy->feeds.n; i++) {
        struct feed *feed = entropy->feeds.by_id[i];
        if (feed->is_asked && feed->asked_of == peer)
            feed->is_asked = false;
    }
}

static void stop(struct entropy *entropy, uint32_t peer)
{
    release_feeds(entropy, peer);
    entropy->puller.peers[peer] = (struct pull){.state = PULL_IDLE};
}

static void give_up(struct entropy *entropy, uint32_t peer, enum strike_reason reason,
                    const char *what)
{
    if (reason != STRIKE_NONE)
        entropy_strike(entropy, peer, reason, what);
    stop(entropy, peer);
    pull_hurry(entropy);
}

static void ask(struct entropy *entropy, uint32_t peer, const struct hash *after)
{
    struct pull *pull = &entropy->puller.peers[peer];
    struct feed_position *mine = mem_new(FEEDS_MAX, sizeof(*mine));
    const struct feeds_page page = {.after = *after};
    uint32_t n = feeds_collect(&entropy->feeds, &page, mine);
    const struct wire_digest digest = {
        .request = ++entropy->puller.last_request,
        .after = *after,
        .digest = feed_digest(mine, n),
    };

    *pull = (struct pull){.state = PULL_ASKED,
                          .request = digest.request,
                          .deadline_ms = clock_mono_ms() + ANSWER_MS,
                          .after = *after};
    free(mine);
    if (!entropy_send(entropy, peer, WIRE_digest, &digest))
        pull->state = PULL_IDLE; /* not connected */
}

/* ---- wanting ---- */

/* Runs of what it has and we lack, not asked of anybody else; marks them asked. */
static uint32_t choose_runs(struct entropy *entropy, uint32_t peer, struct wire_feed_run *runs)
{
    struct pull *pull = &entropy->puller.peers[peer];
    struct feed_position mine[FRONTIER_HEADS_MAX];
    struct feed_position theirs[FRONTIER_HEADS_MAX];
    uint32_t n = 0;

    for (uint32_t i = 0; i < pull->n_theirs; i++) {
        const struct feed *feed = feeds_find(&entropy->feeds, &pull->theirs[i].feed);
        if (feed == NULL || feed->is_own || (feed->is_asked && feed->asked_of != peer))
            continue;
        mine[n] = feed->durable;
        mine[n].size = feed->edge.tree.n; /* what is on its way need not come twice */
        theirs[n++] = pull->theirs[i];
    }
    uint32_t n_runs =
        feed_want((struct feed_list){mine, n}, (struct feed_list){theirs, n}, runs, WANT_RUNS_MAX);
    for (uint32_t i = 0; i < n_runs; i++) {
        struct feed *feed = feeds_find(&entropy->feeds, &runs[i].feed);
        feed->is_asked = true;
        feed->asked_of = peer;
    }
    return n_runs;
}

static void send_want(struct entropy *entropy, uint32_t peer, const struct wire_feed_run *runs,
                      uint32_t n)
{
    uint8_t bytes[WANT_RUNS_MAX][64];
    struct span items[WANT_RUNS_MAX];
    struct pull *pull = &entropy->puller.peers[peer];

    for (uint32_t i = 0; i < n; i++)
        items[i] =
            span_of(bytes[i], wire_encode(WIRE_feed_run, &runs[i], bytes[i], sizeof(bytes[i])));
    const struct wire_want want = {
        .request = ++entropy->puller.last_request,
        .credit = CREDIT,
        .runs = {.n = n, .items = items},
    };
    pull->state = PULL_FETCHING;
    pull->request = want.request;
    pull->deadline_ms = clock_mono_ms() + FETCH_MS;
    pull->granted = CREDIT;
    pull->received = 0;
    pull->is_settling = false;
    if (!entropy_send(entropy, peer, WIRE_want, &want))
        give_up(entropy, peer, STRIKE_NONE, "");
}

/* Wants what is still lacking of the peer's frontier; the next page after that. */
static void fetch(struct entropy *entropy, uint32_t peer)
{
    struct pull *pull = &entropy->puller.peers[peer];
    struct wire_feed_run runs[WANT_RUNS_MAX];

    pull->state = PULL_FETCHING;
    if (!store_has_room(entropy->store)) {
        pull->is_settling = true;
        pull->deadline_ms = CLOCK_NEVER;
        return;
    }
    release_feeds(entropy, peer);
    uint32_t n = choose_runs(entropy, peer, runs);
    if (n > 0) {
        send_want(entropy, peer, runs, n);
        return;
    }
    struct hash next = pull->next;
    stop(entropy, peer);
    if (!hash_is_zero(&next))
        ask(entropy, peer, &next);
    else
        pull_hurry(entropy); /* equal now? the digest will say */
}

void pull_settled(struct entropy *entropy, struct feed *feed)
{
    (void)feed;
    for (uint32_t i = 0; i < entropy->genesis->n_validators; i++)
        if (entropy->puller.peers[i].is_settling)
            fetch(entropy, i);
}

/* ---- frontier ---- */

/* A head that is further than we are becomes the peer's position. */
static enum strike_reason note_head(struct entropy *entropy, uint32_t from, struct span bytes)
{
    struct pull *pull = &entropy->puller.peers[from];
    struct wire_feed_head head;
    struct feed *feed;
    enum strike_reason reason = ingest_head(entropy, bytes, &head, &feed);

    if (reason != STRIKE_NONE || feed == NULL)
        return reason;
    const struct feed_position position = {.feed = feed->id, .size = head.size, .root = head.root};
    if (pull->n_theirs > 0 &&
        feed_id_cmp(&pull->theirs[pull->n_theirs - 1].feed, &position.feed) >= 0)
        return STRIKE_MALFORMED; /* in order of ids, each once */
    pull->theirs[pull->n_theirs++] = position;
    return STRIKE_NONE;
}

static bool note_heads(struct entropy *entropy, uint32_t from, const struct blobs *heads)
{
    size_t cursor = 0;
    struct span bytes;

    entropy->puller.peers[from].n_theirs = 0;
    while (blobs_next(heads, &cursor, &bytes)) {
        enum strike_reason reason = note_head(entropy, from, bytes);
        if (reason != STRIKE_NONE) {
            give_up(entropy, from, reason, "head of a feed");
            return false;
        }
    }
    return true;
}

static void on_equal(struct entropy *entropy, uint32_t from)
{
    struct puller *puller = &entropy->puller;

    strikes_forgive(&entropy->strikes, from);
    stop(entropy, from);
    puller->converged_ms = clock_mono_ms();
    if (++puller->n_equal < entropy->genesis->n_validators - 1)
        return;
    puller->n_equal = 0;
    puller->period_ms =
        puller->period_ms * 2 < PERIOD_MAX_MS ? puller->period_ms * 2 : PERIOD_MAX_MS;
}

static void on_announced(struct entropy *entropy, uint32_t from,
                         const struct wire_frontier *message)
{
    struct pull *pull = &entropy->puller.peers[from];

    if (pull->state != PULL_IDLE || strikes_is_out(&entropy->strikes, from, clock_mono_ms()))
        pull_hurry(entropy);
    else if (note_heads(entropy, from, &message->heads) && pull->n_theirs > 0)
        fetch(entropy, from);
}

void on_frontier(struct entropy *entropy, uint32_t from, const struct wire_frontier *message)
{
    struct pull *pull = &entropy->puller.peers[from];

    if (!entropy->is_loaded)
        return;
    if (message->request == 0) {
        on_announced(entropy, from, message);
        return;
    }
    if (pull->state != PULL_ASKED || message->request != pull->request)
        return;
    if (message->is_equal != 0) {
        on_equal(entropy, from);
        return;
    }
    if (!note_heads(entropy, from, &message->heads))
        return;
    pull->next = message->next;
    if (!hash_is_zero(&pull->next) && feed_id_cmp(&pull->next, &pull->after) <= 0)
        give_up(entropy, from, STRIKE_MALFORMED, "pages of a frontier in a circle");
    else if (pull->n_theirs > 0 || !hash_is_zero(&pull->next))
        fetch(entropy, from);
    else
        stop(entropy, from); /* it lacks what we have, not we */
}

/* ---- chunks ---- */

static void on_last(struct entropy *entropy, uint32_t from)
{
    struct pull *pull = &entropy->puller.peers[from];

    if (pull->received == 0) {
        give_up(entropy, from, STRIKE_WITHHELD, "records that it had advertised");
        return;
    }
    strikes_forgive(&entropy->strikes, from);
    fetch(entropy, from);
}

void on_chunk(struct entropy *entropy, uint32_t from, const struct wire_chunk *message)
{
    struct pull *pull = &entropy->puller.peers[from];
    const char *what = "chunk that was not asked for";
    enum strike_reason reason = STRIKE_MALFORMED;

    if (pull->state != PULL_FETCHING || pull->is_settling || message->request != pull->request)
        return; /* of a want that was given up */
    if (message->records.size > 0) {
        struct feed *feed = feeds_find(&entropy->feeds, &message->feed);
        pull->received += message->records.size;
        if (feed != NULL && feed->is_asked && feed->asked_of == from &&
            message->from_seq == feed->edge.tree.n + 1 &&
            pull->received <= pull->granted + 2u * CHUNK_BYTES_MAX)
            reason = ingest_chunk(entropy, feed, message->records, message->head, &what);
        if (reason != STRIKE_NONE) {
            give_up(entropy, from, reason, what);
            return;
        }
    }
    if (message->is_last != 0)
        on_last(entropy, from);
}

/* ---- time ---- */

static void check_deadline(struct entropy *entropy, uint32_t peer, uint64_t now_ms)
{
    const struct pull *pull = &entropy->puller.peers[peer];

    if (pull->state == PULL_IDLE || now_ms < pull->deadline_ms)
        return;
    if (pull->state == PULL_ASKED)
        stop(entropy, peer); /* away, perhaps: no lie */
    else
        give_up(entropy, peer, pull->received == 0 ? STRIKE_WITHHELD : STRIKE_SLOW,
                "records that it had advertised");
}

/* The next one that may be asked, in turn, so that each is within a round. */
static void ask_somebody(struct entropy *entropy, uint64_t now_ms)
{
    static const struct hash from_the_first = {{0}};
    struct puller *puller = &entropy->puller;
    uint32_t n = entropy->genesis->n_validators;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t peer = puller->next_peer;
        puller->next_peer = (puller->next_peer + 1) % n;
        if (peer == entropy->self || puller->peers[peer].state != PULL_IDLE ||
            strikes_is_out(&entropy->strikes, peer, now_ms))
            continue;
        ask(entropy, peer, &from_the_first);
        if (puller->peers[peer].state != PULL_IDLE)
            return;
    }
}

void pull_turn(struct entropy *entropy, uint64_t now_ms)
{
    struct puller *puller = &entropy->puller;

    for (uint32_t i = 0; i < entropy->genesis->n_validators; i++)
        check_deadline(entropy, i, now_ms);
    if (now_ms < puller->due_ms || !store_is_up(entropy->store))
        return;
    puller->due_ms = now_ms + jitter(puller, puller->period_ms);
    ask_somebody(entropy, now_ms);
}

uint64_t pull_deadline_ms(const struct entropy *entropy)
{
    const struct puller *puller = &entropy->puller;
    uint64_t first = store_is_up(entropy->store) ? puller->due_ms : CLOCK_NEVER;

    for (uint32_t i = 0; i < entropy->genesis->n_validators; i++)
        if (puller->peers[i].state != PULL_IDLE && puller->peers[i].deadline_ms < first)
            first = puller->peers[i].deadline_ms;
    return first;
}
