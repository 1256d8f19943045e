/*
 * Input at the edges of what may come: other epochs, ranges that do not link, blocks in a
 * ring, more than there is room for, too late.
 */
#include "tests/support/unit.h"

#include "tests/support/core_solo_blocks.h"

/* Blocks of successive terms, each certified by the next one: none of them commits. */
static void grow(struct proposal *list, uint32_t n)
{
    list[0] = solo_first();
    solo_give(&list[0]);
    for (uint32_t i = 1; i < n; i++) {
        struct qc qc = solo_qc(&list[i - 1]);
        list[i] = solo_after_timeout(&qc, i + 1, i + 1);
        solo_give(&list[i]);
    }
}

static struct rank high_qc(void)
{
    return core_high_qc(solo.core)->rank;
}

/* ---- certificates ---- */

START_TEST(a_qc_of_another_epoch_teaches_nothing)
{
    struct proposal first = solo_first();

    first.header.rank.epoch = 2;
    solo_certify(&first);
    ck_assert(rank_eq(high_qc(), (struct rank){1, 0, 0}));
    solo_commit(&first);
    ck_assert_uint_eq(solo_look().term.term, 1);
    ck_assert_ptr_null(solo_seen(ACTION_NEED_BLOCK));
}
END_TEST

/* Two-chain: the child stands right above its parent, or the parent is not proven. */
START_TEST(a_gap_between_child_and_parent_commits_nothing)
{
    struct proposal first = solo_first();
    struct proposal second = solo_child(&first);

    solo_give(&first);
    second.header.rank.seq++;
    solo_seal(&second);
    solo_certify(&second);
    ck_assert(rank_eq(high_qc(), second.header.rank));
    ck_assert_ptr_null(solo_seen(ACTION_COMMIT));

    second = solo_child(&first);
    solo_certify(&second);
    ck_assert_ptr_nonnull(solo_seen(ACTION_COMMIT));
    ck_assert(hash_eq(&solo_seen(ACTION_COMMIT)->commit.block, &first.id));
}
END_TEST

START_TEST(an_entry_of_another_epoch_opens_no_term)
{
    struct entry entry = {.kind = ENTRY_TC, .tc.term = {2, 5}};
    struct input input = {.kind = INPUT_ENTRY, .from = 2};

    input.entry = &entry;
    solo_say(&input);
    entry = (struct entry){.kind = ENTRY_HANDOFF, .handoff_qc.rank = {2, 5, 1}};
    entry.handoff_header.handoff = 3;
    solo_say(&input);
    ck_assert_uint_eq(solo_look().term.term, 1);
}
END_TEST

/* A restored block leads nobody into its term; its certificate does, and shows its leader. */
START_TEST(a_certificate_of_a_later_term_enters_it)
{
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal block = solo_on(&root, (struct rank){1, 6, 1}, 1, 3);
    struct input input = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE, .proposal = &block};

    solo_say(&input);
    ck_assert_uint_eq(solo_look().term.term, 1);
    solo_certify(&block);
    ck_assert_int_eq(solo_noted(NOTE_TERM_ENTERED), REASON_CERTIFICATE);
    ck_assert_uint_eq(solo_look().term.term, 6);
    ck_assert_uint_eq(solo_look().leader, 3);

    block.header.rank.term = 7; /* unknown: by the schedule until it is here */
    solo_seal(&block);
    solo_commit(&block);
    ck_assert_uint_eq(solo_look().term.term, 7);
    ck_assert_uint_eq(solo_look().leader, scheduled_leader(&solo.config.set, 7));
}
END_TEST

/* A state that a quorum vouches for and we do not have: said, not died of. */
START_TEST(a_committed_block_of_another_state_is_an_alarm)
{
    struct proposal first = solo_first();

    first.header.prev_root = (struct hash){{0x33}};
    solo_seal(&first);
    solo_give(&first);
    solo_commit(&first);
    ck_assert_int_eq(solo_noted(NOTE_STATE_MISMATCH), REASON_BAD_STATE);
    ck_assert_uint_eq(solo_look().committed.height, 1);
}
END_TEST

/* The safety rules judge again: what a lying certificate let pass is not signed. */
START_TEST(a_vote_the_safety_rules_refuse_is_not_sent)
{
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal parent = solo_on(&root, (struct rank){1, 5, 1}, 1, 2);
    struct input restored = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE, .proposal = &parent};
    struct qc lie = solo_qc(&parent);

    lie.rank = (struct rank){1, 3, 1};
    struct proposal next = solo_after_timeout(&lie, 2, 5); /* of the rank its parent has */
    solo_say(&restored);
    solo_give(&next);
    ck_assert_uint_eq(solo_look().term.term, 5);
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    ck_assert_ptr_null(solo_sent(SEND_VOTE));
}
END_TEST

