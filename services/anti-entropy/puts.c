/* Observations of this node, into its own feeds. */
#include "services/anti-entropy/entropy.h"

#include <sodium.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

struct put {
    struct asker asker;
    bool is_looking; /* whether it stands already */
    uint64_t seq;    /* in its batch */
    struct wire_observe_put what;
    struct put *next;
    size_t size;
    uint8_t bytes[]; /* what `what` borrows from */
};

void puts_init(struct puts *puts)
{
    *puts = (struct puts){.queue_end = &puts->queue};
    puts->queue_end = &puts->queue;
}

void puts_release(struct puts *puts)
{
    while (puts->queue != NULL) {
        struct put *put = puts->queue;
        puts->queue = put->next;
        free(put);
    }
}

/* ---- answers ---- */

static void reply(struct entropy *entropy, const struct asker *asker, enum apm_err err,
                  const struct wire_observe_put_reply *what)
{
    struct wire_observe_put_reply message = *what;
    uint8_t out[1024];

    message.request = asker->request;
    message.error = log_text(apm_err_name(err));
    size_t size = wire_encode(WIRE_observe_put_reply, &message, out, sizeof(out));
    MUST(size > 0);
    (void)admin_send(entropy->env->admin, span_of(asker->route, asker->route_size),
                     span_of(out, size));
}

static void refuse(struct entropy *entropy, const struct asker *asker, enum apm_err err,
                   const char *detail)
{
    reply(entropy, asker, err, &(struct wire_observe_put_reply){.detail = log_text(detail)});
}

/* ---- the queue ---- */

static struct span keep(struct put *put, struct span bytes)
{
    uint8_t *at = put->bytes + put->size;

    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    put->size += bytes.size;
    return span_of(at, bytes.size);
}

static struct put *put_new(const struct asker *asker, const struct wire_observe_put *what)
{
    size_t size = what->space.size + what->kind.size + what->key.size + what->payload.size;
    struct put *put = mem_new(1, sizeof(*put) + size);

    put->asker = *asker;
    put->what = *what;
    put->what.space = keep(put, what->space);
    put->what.kind = keep(put, what->kind);
    put->what.key = keep(put, what->key);
    put->what.payload = keep(put, what->payload);
    return put;
}

static void enqueue(struct puts *puts, struct put *put)
{
    put->next = NULL;
    *puts->queue_end = put;
    puts->queue_end = &put->next;
    puts->n++;
    puts->bytes += put->size;
}

/* Unlinks the put that *link points at. */
static struct put *unlink_put(struct puts *puts, struct put **link)
{
    struct put *put = *link;

    *link = put->next;
    if (puts->queue_end == &put->next)
        puts->queue_end = link;
    puts->n--;
    puts->bytes -= put->size;
    put->next = NULL;
    return put;
}

/* ---- once: does it stand already? ---- */

struct look {
    struct entropy *entropy;
    struct asker asker;
    struct hash feed;
    uint64_t seq; /* found; 0: not */
};

static struct put **find_looking(struct puts *puts, const struct asker *asker)
{
    for (struct put **link = &puts->queue; *link != NULL; link = &(*link)->next)
        if ((*link)->is_looking && (*link)->asker.request == asker->request &&
            span_eq(span_of((*link)->asker.route, (*link)->asker.route_size),
                    span_of(asker->route, asker->route_size)))
            return link;
    return NULL;
}

static void on_found(void *context, const struct store_record *row)
{
    struct look *look = context;
    struct put **link = find_looking(&look->entropy->puts, &look->asker);
    struct wire_feed_record record;

    if (link == NULL || wire_decode_as(WIRE_feed_record, row->record, &record) != WIRE_OK)
        return;
    const struct wire_observe_put *what = &(*link)->what;
    if (span_eq(record.payload, what->payload) && hash_eq(&record.schema, &what->schema)) {
        look->feed = row->feed;
        look->seq = row->seq;
    }
}

static void on_looked(void *context, enum apm_err err, uint32_t n)
{
    struct look *look = context;
    struct puts *puts = &look->entropy->puts;
    struct put **link = find_looking(puts, &look->asker);

    (void)n;
    if (link != NULL && err == APM_OK && look->seq == 0) {
        (*link)->is_looking = false; /* it does not: a put like others */
    } else if (link != NULL) {
        struct put *put = unlink_put(puts, link);
        if (err == APM_OK)
            reply(look->entropy, &put->asker, APM_OK,
                  &(struct wire_observe_put_reply){.feed = look->feed, .seq = look->seq});
        else
            refuse(look->entropy, &put->asker, err, "the database went away: try again");
        free(put);
    }
    free(look);
}

