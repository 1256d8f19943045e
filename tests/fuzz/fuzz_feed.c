/* Heads and records of feeds, as peers send them. */
#include "common/feed/feed.h"
#include "tests/fuzz/form.h"

static void follow(struct span input, const struct wire_feed_head *head)
{
    struct feed_edge edge;
    uint32_t n = 0;

    feed_edge_init(&edge);
    enum feed_verdict verdict = feed_edge_take_chunk(&edge, head, input, &n);
    MUST(feed_verdict_text(verdict) != NULL);
    MUST(verdict == FEED_OK ? edge.tree.n == head->size : edge.tree.n == 0);
}

static void run(struct span input)
{
    const struct hash chain = {{9}};
    const struct key author = {{1}};
    struct wire_feed_head head;
    struct span record;
    size_t cursor = 0;

    if (feed_head_decode(input, &head) == FEED_OK) {
        const struct feed_name name = feed_head_name(&head);
        (void)feed_id(&name);
        (void)feed_head_verify(&chain, &author, input);
        follow(input, &head);
        return;
    }
    head = (struct wire_feed_head){
        .space = span_of("kernel", 6), .author = span_of("n1", 2), .incarnation = 7, .size = 3};
    follow(input, &head);
    while (feed_records_next(input, &cursor, &record))
        MUST(record.size > 0 && cursor <= input.size);
}

const struct fuzz_target fuzz_target = {.run = run, .mutate = form_mutate};
