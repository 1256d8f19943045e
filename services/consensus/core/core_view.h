/*
 * core_view - what operators see of a core: status, and what the node's edges go by.
 *
 * A copy, good for ever; taken after a step. Part of core.h.
 */
#ifndef APM2_CORE_VIEW_H
#define APM2_CORE_VIEW_H

struct core_view {
    struct term term;
    uint32_t leader; /* VALIDATOR_NONE = unknown */
    struct tip committed;
    uint64_t executed_height;
    struct rank high_qc;
    struct hash high_block; /* the block that the high QC certifies */
    struct term timed_out;
    bool is_observing;
    bool is_admitted; /* rank queries done: signing allowed */
    bool is_leader;
    uint32_t self;     /* in this epoch; VALIDATOR_NONE: learner, left, or observer to be */
    bool is_settled;   /* a quorum of this epoch is known to be in it */
    bool is_caught_up; /* as far as what the peers say they committed, but for a few blocks */
    uint64_t checkpoint_height;
    struct core_peer_view {
        uint64_t seen_ms; /* last valid message, monotonic; 0 = never */
        uint64_t committed_height;
        uint64_t term;
        bool has_voted; /* for the newest block voted on */
        struct rank last_vote;
    } peers[VALIDATORS_MAX];
};
void core_look(const struct core *core, struct core_view *ret_view);

/* What keeps the highest block from being committed, or the term from ending. Sets of
 * validators are one bit each. */
struct core_waiting {
    uint64_t timed_out; /* called for a term after ours, and that we know of */
    uint64_t entered_ms;
    bool has_block; /* one above the committed is here */
    struct hash block;
    struct rank rank;
    uint64_t height;
    uint32_t author;
    uint64_t voted_ms; /* we ourselves, first; 0 = not yet */
    bool is_refused;
    bool is_body_missing;
    bool is_certified;
    uint64_t voted, commit_voted;
};
void core_look_waiting(const struct core *core, struct core_waiting *ret_waiting);

#endif
