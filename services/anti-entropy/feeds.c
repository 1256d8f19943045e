#include "services/anti-entropy/feeds.h"

#include "common/mem.h"
#include "common/must.h"

void feeds_release(struct feeds *feeds)
{
    for (uint32_t i = 0; i < feeds->n; i++)
        free(feeds->by_id[i]);
    feeds->n = 0;
}

/* Where the id stands or would stand. */
static uint32_t place_of(const struct feeds *feeds, const struct hash *id)
{
    uint32_t low = 0;
    uint32_t high = feeds->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (feed_id_cmp(&feeds->by_id[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct feed *feeds_find(const struct feeds *feeds, const struct hash *id)
{
    uint32_t at = place_of(feeds, id);
    bool is_there = at < feeds->n && hash_eq(&feeds->by_id[at]->id, id);

    return is_there ? feeds->by_id[at] : NULL;
}

static bool is_text(const char *text, struct span span)
{
    return strlen(text) == span.size && memcmp(text, span.data, span.size) == 0;
}

static bool has_room(const struct feeds *feeds, struct span author)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < feeds->n; i++)
        n += is_text(feeds->by_id[i]->author, author);
    return n < FEEDS_PER_AUTHOR_MAX && feeds->n < FEEDS_MAX;
}

static void copy_text(char out[ID_BYTES_MAX + 1], struct span text)
{
    MUST(text.size <= ID_BYTES_MAX);
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

struct feed *feeds_add(struct feeds *feeds, const struct feed_name *name)
{
    struct hash id = feed_id(name);
    struct feed *feed = feeds_find(feeds, &id);

    if (feed != NULL || !has_room(feeds, name->author))
        return feed;
    feed = mem_new(1, sizeof(*feed));
    feed->id = id;
    copy_text(feed->space, name->space);
    copy_text(feed->author, name->author);
    feed->incarnation = name->incarnation;
    feed->durable.feed = id;
    feed_edge_init(&feed->edge);
    uint32_t at = place_of(feeds, &id);
    memmove(feeds->by_id + at + 1, feeds->by_id + at, (feeds->n - at) * sizeof(feeds->by_id[0]));
    feeds->by_id[at] = feed;
    feeds->n++;
    feeds->are_positions_stale = true;
    return feed;
}

struct feed *feeds_own(const struct feeds *feeds, struct span space)
{
    for (uint32_t i = 0; i < feeds->n; i++)
        if (feeds->by_id[i]->is_own && is_text(feeds->by_id[i]->space, space))
            return feeds->by_id[i];
    return NULL;
}

struct feed_name feed_name_of(const struct feed *feed)
{
    return (struct feed_name){span_of(feed->space, strlen(feed->space)),
                              span_of(feed->author, strlen(feed->author)), feed->incarnation};
}

uint32_t feeds_collect(const struct feeds *feeds, const struct feeds_page *page,
                       struct feed_position *ret_positions)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < feeds->n; i++) {
        const struct feed *feed = feeds->by_id[i];
        if (feed->durable.size > 0 && feed_id_cmp(&feed->id, &page->after) > 0 &&
            (page->space.size == 0 || is_text(feed->space, page->space)))
            ret_positions[n++] = feed->durable;
    }
    return n;
}

/* Stale ones are packed anew: those with records, in the table's order. */
const struct feed_position *feeds_positions(struct feeds *feeds, uint32_t *ret_n)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < feeds->n; i++) {
        const struct feed *feed = feeds->by_id[i];
        if (feed->durable.size == 0)
            continue;
        if (feeds->are_positions_stale)
            feeds->positions[n] = feed->durable;
        n++;
    }
    feeds->are_positions_stale = false;
    *ret_n = n;
    return feeds->positions;
}

void feed_settle(struct feeds *feeds, struct feed *feed, const struct feed_edge *edge,
                 struct span head)
{
    MUST(edge->tree.n > feed->durable.size && head.size <= sizeof(feed->head));
    feed->durable.size = edge->tree.n;
    feed->durable.root = merkle_frontier_root(&edge->tree);
    feed->durable_hlc = edge->hlc_max;
    memcpy(feed->head, head.data, head.size);
    feed->head_size = head.size;
    feeds->are_positions_stale = true;
}

void feed_mark_fork(struct feeds *feeds, struct feed *feed, uint64_t size)
{
    feed->durable.fork_at = size;
    feeds->are_positions_stale = true;
}
