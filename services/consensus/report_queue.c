#include "services/consensus/report_queue.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/evidence/report.h"
#include "common/mem.h"
#include "common/must.h"

struct item {
    struct hash about;
    uint64_t n;
    uint64_t at_ms;
    size_t size;
    uint8_t *body;
};

/* Oldest first. */
struct lane {
    struct item items[REPORT_QUEUE_ITEMS_MAX];
    uint32_t n;
    size_t bytes;
};

struct report_queue {
    uint32_t n_peers;
    uint32_t n;
    uint32_t turn;      /* whose turn it is */
    struct lane *lanes; /* n_peers rows of REPORT_CLASSES */
    uint64_t *drops;
};

struct report_queue *report_queue_new(uint32_t n_peers)
{
    struct report_queue *queue = mem_new(1, sizeof(*queue));

    queue->n_peers = n_peers;
    queue->lanes = mem_new((size_t)n_peers * REPORT_CLASSES, sizeof(*queue->lanes));
    queue->drops = mem_new(n_peers, sizeof(*queue->drops));
    return queue;
}

static struct lane *lane_of(struct report_queue *queue, uint32_t peer, enum report_class class)
{
    return &queue->lanes[peer * REPORT_CLASSES + (uint32_t) class];
}

static void remove_first(struct report_queue *queue, struct lane *lane)
{
    free(lane->items[0].body);
    lane->bytes -= lane->items[0].size;
    lane->n--;
    memmove(&lane->items[0], &lane->items[1], lane->n * sizeof(lane->items[0]));
    queue->n--;
}

void report_queue_destroy(struct report_queue **queue)
{
    if (*queue == NULL)
        return;
    for (size_t i = 0; i < (size_t)(*queue)->n_peers * REPORT_CLASSES; i++) {
        while ((*queue)->lanes[i].n > 0)
            remove_first(*queue, &(*queue)->lanes[i]);
    }
    free((*queue)->lanes);
    free((*queue)->drops);
    free(*queue);
    *queue = NULL;
}

/* The first of them stands, and counts. */
static bool is_known(struct lane *lane, const struct report *report)
{
    for (uint32_t i = 0; i < lane->n; i++) {
        if (hash_eq(&lane->items[i].about, &report->about)) {
            lane->items[i].n++;
            return true;
        }
    }
    return false;
}

void report_queue_put(struct report_queue *queue, const struct report *report)
{
    MUST(report->peer < queue->n_peers && report->body.size <= EVIDENCE_BYTES_MAX);
    struct lane *lane = lane_of(queue, report->peer, report->class);

    if (is_known(lane, report))
        return;
    while (lane->n == REPORT_QUEUE_ITEMS_MAX ||
           lane->bytes + report->body.size > REPORT_QUEUE_BYTES_MAX) {
        remove_first(queue, lane);
        queue->drops[report->peer]++;
    }
    struct item *item = &lane->items[lane->n++];
    *item = (struct item){.about = report->about,
                          .n = 1,
                          .at_ms = report->at_ms,
                          .size = report->body.size,
                          .body = mem_new(report->body.size, 1)};
    memcpy(item->body, report->body.data, report->body.size);
    lane->bytes += item->size;
    queue->n++;
}

uint64_t report_queue_drops(const struct report_queue *queue, uint32_t peer)
{
    return queue->drops[peer];
}

uint32_t report_queue_n(const struct report_queue *queue)
{
    return queue->n;
}

static size_t encode(const struct item *item, enum report_class class, uint8_t *out, size_t room)
{
    const struct wire_report_item wire = {
        .kind = class == REPORT_LOSER ? REPORT_LOST : REPORT_EVIDENCE,
        .n = item->n,
        .at_ms = item->at_ms,
        .body = span_of(item->body, item->size),
    };
    return wire_encode(WIRE_report_item, &wire, out, room);
}

/* One of the class, of the next peer that has any. */
static struct lane *next_lane(struct report_queue *queue, enum report_class class)
{
    for (uint32_t i = 0; i < queue->n_peers; i++) {
        struct lane *lane = lane_of(queue, (queue->turn + i) % queue->n_peers, class);
        if (lane->n > 0) {
            queue->turn = (queue->turn + i + 1) % queue->n_peers;
            return lane;
        }
    }
    return NULL;
}

static uint32_t take_class(struct report_queue *queue, enum report_class class, struct buf *bytes,
                           struct span *items, uint32_t n)
{
    struct lane *lane = NULL;

    while (n < REPORT_ITEMS_MAX && (lane = next_lane(queue, class)) != NULL) {
        static const size_t room = EVIDENCE_BYTES_MAX + 64;
        uint8_t *out = buf_reserve(bytes, room);
        size_t size = out != NULL ? encode(&lane->items[0], class, out, room) : 0;
        MUST(size > 0);
        items[n++] = span_of(out, size);
        buf_grow(bytes, size);
        remove_first(queue, lane);
    }
    return n;
}

size_t report_queue_take(struct report_queue *queue, uint64_t source, uint64_t number, uint8_t *out)
{
    struct span items[REPORT_ITEMS_MAX];
    struct buf bytes;
    uint32_t n = 0;

    if (queue->n == 0)
        return 0;
    buf_init(&bytes, REPORT_BYTES_MAX);
    /* All of it at once: what was appended must not move. */
    MUST(buf_reserve(&bytes, REPORT_ITEMS_MAX * (EVIDENCE_BYTES_MAX + 64)) != NULL);
    for (unsigned int class = 0; class < REPORT_CLASSES; class ++)
        n = take_class(queue, class, &bytes, items, n);
    const struct wire_report report = {
        .source = source, .number = number, .items = {.n = n, .items = items}};
    size_t size = wire_encode(WIRE_report, &report, out, REPORT_BYTES_MAX);
    MUST(size > 0);
    buf_release(&bytes);
    return size;
}