/* ---- the window ---- */

/* Ids are hashes, so blocks in a ring are not to be had; every walk ends all the same. */
START_TEST(a_ring_of_blocks_ends_every_walk)
{
    struct proposal a = solo_first(), b;
    a.id = (struct hash){{0xa}};
    b = solo_child(&a);
    b.id = (struct hash){{0xb}};
    a.header.parent = a.justify.block = b.id;

    solo_give(&a);
    solo_give(&b);
    ck_assert_ptr_null(solo_signed(INTENT_VOTE));
    solo_commit(&b);
    ck_assert_ptr_null(solo_seen(ACTION_COMMIT));
    solo_tick(SOLO_BEAT_MS);
    ck_assert(hash_eq(&solo_seen(ACTION_SYNC)->sync.block, &b.id)); /* a range will tell */
}
END_TEST

/* What certificates and our votes need is kept: there is no room for one more. */
START_TEST(a_full_window_keeps_what_is_needed)
{
    struct proposal list[CHAIN_WINDOW + 1];

    grow(list, CHAIN_WINDOW + 1);
    for (uint32_t i = 0; i < CHAIN_WINDOW; i++)
        ck_assert(core_has_block(solo.core, &list[i].id));
    ck_assert(!core_has_block(solo.core, &list[CHAIN_WINDOW].id));
    ck_assert_ptr_null(solo_seen(ACTION_FORGET));

    solo_commit(&list[0]);
    solo_give(&list[CHAIN_WINDOW]);
    ck_assert(core_has_block(solo.core, &list[CHAIN_WINDOW].id));
}
END_TEST

START_TEST(a_full_window_forgets_the_lowest_that_is_not_needed)
{
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal list[CHAIN_WINDOW + 1];
    struct input input = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE};

    for (uint32_t i = 0; i <= CHAIN_WINDOW; i++) {
        uint64_t seq = 2 + (i + 5) % (CHAIN_WINDOW + 1); /* the lowest is not the first */
        list[i] = solo_on(&root, (struct rank){1, 1, seq}, 9, SOLO_LEADER);
        input.proposal = &list[i];
        solo_say(&input);
    }
    ck_assert_uint_eq(solo_count(ACTION_FORGET), 1);
    uint32_t lowest = CHAIN_WINDOW + 1 - 5;
    ck_assert_uint_eq(list[lowest].header.rank.seq, 2);
    ck_assert(hash_eq(&solo_seen(ACTION_FORGET)->forget, &list[lowest].id));
    ck_assert(!core_has_block(solo.core, &list[lowest].id));
    ck_assert(core_has_block(solo.core, &list[CHAIN_WINDOW].id));
}
END_TEST

/* ---- ranges ---- */

#define RANGE_N 3u

struct range {
    struct wire_header headers[RANGE_N];
    struct hash ids[RANGE_N];
    struct commit_proof proof;
    struct input input;
};

static void make_range(struct range *range)
{
    struct proposal block = solo_first();

    for (uint32_t i = 0; i < RANGE_N; i++) {
        range->headers[i] = block.header;
        range->ids[i] = block.id;
        range->proof = (struct commit_proof){.cc = solo_cc(&block)};
        block = solo_child(&block);
    }
    range->input = (struct input){.kind = INPUT_RANGE, .from = 2};
    range->input.range.headers = range->headers;
    range->input.range.ids = range->ids;
    range->input.range.n = RANGE_N;
    range->input.range.proof = &range->proof;
}

START_TEST(a_range_is_committed_whole)
{
    static struct range range;
    make_range(&range);
    struct proposal first = solo_first();

    solo_give(&first); /* held already: it is no second block */
    solo_say(&range.input);
    ck_assert_uint_eq(solo_count(ACTION_COMMIT), RANGE_N);
    ck_assert_uint_eq(solo_look().committed.height, RANGE_N);
    ck_assert(!core_has_block(solo.core, &first.id));
}
END_TEST

static void nothing_in_it(struct range *range)
{
    range->input.range.n = 0;
}

static void does_not_begin_here(struct range *range)
{
    range->headers[0].parent = (struct hash){{0x51}};
}

static void does_not_link(struct range *range)
{
    range->headers[1].parent = (struct hash){{0x51}};
}

static void crosses_an_epoch(struct range *range)
{
    range->headers[2].rank.epoch = 2;
}

