/* What peers ask for. */
#include "services/anti-entropy/entropy.h"

#include "common/mem.h"

static void serve_next(struct serving *serving);

/* ---- digest ---- */

static void send_frontier(struct entropy *entropy, uint32_t to, const struct wire_digest *digest,
                          const struct feed_position *positions, uint32_t n)
{
    struct span heads[FRONTIER_HEADS_MAX];
    uint32_t n_heads = n < FRONTIER_HEADS_MAX ? n : FRONTIER_HEADS_MAX;

    for (uint32_t i = 0; i < n_heads; i++) {
        const struct feed *feed = feeds_find(&entropy->feeds, &positions[i].feed);
        heads[i] = span_of(feed->head, feed->head_size);
    }
    struct wire_frontier frontier = {
        .request = digest->request,
        .heads = {.n = n_heads, .items = heads},
    };
    if (n_heads < n)
        frontier.next = positions[n_heads - 1].feed;
    (void)entropy_send(entropy, to, WIRE_frontier, &frontier);
}

/* A peer that differs may have something for us, too. */
void on_digest(struct entropy *entropy, uint32_t from, const struct wire_digest *message)
{
    struct feed_position *mine = mem_new(FEEDS_MAX, sizeof(*mine));
    const struct feeds_page page = {.space = message->space, .after = message->after};
    uint32_t n = feeds_collect(&entropy->feeds, &page, mine);
    struct hash digest = feed_digest(mine, n);

    if (!entropy->is_loaded || message->request == 0) {
        free(mine);
        return;
    }
    if (hash_eq(&digest, &message->digest)) {
        const struct wire_frontier equal = {.request = message->request, .is_equal = 1};
        (void)entropy_send(entropy, from, WIRE_frontier, &equal);
    } else {
        send_frontier(entropy, from, message, mine, n);
        pull_hurry(entropy);
    }
    free(mine);
}

/* ---- want ---- */

void serve_init(struct entropy *entropy)
{
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++)
        entropy->server.peers[i] = (struct serving){.entropy = entropy, .peer = i};
}

static void send_last(struct serving *serving)
{
    const struct wire_chunk chunk = {.request = serving->request, .is_last = 1};

    serving->is_active = false;
    (void)entropy_send(serving->entropy, serving->peer, WIRE_chunk, &chunk);
}

static void send_chunk(struct serving *serving, const struct store_chunk *read)
{
    struct entropy *entropy = serving->entropy;
    struct wire_feed_run *run = &serving->runs[serving->at];
    const struct wire_chunk chunk = {
        .request = serving->request,
        .feed = run->feed,
        .from_seq = read->from_seq,
        .records = read->records,
        .head = read->head,
    };

    (void)entropy_send(entropy, serving->peer, WIRE_chunk, &chunk);
    uint64_t size = read->records.size;
    serving->credit -= size < serving->credit ? size : serving->credit;
    entropy->counts.records_out += read->to_seq - read->from_seq + 1;
    entropy_count_out(entropy, size);
    run->from_seq = read->to_seq + 1;
    if (run->from_seq > run->to_seq)
        serving->at++;
}

static void on_read(void *context, enum apm_err err, const struct store_chunk *chunk)
{
    struct serving *serving = context;
    const struct wire_feed_run *run = &serving->runs[serving->at];
    /* A newer want may have taken this one's place meanwhile. */
    bool is_current = err == APM_OK && serving->is_active && serving->at < serving->n_runs &&
                      chunk->from_seq == run->from_seq && !serving->is_replaced;

    serving->is_reading = false;
    if (is_current)
        send_chunk(serving, chunk);
    else if (!serving->is_replaced)
        serving->at++;
    serving->is_replaced = false;
    serve_next(serving);
}

static void serve_next(struct serving *serving)
{
    struct entropy *entropy = serving->entropy;

    if (!serving->is_active || serving->is_reading)
        return;
    if (serving->at >= serving->n_runs || serving->credit == 0) {
        send_last(serving);
        return;
    }
    const struct wire_feed_run *run = &serving->runs[serving->at];
    const struct store_chunk_reader reader = {serving, on_read};
    if (store_read_chunk(entropy->store, &run->feed, run->from_seq, &reader) == APM_OK)
        serving->is_reading = true;
    else
        send_last(serving); /* the database is away: it asks another */
}

void serve_want(struct entropy *entropy, uint32_t to, const struct wire_want *want)
{
    struct serving *serving = &entropy->server.peers[to];
    size_t cursor = 0;
    struct span bytes;

    serving->is_active = true;
    serving->is_replaced = serving->is_reading;
    serving->request = want->request;
    serving->credit = want->credit < SERVE_CREDIT_MAX ? want->credit : SERVE_CREDIT_MAX;
    serving->n_runs = 0;
    serving->at = 0;
    while (blobs_next(&want->runs, &cursor, &bytes)) {
        struct wire_feed_run run;
        if (wire_decode_as(WIRE_feed_run, bytes, &run) != WIRE_OK || run.from_seq == 0 ||
            run.from_seq > run.to_seq || run.to_seq > INT64_MAX) {
            entropy_strike(entropy, to, STRIKE_MALFORMED, "run of a want");
            serving->is_active = false;
            return;
        }
        serving->runs[serving->n_runs++] = run;
    }
    serve_next(serving);
}

void on_want(struct entropy *entropy, uint32_t from, const struct wire_want *message)
{
    if (entropy->is_loaded)
        serve_want(entropy, from, message);
}
