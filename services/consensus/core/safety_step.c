#include "services/consensus/core/safety_step.h"

static enum safety_verdict check_proposed(const struct safety_record *record,
                                          const struct safety_record *proposed)
{
    if (record->observing)
        return SAFETY_OBSERVING;
    if (!hash_eq(&record->instance, &proposed->instance))
        return SAFETY_MALFORMED;
    /* Counters count writes. With a gap, a file that a power cut left one write behind
     * could not be told from a rolled-back one. */
    if (proposed->counter != record->counter + 1)
        return SAFETY_MALFORMED;
    return SAFETY_OK;
}

/* The next epoch is taken over with the proof that pins this very record, and from then on
 * nothing of an earlier one is signed. The certificates inside are the node's matter, as
 * in every record it proposes. */
static enum safety_verdict check_epoch(const struct safety_record *record,
                                       const struct safety_record *proposed)
{
    const struct epoch_proof *proof = &proposed->proof;

    if (proposed->epoch <= record->epoch)
        return SAFETY_OK;
    if (proof->kind == EPOCH_PROOF_NONE || epoch_proof_epoch(proof) != proposed->epoch)
        return SAFETY_MALFORMED;
    struct hash digest = members_digest(&proof->next);
    const struct hash *named =
        proof->kind == EPOCH_PROOF_COMMIT ? &proof->root.next_set : &proof->recovery.set;
    if (!hash_eq(&digest, named))
        return SAFETY_MALFORMED;
    return members_pin(&proof->next, &record->key, &record->instance) < proof->next.n
               ? SAFETY_OK
               : SAFETY_NOT_PINNED;
}

/* A commit vote promises that its QC is never cited below again: the QC has to be durable
 * with it, in this same step at the latest. */
static bool is_certificate_kept(const struct safety_record *record, const struct safety_step *step,
                                const struct intent *intent)
{
    return intent->kind != INTENT_COMMIT_VOTE ||
           rank_cmp(record->high_qc.rank, intent->commit_vote.rank) >= 0 ||
           rank_cmp(step->proposed->high_qc.rank, intent->commit_vote.rank) >= 0;
}

static enum safety_verdict approve_all(struct safety_record *record, const struct safety_step *step,
                                       uint32_t *ret_refused)
{
    for (uint32_t i = 0; i < step->n_intents; i++) {
        const struct intent *intent = &step->intents[i];
        enum safety_verdict verdict = safety_approve(record, intent);
        if (verdict == SAFETY_OK && !is_certificate_kept(record, step, intent))
            verdict = SAFETY_QC_TOO_LOW;
        if (verdict != SAFETY_OK) {
            *ret_refused = i + 1;
            return verdict;
        }
    }
    return SAFETY_OK;
}

/* All that approving writes. */
struct notes {
    struct rank last_vote, last_proposal, timeout_high;
    struct hash last_vote_id, last_proposal_id;
    struct term timed_out;
};

static struct notes notes_of(const struct safety_record *record)
{
    return (struct notes){record->last_vote,    record->last_proposal,    record->timeout_high,
                          record->last_vote_id, record->last_proposal_id, record->timed_out};
}

static void restore_notes(struct safety_record *record, const struct notes *notes)
{
    record->last_vote = notes->last_vote;
    record->last_proposal = notes->last_proposal;
    record->timeout_high = notes->timeout_high;
    record->last_vote_id = notes->last_vote_id;
    record->last_proposal_id = notes->last_proposal_id;
    record->timed_out = notes->timed_out;
}

static enum safety_verdict take(struct safety_record *record, const struct safety_step *step,
                                uint32_t *ret_refused)
{
    struct notes before = notes_of(record);

    if (step->n_intents == 0) {
        safety_merge(record, step->proposed);
    } else {
        enum safety_verdict verdict = approve_all(record, step, ret_refused);
        if (verdict != SAFETY_OK) {
            restore_notes(record, &before);
            return verdict;
        }
        /* Approved first, against what this record remembers: the proposed record has
         * these very statements noted already and would approve anything. */
        safety_raise(record, step->proposed);
    }
    record->counter = step->proposed->counter;
    return SAFETY_OK;
}

enum safety_verdict safety_step(struct safety_record *record, const struct safety_step *step,
                                uint32_t *ret_refused)
{
    const struct safety_record *proposed = step->proposed;
    enum safety_verdict verdict = check_proposed(record, proposed);

    if (verdict == SAFETY_OK)
        verdict = check_epoch(record, proposed);
    if (verdict != SAFETY_OK) {
        *ret_refused = 0;
        return verdict;
    }
    if (proposed->epoch <= record->epoch)
        return take(record, step, ret_refused);

    /* The core enters an epoch only when nothing of the last one is left to be signed. */
    struct safety_record next = *record;
    safety_enter_epoch(&next, &proposed->proof);
    verdict = take(&next, step, ret_refused);
    if (verdict == SAFETY_OK)
        *record = next;
    return verdict;
}
