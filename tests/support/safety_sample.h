/*
 * safety_sample - a record in the middle of its life, and statements to try on it.
 *
 * Owned by the test that includes it; safety_fixture() is its fixture.
 */
#ifndef APM2_TESTS_SAFETY_SAMPLE_H
#define APM2_TESTS_SAFETY_SAMPLE_H

#include "services/consensus/core/safety_step.h"
#include "tests/support/good_certs.h"

static struct safety_record record;

/* Epoch 2; voted and proposed (2, 5, 3), block A; high QC (2, 5, 2); timed out of term 4. */
static inline void safety_fixture(void)
{
    all_good();
    struct hash instance = filled(0x11);
    safety_init(&record, &instance, &good.qc);
    record.epoch = 2;
    record.counter = 40;
    record.last_vote = record.last_proposal = (struct rank){2, 5, 3};
    record.last_vote_id = record.last_proposal_id = filled('A');
    record.timed_out = (struct term){2, 4};
    record.timeout_high = (struct rank){2, 3, 1};
    record.timeout_qc = (struct qc){.rank = {2, 3, 1}, .block = filled('t'), .signers = 7};
}

static inline struct intent block_intent(enum intent_kind kind, struct rank rank, char block)
{
    struct intent intent = {.kind = kind};
    struct hash id = block == 0 ? (struct hash){{0}} : filled((uint8_t)block);
    if (kind == INTENT_PROPOSAL) {
        intent.proposal.rank = rank;
        intent.proposal.block = id;
    } else if (kind == INTENT_VOTE) {
        intent.vote = (struct wire_vote){.rank = rank, .block = id};
        intent.vote.parent_rank = (struct rank){2, 1, 1};
    } else {
        intent.commit_vote = (struct wire_commit_vote){.rank = rank, .block = id};
    }
    return intent;
}

static inline enum safety_verdict take_step(const struct intent *intents, uint32_t n,
                                            const struct safety_record *proposed,
                                            uint32_t *ret_refused)
{
    struct safety_step step = {proposed, intents, n};
    return safety_step(&record, &step, ret_refused);
}

#endif
