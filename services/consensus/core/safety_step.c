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

/* A commit vote promises that its QC is never cited below again: the QC has to be durable
 * with it. Judged after the raise, for it comes in the same step. */
static bool is_certificate_kept(const struct safety_record *record, const struct intent *intent)
{
    return intent->kind != INTENT_COMMIT_VOTE ||
           rank_cmp(record->high_qc.rank, intent->commit_vote.rank) >= 0;
}

static enum safety_verdict approve_all(struct safety_record *record, const struct safety_step *step,
                                       uint32_t *ret_refused)
{
    for (uint32_t i = 0; i < step->n_intents; i++) {
        enum safety_verdict verdict = safety_approve(record, &step->intents[i]);
        if (verdict != SAFETY_OK) {
            *ret_refused = i + 1;
            return verdict;
        }
    }
    /* Approved first, against what this record remembers: the proposed record has these
     * very statements noted already and would approve anything. */
    safety_raise(record, step->proposed);
    for (uint32_t i = 0; i < step->n_intents; i++) {
        if (!is_certificate_kept(record, &step->intents[i])) {
            *ret_refused = i + 1;
            return SAFETY_QC_TOO_LOW;
        }
    }
    return SAFETY_OK;
}

enum safety_verdict safety_step(struct safety_record *record, const struct safety_step *step,
                                uint32_t *ret_refused)
{
    enum safety_verdict verdict = check_proposed(record, step->proposed);
    if (verdict != SAFETY_OK) {
        *ret_refused = 0;
        return verdict;
    }

    struct safety_record next = *record;
    if (step->n_intents == 0)
        safety_merge(&next, step->proposed);
    else
        verdict = approve_all(&next, step, ret_refused);
    if (verdict != SAFETY_OK)
        return verdict;

    next.counter = step->proposed->counter;
    *record = next;
    return SAFETY_OK;
}