static enum apm_err look_up(struct entropy *entropy, struct put *put)
{
    const struct feed *own = feeds_own(&entropy->feeds, put->what.space);
    struct store_filter filter = {
        .space = put->what.space, .kind = put->what.kind, .key = put->what.key};

    if (own == NULL || put->what.key.size == 0)
        return APM_OK;
    struct look *look = mem_new(1, sizeof(*look));
    *look = (struct look){.entropy = entropy, .asker = put->asker};
    const struct store_reader reader = {look, on_found, on_looked};
    enum apm_err err = store_find_newest(entropy->store, &own->id, &filter, &reader);
    if (err != APM_OK)
        free(look);
    put->is_looking = err == APM_OK;
    return err;
}

static bool is_among(const struct put *puts, const struct wire_observe_put *what)
{
    for (; puts != NULL; puts = puts->next)
        if (span_eq(puts->what.key, what->key) && span_eq(puts->what.kind, what->kind) &&
            span_eq(puts->what.space, what->space))
            return true;
    return false;
}

/* The same is on its way: its writer asks again and is then told where it stands. */
static bool is_under_way(const struct entropy *entropy, const struct wire_observe_put *what)
{
    const struct feed *own = feeds_own(&entropy->feeds, what->space);

    return is_among(entropy->puts.queue, what) ||
           (own != NULL && own->moving != NULL && is_among(own->moving->puts, what));
}

/* ---- taking ---- */

static const char *fault_of(const struct wire_observe_put *put)
{
    if (!feed_text_is_valid(put->space, ID_BYTES_MAX, false))
        return "namespace: letters, digits and . _ - : / only, at most 64";
    if (!feed_text_is_valid(put->kind, ID_BYTES_MAX, false))
        return "kind: letters, digits and . _ - : / only, at most 64";
    if (!feed_text_is_valid(put->key, OBSERVATION_KEY_BYTES_MAX, true))
        return "key: letters, digits and . _ - : / only, at most 128";
    return put->payload.size == 0 ? "payload: is empty" : NULL;
}

void puts_take(struct entropy *entropy, const struct asker *asker,
               const struct wire_observe_put *what)
{
    struct puts *puts = &entropy->puts;
    const char *fault = fault_of(what);

    if (fault != NULL) {
        refuse(entropy, asker, APM_ERR_BAD_INPUT, fault);
        return;
    }
    if (!store_is_up(entropy->store)) {
        refuse(entropy, asker, APM_ERR_DB_UNREACHABLE, "this node's database does not answer");
        return;
    }
    bool is_full = puts->n >= PUTS_MAX || puts->bytes + what->payload.size > PUTS_BYTES_MAX;
    bool is_twice = what->once != 0 && is_under_way(entropy, what);
    struct put *put = is_full || is_twice ? NULL : put_new(asker, what);
    if (put == NULL || (what->once != 0 && look_up(entropy, put) != APM_OK)) {
        free(put);
        refuse(entropy, asker, APM_ERR_BUSY,
               is_twice ? "an observation of this key is being written" : "too many wait");
        return;
    }
    enqueue(puts, put);
}

/* ---- batches ---- */

static struct feed *own_feed(struct entropy *entropy, struct span space)
{
    struct feed *feed = feeds_own(&entropy->feeds, space);
    const struct feed_name name = {space, log_text(entropy_name_of(entropy, entropy->self)),
                                   clock_wall_ms()};

    if (feed != NULL)
        return feed;
    feed = feeds_add(&entropy->feeds, &name);
    if (feed != NULL)
        feed->is_own = true;
    return feed;
}

static uint64_t stamp(struct entropy *entropy, const struct batch *batch)
{
    struct hlc now = hlc_now(&entropy->clock, clock_wall_ms());
    uint64_t hlc = feed_hlc(now.wall_ms, now.counter);

    return hlc > batch->edge.hlc_max ? hlc : batch->edge.hlc_max + 1;
}

