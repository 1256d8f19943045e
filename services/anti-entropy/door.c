/* The local door: puts, and readers of what all nodes observed. */
#include "services/anti-entropy/entropy.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

#define PAGE_BYTES_MAX (1u * MIB)

/* A page under construction for one reader. */
struct page {
    struct entropy *entropy;
    struct asker asker;
    uint64_t limit;
    uint64_t arrived; /* when it was asked for: nothing durable by then stands behind its end */
    uint64_t next;
    uint32_t n;
    struct span items[PAGE_RECORDS_MAX]; /* owned */
};

static void send_page(struct page *page, enum apm_err err, const char *detail, bool is_end)
{
    const struct wire_observe_page message = {
        .request = page->asker.request,
        .error = log_text(apm_err_name(err)),
        .detail = log_text(detail),
        .records = {.n = page->n, .items = page->items},
        .next = page->next,
        .is_end = is_end,
    };
    struct span frame = entropy_encode(page->entropy, WIRE_observe_page, &message);

    (void)admin_send(page->entropy->env->admin, span_of(page->asker.route, page->asker.route_size),
                     frame);
}

static void page_destroy(struct page *page)
{
    for (uint32_t i = 0; i < page->n; i++)
        free((void *)(uintptr_t)page->items[i].data);
    free(page);
}

static void on_record(void *context, const struct store_record *row)
{
    struct page *page = context;
    uint64_t ahead_ms = clock_wall_ms() + HLC_AHEAD_MAX_MS;
    const struct wire_observed item = {
        .cursor = row->arrival,
        .feed = row->feed,
        .held = row->held != FEED_NOT_HELD         ? row->held
                : feed_hlc_ms(row->hlc) > ahead_ms ? FEED_HELD_CLOCK
                                                   : FEED_NOT_HELD,
        .record = row->record,
    };
    size_t max = wire_encoded_max(WIRE_observed, &item);

    MUST(page->n < PAGE_RECORDS_MAX);
    uint8_t *out = mem_new(1, max);
    page->items[page->n++] = span_of(out, wire_encode(WIRE_observed, &item, out, max));
    page->next = row->arrival;
}

static void on_listed(void *context, enum apm_err err, uint32_t n)
{
    struct page *page = context;
    bool is_end = err == APM_OK && n == 0;

    /* Nothing matched up to here: the next question need not look at it again. */
    if (is_end && page->next < page->arrived)
        page->next = page->arrived;
    send_page(page, err, err == APM_OK ? "" : "the database went away: ask again", is_end);
    page_destroy(page);
}

static void on_got(void *context, enum apm_err err, uint32_t n)
{
    struct page *page = context;

    if (err == APM_OK && n == 0)
        send_page(page, APM_ERR_NOT_FOUND, "no such record here", true);
    else
        send_page(page, err, err == APM_OK ? "" : "the database went away: ask again", true);
    page_destroy(page);
}

static struct page *page_new(struct entropy *entropy, const struct asker *asker)
{
    struct page *page = mem_new(1, sizeof(*page));

    page->entropy = entropy;
    page->asker = *asker;
    page->arrived = store_arrived(entropy->store);
    return page;
}

static void finish_start(struct page *page, enum apm_err err)
{
    if (err == APM_OK)
        return;
    send_page(page, err,
              err == APM_ERR_BUSY ? "too many read" : "this node's database does not answer",
              false);
    page_destroy(page);
}

static void list(struct entropy *entropy, const struct asker *asker,
                 const struct wire_observe_list *list)
{
    struct page *page = page_new(entropy, asker);
    const struct store_filter filter = {
        .after = list->after,
        .limit =
            list->limit == 0 || list->limit > PAGE_RECORDS_MAX ? PAGE_RECORDS_MAX : list->limit,
        .max_bytes = PAGE_BYTES_MAX,
        .space = list->space,
        .kind = list->kind,
        .key = list->key,
    };
    const struct store_reader reader = {page, on_record, on_listed};

    page->next = list->after;
    finish_start(page, list->after > INT64_MAX ? APM_ERR_BAD_INPUT
                                               : store_list(entropy->store, &filter, &reader));
}

static void get(struct entropy *entropy, const struct asker *asker,
                const struct wire_observe_get *get)
{
    struct page *page = page_new(entropy, asker);
    const struct store_reader reader = {page, on_record, on_got};

    finish_start(page, get->seq > INT64_MAX
                           ? APM_ERR_BAD_INPUT
                           : store_get(entropy->store, &get->feed, get->seq, &reader));
}

void door_client(void *state, struct span from, struct span frame)
{
    struct entropy *entropy = state;
    struct asker asker = {.route_size = (uint8_t)from.size};
    struct wire_message message;

    if (wire_decode(frame, &message) != WIRE_OK || from.size > ROUTE_BYTES_MAX)
        return;
    memcpy(asker.route, from.data, from.size);
    if (message.id == WIRE_observe_put) {
        asker.request = message.observe_put.request;
        puts_take(entropy, &asker, &message.observe_put);
    } else if (message.id == WIRE_observe_list) {
        asker.request = message.observe_list.request;
        list(entropy, &asker, &message.observe_list);
    } else if (message.id == WIRE_observe_get) {
        asker.request = message.observe_get.request;
        get(entropy, &asker, &message.observe_get);
    } else {
        LOG_WARN("admin_unexpected_message", F_STR("message", wire_name(message.id)));
    }
}