static void height_is_missing(struct range *range)
{
    range->headers[1].height++;
}

static void rank_falls(struct range *range)
{
    range->headers[2].rank = range->headers[1].rank;
}

static void goes_on_after_a_config(struct range *range)
{
    range->headers[1].next_set = (struct hash){{0x52}};
}

static void proof_of_another_block(struct range *range)
{
    range->proof.cc.block = (struct hash){{0x53}};
}

static void no_proof(struct range *range)
{
    range->input.range.proof = NULL;
}

static const struct range_row {
    const char *label;
    void (*spoil)(struct range *range);
} range_rows[] = {
    {"nothing in it", nothing_in_it},
    {"does not begin here", does_not_begin_here},
    {"does not link", does_not_link},
    {"crosses an epoch", crosses_an_epoch},
    {"a height is missing", height_is_missing},
    {"a rank that does not rise", rank_falls},
    {"goes on after a config block", goes_on_after_a_config},
    {"its proof is of another block", proof_of_another_block},
    {"no proof, and no epoch ends", no_proof},
};

START_TEST(ranges_that_do_not_link)
{
    static struct range range;

    make_range(&range);
    range_rows[_i].spoil(&range);
    solo_say(&range.input);
    ck_assert_msg(solo_seen(ACTION_COMMIT) == NULL, "%s: committed", range_rows[_i].label);
    ck_assert_uint_eq(solo_look().committed.height, 0);
}
END_TEST

/* ---- roots from before the start ---- */

START_TEST(a_root_too_old_to_be_cited_is_not_restored)
{
    const uint64_t height = EXECUTED_ROOTS + 100;
    const struct hash root = {{0x61}};
    struct safety_record record = solo_record();
    const struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};

    solo.tip.height = height;
    solo.executed.height = height;
    uint64_t cited = _i == 0 ? height - EXECUTED_ROOTS : height - EXECUTED_ROOTS + 1;
    core_init(solo.core, &solo.config, &record, &solo.tip, &solo.executed);
    core_restore_root(solo.core, cited, &root);
    solo_say(&tick);
    solo_admit();

    struct proposal first = solo_first();
    first.header.height = height + 1;
    first.header.prev_height = cited;
    first.header.prev_root = root;
    solo_seal(&first);
    solo_give(&first);
    ck_assert((solo_signed(INTENT_VOTE) != NULL) == (_i == 1));
    ck_assert_int_eq(solo_noted(NOTE_REFUSED), REASON_END);
}
END_TEST

/* ---- persists ---- */

/* A disk that does not answer: signing stops where the queue ends, and goes on after it. */
START_TEST(a_full_queue_of_persists_signs_nothing)
{
    struct proposal block = solo_first();
    uint32_t n_persists = 0;

    solo.is_holding = true;
    for (uint32_t i = 0; i < 20; i++) {
        solo_give(&block);
        n_persists += solo_count(ACTION_PERSIST);
        block = solo_child(&block);
    }
    ck_assert_uint_ge(n_persists, 15);
    ck_assert_uint_le(n_persists, 16);
    ck_assert_ptr_null(solo_seen(ACTION_PERSIST));
    solo.is_holding = false;
    solo_tick(1);
    ck_assert_ptr_nonnull(solo_signed(INTENT_VOTE));
}
END_TEST

UNIT_MAIN("core_edges", solo_start, solo_end, {
    tcase_add_test(tc, a_qc_of_another_epoch_teaches_nothing);
    tcase_add_test(tc, a_gap_between_child_and_parent_commits_nothing);
    tcase_add_test(tc, an_entry_of_another_epoch_opens_no_term);
    tcase_add_test(tc, a_certificate_of_a_later_term_enters_it);
    tcase_add_test(tc, a_committed_block_of_another_state_is_an_alarm);
    tcase_add_test(tc, a_vote_the_safety_rules_refuse_is_not_sent);
    tcase_add_test(tc, a_ring_of_blocks_ends_every_walk);
    tcase_add_test(tc, a_full_window_keeps_what_is_needed);
    tcase_add_test(tc, a_full_window_forgets_the_lowest_that_is_not_needed);
    tcase_add_test(tc, a_range_is_committed_whole);
    tcase_add_loop_test(tc, ranges_that_do_not_link, 0, N_ELEMENTS(range_rows));
    tcase_add_loop_test(tc, a_root_too_old_to_be_cited_is_not_restored, 0, 2);
    tcase_add_test(tc, a_full_queue_of_persists_signs_nothing);
})
