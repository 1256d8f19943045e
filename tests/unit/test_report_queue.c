#include "services/consensus/report_queue.h"

#include "common/evidence/report.h"
#include "tests/support/unit.h"

#define PEERS 4u

static struct report_queue *queue;
static uint8_t *frame;
static uint64_t number;

static void fresh(void)
{
    queue = report_queue_new(PEERS);
    frame = malloc(REPORT_BYTES_MAX);
    number = 0;
}

static void done(void)
{
    report_queue_destroy(&queue);
    free(frame);
}

static void put_sized(uint32_t peer, enum report_class class, uint32_t about, size_t size)
{
    static uint8_t body[EVIDENCE_BYTES_MAX];
    struct report report = {.peer = peer, .class = class, .at_ms = 5};

    memcpy(report.about.b, &about, sizeof(about));
    memcpy(body, &about, sizeof(about));
    report.body = span_of(body, size);
    report_queue_put(queue, &report);
}

static void put(uint32_t peer, enum report_class class, uint32_t about)
{
    put_sized(peer, class, about, 100);
}

struct taken {
    uint32_t n;
    struct {
        uint64_t kind;
        uint64_t n;
        uint32_t about;
    } items[REPORT_ITEMS_MAX];
};

static struct taken take(void)
{
    struct taken taken = {.n = 0};
    struct wire_report report;
    size_t size = report_queue_take(queue, 9, ++number, frame);
    size_t cursor = 0;
    struct span blob;

    if (size == 0)
        return taken;
    ck_assert_int_eq(wire_decode_as(WIRE_report, span_of(frame, size), &report), WIRE_OK);
    ck_assert_uint_eq(report.source, 9);
    ck_assert_uint_eq(report.number, number);
    while (blobs_next(&report.items, &cursor, &blob)) {
        struct wire_report_item item;
        ck_assert_int_eq(wire_decode_as(WIRE_report_item, blob, &item), WIRE_OK);
        taken.items[taken.n].kind = item.kind;
        taken.items[taken.n].n = item.n;
        memcpy(&taken.items[taken.n].about, item.body.data, sizeof(uint32_t));
        taken.n++;
    }
    return taken;
}

START_TEST(what_goes_in_comes_out_once_proofs_first)
{
    put(1, REPORT_LOSER, 1);
    put(1, REPORT_SIGHTING, 2);
    put(2, REPORT_PROOF, 3);
    struct taken taken = take();
    ck_assert_uint_eq(taken.n, 3);
    ck_assert_uint_eq(taken.items[0].about, 3);
    ck_assert_uint_eq(taken.items[0].kind, REPORT_EVIDENCE);
    ck_assert_uint_eq(taken.items[2].kind, REPORT_LOST);
    ck_assert_uint_eq(take().n, 0);
}
END_TEST

START_TEST(what_is_about_the_same_adds_up)
{
    for (int i = 0; i < 1000; i++)
        put(1, REPORT_SIGHTING, 7);
    put(2, REPORT_SIGHTING, 7);
    struct taken taken = take();
    ck_assert_uint_eq(taken.n, 2);
    ck_assert_uint_eq(taken.items[0].n + taken.items[1].n, 1001);
    ck_assert_uint_eq(report_queue_drops(queue, 1), 0);
}
END_TEST

START_TEST(a_flood_drops_its_own_oldest_and_counts_them)
{
    put(2, REPORT_LOSER, 1);
    for (uint32_t i = 0; i < REPORT_QUEUE_ITEMS_MAX + 5; i++)
        put(1, REPORT_LOSER, 100 + i);
    ck_assert_uint_eq(report_queue_drops(queue, 1), 5);
    ck_assert_uint_eq(report_queue_drops(queue, 2), 0);
    ck_assert_uint_eq(report_queue_n(queue), REPORT_QUEUE_ITEMS_MAX + 1);
    bool has_other = false, has_oldest = false;
    for (struct taken taken = take(); taken.n > 0; taken = take()) {
        for (uint32_t i = 0; i < taken.n; i++) {
            has_other |= taken.items[i].about == 1;
            has_oldest |= taken.items[i].about == 104;
        }
    }
    ck_assert(has_other);
    ck_assert(!has_oldest);
}
END_TEST

/* Else who equivocates would drown the proof in bad signatures. */
START_TEST(noise_does_not_push_out_proof)
{
    put(1, REPORT_PROOF, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        put(1, REPORT_LOSER, i);
        put(1, REPORT_SIGHTING, i);
    }
    ck_assert_uint_eq(take().items[0].about, 1);
}
END_TEST

START_TEST(bytes_are_bounded_too)
{
    for (uint32_t i = 0; i < REPORT_QUEUE_ITEMS_MAX; i++)
        put_sized(1, REPORT_PROOF, i, EVIDENCE_BYTES_MAX);
    uint32_t fit = REPORT_QUEUE_BYTES_MAX / EVIDENCE_BYTES_MAX;
    ck_assert_uint_eq(report_queue_n(queue), fit);
    ck_assert_uint_eq(report_queue_drops(queue, 1), REPORT_QUEUE_ITEMS_MAX - fit);
}
END_TEST

START_TEST(the_largest_report_fits)
{
    for (uint32_t i = 0; i < REPORT_ITEMS_MAX; i++)
        put_sized(i % PEERS, REPORT_PROOF, i, EVIDENCE_BYTES_MAX);
    ck_assert_uint_eq(take().n, REPORT_ITEMS_MAX);
}
END_TEST

UNIT_MAIN("report_queue", fresh, done, {
    tcase_add_test(tc, what_goes_in_comes_out_once_proofs_first);
    tcase_add_test(tc, what_is_about_the_same_adds_up);
    tcase_add_test(tc, a_flood_drops_its_own_oldest_and_counts_them);
    tcase_add_test(tc, noise_does_not_push_out_proof);
    tcase_add_test(tc, bytes_are_bounded_too);
    tcase_add_test(tc, the_largest_report_fits);
})
