/* OBSERVE: what certificates teach. high_qc, cur and the best proof only rise. */
#include "services/consensus/core/core_state.h"

static uint32_t author_of(struct core *core, const struct hash *id)
{
    const struct block *block = chain_find(core, id);
    return block != NULL ? (uint32_t)block->header.author : VALIDATOR_NONE;
}

/* A certificate of a higher term: that term began, however it did. */
static void enter_by_certificate(struct core *core, struct rank rank, const struct hash *block)
{
    if (term_cmp(rank_term(rank), core->cur) <= 0)
        return;
    uint32_t leader = author_of(core, block);
    if (leader == VALIDATOR_NONE)
        leader = scheduled_leader(&core->config.set, rank.term);
    pacemaker_enter(core, rank_term(rank), leader, REASON_CERTIFICATE, NULL);
}

/* A QC on a child of the same term and next seq commits the parent. */
static void commit_parent(struct core *core, const struct qc *qc)
{
    bool is_two_chain = term_cmp(rank_term(qc->parent_rank), rank_term(qc->rank)) == 0 &&
                        qc->rank.seq == qc->parent_rank.seq + 1 && qc->parent_rank.seq > 0;

    if (!is_two_chain || rank_cmp(qc->parent_rank, commit_proof_rank(&core->best_proof)) <= 0)
        return;
    core->best_proof.is_child_qc = true;
    core->best_proof.qc = *qc;
}

void observe_qc(struct core *core, const struct qc *qc)
{
    if (qc->rank.epoch != core->cur.epoch)
        return;
    commit_parent(core, qc);
    if (rank_cmp(qc->rank, core->record.high_qc.rank) <= 0)
        return;

    core->record.high_qc = *qc;
    core->high_since_ms = core->now_ms;
    enter_by_certificate(core, qc->rank, &qc->block);
}

void observe_cc(struct core *core, const struct cc *cc)
{
    if (cc->rank.epoch != core->cur.epoch)
        return;
    if (rank_cmp(cc->rank, commit_proof_rank(&core->best_proof)) > 0) {
        core->best_proof.is_child_qc = false;
        core->best_proof.cc = *cc;
    }
    enter_by_certificate(core, cc->rank, &cc->block);
}

void observe_proof(struct core *core, const struct commit_proof *proof)
{
    if (proof->is_child_qc)
        observe_qc(core, &proof->qc);
    else
        observe_cc(core, &proof->cc);
}

static void observe_tc(struct core *core, const struct entry *entry)
{
    struct term next = {entry->tc.term.epoch, entry->tc.term.term + 1};

    observe_qc(core, &entry->tc.high_qc);
    if (term_cmp(next, core->cur) > 0) {
        uint32_t leader = scheduled_leader(&core->config.set, next.term);
        pacemaker_enter(core, next, leader, REASON_TC, entry);
    } else if (term_cmp(next, core->cur) == 0 && core->record.entry.kind == ENTRY_NONE) {
        /* Entered by a later certificate: now we can also show why. */
        core->record.entry = *entry;
    }
}

/* Commit-votes the block that hands off before leaving its term (OBSERVE), then goes. */
static void follow_handoff(struct core *core, const struct entry *entry)
{
    struct term next = {entry->handoff_qc.rank.epoch, entry->handoff_qc.rank.term + 1};

    observe_qc(core, &entry->handoff_qc);
    if (term_cmp(next, core->cur) <= 0)
        return;
    vote_try_commit(core);
    pacemaker_enter(core, next, (uint32_t)entry->handoff_header.handoff - 1, REASON_HANDOFF, entry);
}

void observe_entry(struct core *core, const struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_TC:
        if (entry->tc.term.epoch == core->cur.epoch)
            observe_tc(core, entry);
        break;
    case ENTRY_HANDOFF:
        if (entry->handoff_qc.rank.epoch == core->cur.epoch)
            follow_handoff(core, entry);
        break;
    case ENTRY_NONE:
    case ENTRY_ROOT:
        break;
    }
}

void observe_handoff(struct core *core)
{
    const struct qc *high = &core->record.high_qc;

    if (term_cmp(rank_term(high->rank), core->cur) != 0)
        return;
    const struct block *block = chain_find(core, &high->block);
    if (block == NULL || block->header.handoff == 0)
        return;
    struct entry entry = {
        .kind = ENTRY_HANDOFF, .handoff_qc = *high, .handoff_header = block->header};
    follow_handoff(core, &entry);
}
