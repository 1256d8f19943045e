#include "services/consensus/core/safety.h"

#include "common/must.h"

void safety_init(struct safety_record *record, const struct hash *instance,
                 const struct qc *root_qc)
{
    memset(record, 0, sizeof(*record));
    record->counter = 1;
    record->instance = *instance;
    record->epoch = 1;
    record->high_qc = *root_qc;
}

void safety_enter_epoch(struct safety_record *record, const struct epoch_proof *proof)
{
    uint64_t epoch = epoch_proof_epoch(proof);

    MUST(epoch > record->epoch);
    record->epoch = epoch;
    record->high_qc = (struct qc){.rank = {epoch, 0, 0}, .block = epoch_proof_root(proof)};
    record->entry.kind = ENTRY_NONE;
    epoch_proof_copy(&record->proof, proof);
}

bool safety_is_pinned(const struct safety_record *record, uint32_t *ret_index)
{
    const struct members *set = &record->proof.next;

    *ret_index = VALIDATORS_MAX;
    if (record->proof.kind == EPOCH_PROOF_NONE)
        return true;
    *ret_index = members_pin(set, &record->key, &record->instance);
    return *ret_index < set->n;
}

const char *safety_verdict_text(enum safety_verdict verdict)
{
    switch (verdict) {
    case SAFETY_OK:
        return "approved";
    case SAFETY_OBSERVING:
        return "observing: nothing is signed";
    case SAFETY_WRONG_EPOCH:
        return "of another epoch";
    case SAFETY_NOT_PINNED:
        return "in an epoch whose set does not pin this key and instance";
    case SAFETY_TIMED_OUT:
        return "of a term that was timed out";
    case SAFETY_RANK_TOO_LOW:
        return "ranked at or below the last one signed";
    case SAFETY_TERM_ENTERED:
        return "a first block of a term already voted in";
    case SAFETY_QC_TOO_LOW:
        return "below the certificate that has to go with it";
    case SAFETY_OLDER_TIMEOUT:
        return "other than the last timeout, and not above it";
    case SAFETY_MALFORMED:
        return "malformed";
    }
    return "unknown";
}

/* One point of a record: what was signed last, of one kind. */
struct mark {
    struct rank rank;
    struct hash block;
};

static bool is_same_block(const struct mark *last, const struct mark *next)
{
    return rank_eq(last->rank, next->rank) && hash_eq(&last->block, &next->block);
}

/* Signing the same statement again gives the same bytes: that is never a second one. */
static bool is_above_or_same(const struct mark *last, const struct mark *next)
{
    return rank_cmp(next->rank, last->rank) > 0 || is_same_block(last, next);
}

/* What holds for anything signed within a term. */
static enum safety_verdict check_block(const struct safety_record *record, const struct mark *next)
{
    if (next->rank.term == 0 || next->rank.seq == 0 || hash_is_zero(&next->block))
        return SAFETY_MALFORMED;
    if (next->rank.epoch != record->epoch)
        return SAFETY_WRONG_EPOCH;
    if (term_cmp(rank_term(next->rank), record->timed_out) <= 0)
        return SAFETY_TIMED_OUT;
    return SAFETY_OK;
}

/* PROTOCOL, VOTE 1 and 2. */
static enum safety_verdict check_against_last_vote(const struct safety_record *record,
                                                   const struct mark *next, bool carries_entry)
{
    struct mark last = {record->last_vote, record->last_vote_id};
    if (!is_above_or_same(&last, next))
        return SAFETY_RANK_TOO_LOW;

    bool is_new_term = term_cmp(rank_term(last.rank), rank_term(next->rank)) < 0;
    if (carries_entry && !is_new_term && !is_same_block(&last, next))
        return SAFETY_TERM_ENTERED;
    return SAFETY_OK;
}

static enum safety_verdict approve_proposal(struct safety_record *record,
                                            const struct intent *intent)
{
    struct mark next = {intent->proposal.rank, intent->proposal.block};
    enum safety_verdict verdict = check_block(record, &next);
    if (verdict != SAFETY_OK)
        return verdict;

    struct mark last = {record->last_proposal, record->last_proposal_id};
    if (!is_above_or_same(&last, &next))
        return SAFETY_RANK_TOO_LOW;
    verdict = check_against_last_vote(record, &next, intent->carries_entry);
    if (verdict != SAFETY_OK)
        return verdict;

    record->last_proposal = next.rank;
    record->last_proposal_id = next.block;
    return SAFETY_OK;
}

static enum safety_verdict approve_vote(struct safety_record *record, const struct intent *intent)
{
    const struct wire_vote *vote = &intent->vote;
    struct mark next = {vote->rank, vote->block};
    enum safety_verdict verdict = check_block(record, &next);
    if (verdict != SAFETY_OK)
        return verdict;
    if (rank_cmp(vote->parent_rank, vote->rank) >= 0)
        return SAFETY_MALFORMED;
    verdict = check_against_last_vote(record, &next, intent->carries_entry);
    if (verdict != SAFETY_OK)
        return verdict;

    record->last_vote = next.rank;
    record->last_vote_id = next.block;
    return SAFETY_OK;
}

