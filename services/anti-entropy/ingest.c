/* Heads and records of peers, checked cheapest first, and handed to the store. */
#include "services/anti-entropy/entropy.h"

#include "common/clock.h"
#include "common/log.h"

/* ---- heads ---- */

/* Two signed roots of one size: its author forked the feed. Nothing past it is asked for. */
static void check_fork(struct entropy *entropy, struct feed *feed,
                       const struct wire_feed_head *head)
{
    if (feed->durable.fork_at != 0 || head->size != feed->durable.size ||
        hash_eq(&head->root, &feed->durable.root))
        return;
    feed_mark_fork(&entropy->feeds, feed, head->size);
    store_mark_fork(entropy->store, feed);
    metric_add(entropy->env->metrics, METRIC_conflicts_total, LABEL_manual, 1);
    LOG_WARN("feed_forked", F_STR("author", feed->author), F_STR("namespace", feed->space),
             F_U64("incarnation", feed->incarnation), F_U64("size", head->size));
}

/* Heads are announced only when durable, so nobody can be ahead of us on what we write: this
 * database is older than our last word. We go on in a new incarnation and fetch the rest. */
static void check_own(struct feed *feed, const struct wire_feed_head *head)
{
    if (!feed->is_own || head->size <= feed->edge.tree.n)
        return;
    feed->is_own = false;
    LOG_WARN("feed_sealed", F_STR("namespace", feed->space),
             F_U64("incarnation", feed->incarnation), F_U64("size", feed->edge.tree.n),
             F_U64("others_have", head->size));
}

enum strike_reason ingest_head(struct entropy *entropy, struct span bytes,
                               struct wire_feed_head *ret_head, struct feed **ret_feed)
{
    struct wire_feed_head head;

    *ret_feed = NULL;
    if (feed_head_decode(bytes, &head) != FEED_OK)
        return STRIKE_MALFORMED;
    uint32_t author = entropy_index_of(entropy, head.author);
    if (author == entropy->genesis->n_validators || head.key_epoch > entropy->genesis->set.epoch)
        return STRIKE_STRANGER;
    const struct feed_name name = feed_head_name(&head);
    struct hash id = feed_id(&name);
    struct feed *feed = feeds_find(&entropy->feeds, &id);
    bool is_news = feed == NULL || head.size > feed->durable.size ||
                   (head.size == feed->durable.size && !hash_eq(&head.root, &feed->durable.root));
    if (is_news) {
        const struct key *key = &entropy->genesis->cards[author].feed;
        if (feed_head_verify(&entropy->genesis->chain, key, bytes) != FEED_OK)
            return STRIKE_BAD_SIGNATURE;
        feed = feeds_add(&entropy->feeds, &name);
        if (feed != NULL) { /* else its author has more than the limits allow */
            check_fork(entropy, feed, &head);
            check_own(feed, &head);
        }
    }
    *ret_head = head;
    *ret_feed = feed;
    return STRIKE_NONE;
}

/* ---- chunks ---- */

static bool is_known_schema(const struct genesis *genesis, const struct hash *schema)
{
    if (hash_is_zero(schema))
        return true;
    for (uint32_t i = 0; i < genesis->n_schemas; i++)
        if (hash_eq(&genesis->schemas[i].digest, schema))
            return true;
    return false;
}

static void mark_held(const struct entropy *entropy, struct batch *batch)
{
    size_t cursor = 0;
    struct span bytes;

    for (uint32_t i = 0; feed_records_next(buf_span(&batch->records), &cursor, &bytes); i++) {
        struct wire_feed_record record;
        bool is_known = wire_decode_as(WIRE_feed_record, bytes, &record) == WIRE_OK &&
                        is_known_schema(entropy->genesis, &record.schema);
        batch->held[i] = is_known ? FEED_NOT_HELD : FEED_HELD_SCHEMA;
    }
}

static void on_done(void *context, struct batch *batch)
{
    struct entropy *entropy = context;
    struct feed *feed = batch->feed;

    feed_settle(&entropy->feeds, feed, &batch->edge, batch_head(batch));
    entropy->counts.records_in += batch->n;
    entropy_count_in(entropy, batch->records.size);
    batch_destroy(&batch);
    pull_settled(entropy, feed);
}

static enum strike_reason reason_of(enum feed_verdict verdict)
{
    return verdict == FEED_MALFORMED ? STRIKE_MALFORMED : STRIKE_BAD_RECORDS;
}

enum strike_reason ingest_chunk(struct entropy *entropy, struct feed *feed, struct span records,
                                struct span head_bytes, const char **ret_what)
{
    struct wire_feed_head head = {.size = 0};
    struct feed *of_head;
    enum strike_reason reason = ingest_head(entropy, head_bytes, &head, &of_head);

    *ret_what = "head of a chunk";
    if (reason == STRIKE_NONE && (of_head == NULL || of_head != feed))
        reason = STRIKE_MALFORMED;
    if (reason != STRIKE_NONE)
        return reason;
    struct batch *batch = batch_new(feed);
    enum feed_verdict verdict = feed_edge_take_chunk(&batch->edge, &head, records, &batch->n);
    if (verdict == FEED_OK && !buf_append_span(&batch->records, records))
        verdict = FEED_MALFORMED;
    if (verdict != FEED_OK) {
        *ret_what = feed_verdict_text(verdict);
        batch_destroy(&batch);
        return reason_of(verdict);
    }
    memcpy(batch->head, head_bytes.data, head_bytes.size);
    batch->head_size = head_bytes.size;
    mark_held(entropy, batch);
    const struct hlc last = {feed_hlc_ms(head.hlc_max), head.hlc_max & HLC_COUNTER_MAX};
    (void)hlc_observe(&entropy->clock, last, clock_wall_ms()); /* one ahead is not followed */
    feed->edge = batch->edge;
    batch->done = on_done;
    batch->context = entropy;
    store_put(entropy->store, batch);
    return STRIKE_NONE;
}
