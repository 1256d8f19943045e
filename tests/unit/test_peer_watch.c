#include "services/consensus/peer_watch.h"

#include "tests/support/unit.h"

#define SILENCE_MS 2000u
#define START_MS 10000u
#define PEER 3

static struct peer_watch watch;

static void started(void)
{
    peer_watch_start(&watch, START_MS);
}

/* Turns every 100 ms up to `now_ms`; the peer is heard then, if at all. */
static uint64_t turn_and_hear(uint64_t now_ms, uint64_t seen_ms)
{
    while (watch.turned_ms < now_ms) {
        uint64_t next_ms = watch.turned_ms + 100;
        peer_watch_turn(&watch, next_ms < now_ms ? next_ms : now_ms, SILENCE_MS);
    }
    return peer_watch_heard(&watch, PEER, seen_ms);
}

START_TEST(back_after_a_silence)
{
    ck_assert_uint_eq(turn_and_hear(10500, 10500), 0);
    ck_assert_uint_eq(turn_and_hear(12499, 12499), 0);
    ck_assert_uint_eq(watch.peers[PEER].rejoined_ms, 0);
    ck_assert_uint_eq(turn_and_hear(14499, 14499), 2000);
    ck_assert_uint_eq(watch.peers[PEER].rejoined_ms, 14499);
    ck_assert_uint_eq(turn_and_hear(15000, 15000), 0);
    ck_assert_uint_eq(watch.peers[PEER].rejoined_ms, 14499);
    ck_assert_uint_eq(watch.peers[PEER + 1].rejoined_ms, 0);
}
END_TEST

START_TEST(silence_counts_from_our_start)
{
    ck_assert_uint_eq(turn_and_hear(15000, 0), 0);
    ck_assert_uint_eq(watch.peers[PEER].rejoined_ms, 0);
    ck_assert_uint_eq(turn_and_hear(16000, 16000), 6000);
}
END_TEST

START_TEST(the_same_message_is_heard_once)
{
    ck_assert_uint_eq(turn_and_hear(15000, 15000), 5000);
    ck_assert_uint_eq(turn_and_hear(19000, 15000), 0);
    ck_assert_uint_eq(turn_and_hear(19000, 19000), 4000);
}
END_TEST

/* A stop of ours of half the silence and more is nobody's. */
START_TEST(our_own_absence_is_no_silence)
{
    ck_assert_uint_eq(turn_and_hear(10500, 10500), 0);
    peer_watch_turn(&watch, 60000, SILENCE_MS);
    ck_assert_uint_eq(peer_watch_heard(&watch, PEER, 59990), 0);
    ck_assert_uint_eq(turn_and_hear(61000, 61000), 0);
    ck_assert_uint_eq(watch.peers[PEER].rejoined_ms, 0);
    ck_assert_uint_eq(turn_and_hear(63500, 63500), 2500);
}
END_TEST

UNIT_MAIN("peer_watch", started, NULL, {
    tcase_add_test(tc, back_after_a_silence);
    tcase_add_test(tc, silence_counts_from_our_start);
    tcase_add_test(tc, the_same_message_is_heard_once);
    tcase_add_test(tc, our_own_absence_is_no_silence);
})
