/*
 * core_letter - a core's message under way, in memory of its own.
 *
 * What a SEND points to is gone with the core's next step; a letter keeps it. Whatever
 * is signed is checked as it is written: honest cores send nothing that does not verify.
 */
#ifndef APM2_TESTS_CORE_LETTER_H
#define APM2_TESTS_CORE_LETTER_H

#include <check.h>

#include "services/consensus/core/core.h"

struct letter {
    uint32_t to;
    struct hash block; /* of a proposal, which is found by its id */
    struct input input;
    struct qc qc;
    struct cc cc;
    struct entry entry;
};

/* The message in a letter's own memory; what is a certificate must verify. */
static inline void letter_write(struct letter *letter, const struct validator_set *set,
                                const struct action *action)
{
    struct input *input = &letter->input;

    switch (action->send.kind) {
    case SEND_PROPOSAL:
        input->kind = INPUT_PROPOSAL;
        letter->block = action->send.proposal;
        break;
    case SEND_VOTE:
        input->kind = INPUT_VOTE;
        input->vote = action->send.vote;
        ck_assert_int_eq(vote_verify(set, &input->vote), CERT_OK);
        break;
    case SEND_COMMIT_VOTE:
        input->kind = INPUT_COMMIT_VOTE;
        input->commit_vote = action->send.commit_vote;
        ck_assert_int_eq(commit_vote_verify(set, &input->commit_vote), CERT_OK);
        break;
    case SEND_TIMEOUT:
        input->kind = INPUT_TIMEOUT;
        input->timeout.timeout = action->send.timeout.timeout;
        letter->qc = *action->send.timeout.high_qc;
        ck_assert_int_eq(timeout_verify(set, &input->timeout.timeout), CERT_OK);
        ck_assert_int_eq(qc_verify(set, &letter->qc), CERT_OK);
        break;
    case SEND_QC:
        input->kind = INPUT_QC;
        letter->qc = *action->send.qc;
        ck_assert_int_eq(qc_verify(set, &letter->qc), CERT_OK);
        break;
    case SEND_CC:
        input->kind = INPUT_CC;
        letter->cc = *action->send.cc;
        ck_assert_int_eq(cc_verify(set, &letter->cc), CERT_OK);
        break;
    case SEND_ENTRY:
        input->kind = INPUT_ENTRY;
        letter->entry = *action->send.entry;
        ck_assert_int_eq(entry_verify(set, &letter->entry), CERT_OK);
        break;
    case SEND_HEARTBEAT:
        input->kind = INPUT_HEARTBEAT;
        input->heartbeat = action->send.heartbeat;
        break;
    case SEND_RANK_QUERY:
        input->kind = INPUT_RANK_QUERY;
        input->nonce = action->send.nonce;
        break;
    case SEND_RANK_ANSWER:
        input->kind = INPUT_RANK_ANSWER; /* nobody signed anything before the start */
        input->rank_answer.nonce = action->send.rank_answer.nonce;
        break;
    case SEND_CHECKPOINT:
        input->kind = INPUT_CHECKPOINT;
        input->checkpoint = action->send.checkpoint;
        break;
    case SEND_EPOCH_PROOF:
        ck_abort_msg("the rig stays in one epoch");
    case SEND_TRANSFER:
        input->kind = INPUT_TRANSFER;
        input->transfer_to = (uint32_t)action->send.transfer.to;
        break;
    }
}

/* The input it is to its reader; a proposal's is for the caller to fill in. */
static inline struct input *letter_open(struct letter *letter)
{
    struct input *input = &letter->input;

    if (input->kind == INPUT_TIMEOUT)
        input->timeout.high_qc = &letter->qc;
    if (input->kind == INPUT_QC)
        input->qc = &letter->qc;
    if (input->kind == INPUT_CC)
        input->cc = &letter->cc;
    if (input->kind == INPUT_ENTRY)
        input->entry = &letter->entry;
    return input;
}

#endif