static enum safety_verdict approve_timeout(struct safety_record *record,
                                           const struct wire_timeout *timeout)
{
    struct term term = {timeout->epoch, timeout->term};
    if (term.epoch != record->epoch)
        return SAFETY_WRONG_EPOCH;
    if (term.term == 0 || timeout->high.epoch != term.epoch || timeout->high.term > term.term)
        return SAFETY_MALFORMED;

    int order = term_cmp(term, record->timed_out);
    if (order < 0 || (order == 0 && !rank_eq(timeout->high, record->timeout_high)))
        return SAFETY_OLDER_TIMEOUT;
    /* A resend is exempt: the high QC may have risen since, the bytes may not change. */
    if (order > 0 && rank_cmp(timeout->high, record->high_qc.rank) < 0)
        return SAFETY_QC_TOO_LOW;

    record->timed_out = term;
    record->timeout_high = timeout->high;
    return SAFETY_OK;
}

/* Who the statement says signs it; VALIDATORS_MAX: it does not say. */
static uint64_t voter_of(const struct intent *intent)
{
    switch (intent->kind) {
    case INTENT_PROPOSAL:
        break;
    case INTENT_VOTE:
        return intent->vote.voter;
    case INTENT_COMMIT_VOTE:
        return intent->commit_vote.voter;
    case INTENT_TIMEOUT:
        return intent->timeout.voter;
    case INTENT_CHECKPOINT:
        return intent->checkpoint.voter;
    }
    return VALIDATORS_MAX;
}

static bool is_signer_of(const struct safety_record *record, const struct intent *intent)
{
    uint64_t voter = voter_of(intent);
    uint32_t index;

    if (!safety_is_pinned(record, &index))
        return false;
    return index == VALIDATORS_MAX || voter == VALIDATORS_MAX || voter == index;
}

enum safety_verdict safety_approve(struct safety_record *record, const struct intent *intent)
{
    if (record->observing)
        return SAFETY_OBSERVING;
    if (!is_signer_of(record, intent))
        return SAFETY_NOT_PINNED;

    switch (intent->kind) {
    case INTENT_PROPOSAL:
        return approve_proposal(record, intent);
    case INTENT_VOTE:
        return approve_vote(record, intent);
    case INTENT_COMMIT_VOTE:
        return check_block(record,
                           &(struct mark){intent->commit_vote.rank, intent->commit_vote.block});
    case INTENT_TIMEOUT:
        return approve_timeout(record, &intent->timeout);
    case INTENT_CHECKPOINT:
        return hash_is_zero(&intent->checkpoint.block) ? SAFETY_MALFORMED : SAFETY_OK;
    }
    return SAFETY_MALFORMED;
}

/* The term that a record's entry opens. */
static struct term entry_term(const struct safety_record *record)
{
    const struct entry *entry = &record->entry;
    switch (entry->kind) {
    case ENTRY_NONE:
        break;
    case ENTRY_TC:
        return (struct term){entry->tc.term.epoch, entry->tc.term.term + 1};
    case ENTRY_HANDOFF:
        return (struct term){entry->handoff_qc.rank.epoch, entry->handoff_qc.rank.term + 1};
    case ENTRY_ROOT:
        return (struct term){record->epoch, 1};
    }
    return (struct term){0, 0};
}

static void raise_qc(struct qc *qc, const struct qc *from)
{
    if (rank_cmp(from->rank, qc->rank) > 0)
        *qc = *from;
}

void safety_raise(struct safety_record *record, const struct safety_record *from)
{
    raise_qc(&record->high_qc, &from->high_qc);
    raise_qc(&record->timeout_qc, &from->timeout_qc);
    if (term_cmp(entry_term(from), entry_term(record)) > 0)
        record->entry = from->entry;
}

void safety_merge(struct safety_record *record, const struct safety_record *other)
{
    MUST(hash_eq(&record->instance, &other->instance));

    safety_raise(record, other); /* first: it reads both epochs */
    if (other->counter > record->counter)
        record->counter = other->counter;
    if (other->epoch > record->epoch) {
        record->epoch = other->epoch;
        epoch_proof_copy(&record->proof, &other->proof);
    }
    record->observing |= other->observing;

    if (rank_cmp(other->last_vote, record->last_vote) > 0) {
        record->last_vote = other->last_vote;
        record->last_vote_id = other->last_vote_id;
    }
    if (rank_cmp(other->last_proposal, record->last_proposal) > 0) {
        record->last_proposal = other->last_proposal;
        record->last_proposal_id = other->last_proposal_id;
    }
    if (term_cmp(other->timed_out, record->timed_out) > 0) {
        record->timed_out = other->timed_out;
        record->timeout_high = other->timeout_high;
        record->timeout_qc = other->timeout_qc;
    }
}

size_t intent_statement(const struct hash *chain, const struct intent *intent,
                        uint8_t out[STATEMENT_BYTES_MAX])
{
    switch (intent->kind) {
    case INTENT_PROPOSAL:
        return statement_proposal(chain, &intent->proposal.block, out);
    case INTENT_VOTE:
        return statement_vote(chain, &intent->vote, out);
    case INTENT_COMMIT_VOTE:
        return statement_commit_vote(chain, &intent->commit_vote, out);
    case INTENT_TIMEOUT:
        return statement_timeout(chain, &intent->timeout, out);
    case INTENT_CHECKPOINT:
        return statement_checkpoint(chain, &intent->checkpoint, out);
    }
    MUST(!"an intent of a known kind");
}
