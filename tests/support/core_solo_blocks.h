/*
 * core_solo_blocks - proposals, certificates and payloads for a core alone.
 *
 * Everything made here is legal as it comes; a test spoils what it is about and seals the
 * header again. Owned by the test that includes it, as core_solo.h is.
 */
#ifndef APM2_TESTS_CORE_SOLO_BLOCKS_H
#define APM2_TESTS_CORE_SOLO_BLOCKS_H

#include "tests/support/core_solo.h"

/* Again after a change of its header. */
static inline void solo_seal(struct proposal *proposal)
{
    proposal->id = header_id(&proposal->header);
}

static inline struct qc solo_qc(const struct proposal *proposal)
{
    return (struct qc){.rank = proposal->header.rank,
                       .block = proposal->id,
                       .parent = proposal->header.parent,
                       .parent_rank = proposal->justify.rank,
                       .signers = SOLO_QUORUM};
}

static inline struct cc solo_cc(const struct proposal *proposal)
{
    return (struct cc){
        .rank = proposal->header.rank, .block = proposal->id, .signers = SOLO_QUORUM};
}

/* A legal empty block on what `justify` certifies. */
static inline struct proposal solo_on(const struct qc *justify, struct rank rank, uint64_t height,
                                      uint32_t author)
{
    struct proposal proposal = {.justify = *justify, .is_payload_empty = true};

    proposal.header = (struct wire_header){.rules_version = 1,
                                           .chain = solo.config.set.chain,
                                           .rank = rank,
                                           .height = height,
                                           .parent = justify->block,
                                           .prev_height = solo.executed.height,
                                           .prev_root = solo.executed.root,
                                           .time_ms = SOLO_WALL_MS + solo.now_ms + height,
                                           .author = author};
    solo_seal(&proposal);
    return proposal;
}

/* The first block of term 1. */
static inline struct proposal solo_first(void)
{
    struct qc root = qc_of_root(&solo.config.set);
    struct proposal first = solo_on(&root, (struct rank){1, 1, 1}, 1, SOLO_LEADER);

    first.entry.kind = ENTRY_ROOT;
    return first;
}

static inline struct proposal solo_child(const struct proposal *parent)
{
    struct qc justify = solo_qc(parent);
    struct rank rank = parent->header.rank;

    rank.seq++;
    return solo_on(&justify, rank, parent->header.height + 1, (uint32_t)parent->header.author);
}

/* The first block of `term` by its schedule, after a timeout of the one before. */
static inline struct proposal solo_after_timeout(const struct qc *high, uint64_t height,
                                                 uint64_t term)
{
    uint32_t leader = scheduled_leader(&solo.config.set, term);
    struct proposal first = solo_on(high, (struct rank){1, term, 1}, height, leader);

    first.entry.kind = ENTRY_TC;
    first.entry.tc.term = (struct term){1, term - 1};
    first.entry.tc.signers = SOLO_QUORUM;
    first.entry.tc.high_qc = *high;
    return first;
}

static inline void solo_give(const struct proposal *proposal)
{
    struct input input = {.kind = INPUT_PROPOSAL, .from = (uint32_t)proposal->header.author};

    if (input.from >= SOLO_N)
        input.from = SOLO_LEADER;
    input.proposal = proposal;
    solo_say(&input);
}

static inline void solo_certify(const struct proposal *proposal)
{
    struct qc qc = solo_qc(proposal);
    struct input input = {.kind = INPUT_QC, .from = SOLO_LEADER};

    input.qc = &qc;
    solo_say(&input);
}

static inline void solo_commit(const struct proposal *proposal)
{
    struct cc cc = solo_cc(proposal);
    struct input input = {.kind = INPUT_CC, .from = SOLO_LEADER};

    input.cc = &cc;
    solo_say(&input);
}

static inline void solo_body(const struct proposal *proposal, bool is_valid)
{
    struct input input = {.kind = INPUT_PAYLOAD, .from = VALIDATOR_NONE};

    input.payload.block = proposal->id;
    input.payload.is_valid = is_valid;
    solo_say(&input);
}

static inline void solo_pend(bool any, bool any_config)
{
    struct input input = {.kind = INPUT_PENDING, .from = VALIDATOR_NONE};

    input.pending.any = any;
    input.pending.any_config = any_config;
    input.pending.oldest_ms = solo.now_ms;
    solo_say(&input);
}

static inline struct input solo_built(const struct hash *parent, bool is_empty)
{
    struct input input = {.kind = INPUT_BUILT, .from = VALIDATOR_NONE};

    input.built.parent = *parent;
    input.built.payload_root = (struct hash){{0x71}};
    input.built.is_empty = is_empty;
    return input;
}

/* Answers the newest BUILD; the proposal that came of it, NULL if none did. */
static inline const struct proposal *solo_build(bool is_empty)
{
    static struct proposal own;

    ck_assert(solo.is_asked);
    struct input built = solo_built(&solo.build_parent, is_empty);
    solo.is_asked = false;
    solo_say(&built);
    for (uint32_t i = 0; i < solo.n_log; i++)
        if (solo.log[i].kind == ACTION_PERSIST && solo.log[i].persist.own != NULL) {
            own = *solo.log[i].persist.own;
            return &own;
        }
    return NULL;
}

static inline void solo_expect_refused(const struct proposal *proposal, enum note_reason reason,
                                       const char *label)
{
    solo_give(proposal);
    enum note_reason got = solo_noted(NOTE_REFUSED);
    ck_assert_msg(got == reason, "%s: %s, not %s", label, note_reason_text(got),
                  note_reason_text(reason));
    ck_assert_msg(solo_signed(INTENT_VOTE) == NULL, "%s: voted for", label);
}

static inline void solo_expect_voted(const struct proposal *proposal)
{
    solo_give(proposal);
    const struct intent *vote = solo_signed(INTENT_VOTE);
    ck_assert_ptr_nonnull(vote);
    ck_assert(hash_eq(&vote->vote.block, &proposal->id));
}

#endif