/* Appends it; false when the batch is full. */
static bool add_record(struct entropy *entropy, struct batch *batch, struct put *put)
{
    struct feed_name name = feed_name_of(batch->feed);
    const struct wire_feed_record record = {
        .space = name.space,
        .author = name.author,
        .incarnation = name.incarnation,
        .seq = batch->edge.tree.n + 1,
        .hlc = stamp(entropy, batch),
        .kind = put->what.kind,
        .schema = put->what.schema,
        .key = put->what.key,
        .payload = put->what.payload,
    };
    size_t max = wire_encoded_max(WIRE_feed_record, &record);
    bool is_first = batch->n == 0;

    if (batch->n == CHUNK_RECORDS_MAX || (!is_first && batch->records.size + max > CHUNK_BYTES_MAX))
        return false;
    uint8_t *out = buf_reserve(&batch->records, max);
    MUST(out != NULL);
    size_t size = wire_encode(WIRE_feed_record, &record, out, max);
    MUST(size > 0);
    struct hash leaf = merkle_leaf(span_of(out, size));
    buf_grow(&batch->records, size);
    merkle_frontier_append(&batch->edge.tree, &leaf);
    batch->edge.hlc_max = record.hlc;
    put->seq = record.seq;
    batch->n++;
    return true;
}

static void sign_head(struct entropy *entropy, struct batch *batch)
{
    struct feed_name name = feed_name_of(batch->feed);
    const struct wire_feed_head head = {
        .space = name.space,
        .author = name.author,
        .incarnation = name.incarnation,
        .size = batch->edge.tree.n,
        .root = merkle_frontier_root(&batch->edge.tree),
        .hlc_max = batch->edge.hlc_max,
        .key_epoch = entropy->genesis->set.epoch,
    };
    uint8_t statement[FEED_STATEMENT_BYTES];
    struct sig sig;

    batch->head_size = feed_head_encode(&head, batch->head);
    MUST(batch->head_size > 0);
    size_t size = feed_head_statement(&entropy->genesis->chain, batch_head(batch), statement);
    MUST(crypto_sign_detached(sig.b, NULL, statement, size, entropy->feed_key.secret) == 0);
    feed_head_seal(batch->head, batch->head_size, &sig);
}

/* As many of that namespace as fit, in order. */
static void gather(struct entropy *entropy, struct batch *batch)
{
    struct span space = feed_name_of(batch->feed).space;
    struct put **link = &entropy->puts.queue;
    struct put **end = &batch->puts;

    while (*link != NULL) {
        if ((*link)->is_looking || !span_eq((*link)->what.space, space)) {
            link = &(*link)->next;
            continue;
        }
        if (!add_record(entropy, batch, *link))
            return;
        *end = unlink_put(&entropy->puts, link);
        end = &(*end)->next;
    }
}

static void on_done(void *context, struct batch *batch)
{
    struct entropy *entropy = context;

    feed_settle(&entropy->feeds, batch->feed, &batch->edge, batch_head(batch));
    batch->feed->moving = NULL;
    puts_settle(entropy, batch);
    batch_destroy(&batch);
    if (entropy->announce_ms == CLOCK_NEVER)
        entropy->announce_ms = clock_mono_ms();
}

static void start_batch(struct entropy *entropy, struct feed *feed)
{
    struct batch *batch = batch_new(feed);

    gather(entropy, batch);
    sign_head(entropy, batch);
    feed->edge = batch->edge;
    feed->moving = batch;
    batch->done = on_done;
    batch->context = entropy;
    store_put(entropy->store, batch);
}

/* The first put of each namespace whose feed is not moving starts its batch. */
void puts_turn(struct entropy *entropy)
{
    struct put *put = entropy->puts.queue;

    while (put != NULL && store_has_room(entropy->store)) {
        struct feed *feed = put->is_looking ? NULL : own_feed(entropy, put->what.space);
        if (!put->is_looking && feed == NULL) {
            struct put **link = &entropy->puts.queue;
            while (*link != put)
                link = &(*link)->next;
            (void)unlink_put(&entropy->puts, link);
            refuse(entropy, &put->asker, APM_ERR_TOO_LARGE, "this node has too many namespaces");
            free(put);
            put = entropy->puts.queue;
        } else if (feed != NULL && feed->moving == NULL) {
            start_batch(entropy, feed);
            put = entropy->puts.queue; /* the queue has changed */
        } else {
            put = put->next;
        }
    }
}

void puts_settle(struct entropy *entropy, struct batch *batch)
{
    while (batch->puts != NULL) {
        struct put *put = batch->puts;
        batch->puts = put->next;
        reply(entropy, &put->asker, APM_OK,
              &(struct wire_observe_put_reply){.feed = batch->feed->id, .seq = put->seq});
        free(put);
    }
}
