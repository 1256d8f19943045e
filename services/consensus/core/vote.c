/* Votes and commit votes: ours, and counting everybody's. */
#include "services/consensus/core/core_state.h"

static const struct block *find_twin(const struct core *core, const struct wire_header *header)
{
    for (uint32_t i = 0; i < CHAIN_WINDOW; i++) {
        const struct block *block = &core->blocks[i];
        if (block->is_used && block->header.author == header->author &&
            rank_eq(block->header.rank, header->rank))
            return block;
    }
    return NULL;
}

static void admit_block(struct core *core, const struct proposal *proposal, uint32_t from,
                        bool is_refused)
{
    struct block *block = chain_add(core, &proposal->header, &proposal->id);
    if (block == NULL)
        return;

    block->is_refused = is_refused;
    block->is_empty = proposal->is_payload_empty;
    if (proposal->is_payload_empty) {
        block->payload = PAYLOAD_READY;
        return;
    }
    struct action *action = emit(core, ACTION_NEED_PAYLOAD);
    action->need.block = block->id;
    action->need.rank = block->header.rank;
    action->need.signers = 0;
    action->need.from = from;
}

static void note_leader_sign(struct core *core, const struct wire_header *header)
{
    if (header->author == core->leader && term_cmp(rank_term(header->rank), core->cur) == 0)
        core->leader_seen_ms = core->now_ms;
}

void vote_on_proposal(struct core *core, const struct input *input)
{
    const struct proposal *proposal = input->proposal;
    const struct wire_header *header = &proposal->header;

    if (header->rank.epoch != core->cur.epoch) {
        epoch_on_other(core, input->from, header->rank.epoch);
        return;
    }
    if (!hash_is_zero(&header->next_set) && hash_eq(&proposal->id, &core->committed.block))
        core->tip_header = *header; /* a start: what the proof of the next epoch is made of */
    observe_entry(core, &proposal->entry);
    observe_qc(core, &proposal->justify);
    if (header->height <= core->committed.height)
        return;
    if (chain_find(core, &proposal->id) != NULL) {
        note_leader_sign(core, header);
        return;
    }

    /* Blocks that certificates or descendants name are needed however they came about. */
    bool is_wanted = input->from == VALIDATOR_NONE || chain_is_wanted(core, &proposal->id) ||
                     hash_eq(&core->record.high_qc.block, &proposal->id);
    enum note_reason reason = judge_form(core, proposal);
    const struct block *twin = find_twin(core, header);
    if (twin != NULL) {
        /* Both are signed: that one of them is malformed besides excuses nothing. */
        struct action *action = emit_accuse(core, header->author, INTENT_PROPOSAL, header->rank);
        action->accuse.first = twin->id;
        action->accuse.second = proposal->id;
        reason = REASON_EQUIVOCATION;
    }
    if (reason != REASON_NONE) {
        struct block refused = {.header = *header, .id = proposal->id};
        emit_note(core, NOTE_REFUSED, reason, (uint32_t)header->author, &refused);
    }
    bool is_current = term_cmp(rank_term(header->rank), core->cur) == 0;
    if (!is_wanted && (reason != REASON_NONE || !is_current))
        return;
    note_leader_sign(core, header);
    admit_block(core, proposal, input->from, reason != REASON_NONE);
}

/* The set that counts `rank`, NULL if it is too old or too far ahead to be counted. */
static struct vote_set *set_of(struct core *core, struct vote_set *sets, struct rank rank)
{
    bool is_near = rank.term + 1 >= core->cur.term && rank.term <= core->cur.term + 1;
    struct rank high = core->record.high_qc.rank;
    uint64_t base = term_cmp(rank_term(high), rank_term(rank)) == 0 ? high.seq : 0;

    if (!is_near || rank.seq == 0 || rank.seq > base + SEQ_AHEAD_MAX)
        return NULL;
    struct vote_set *set = &sets[(rank.term & 1) * SEQ_AHEAD_MAX + rank.seq % SEQ_AHEAD_MAX];
    if (set->n_validators != 0 && rank_cmp(set->rank, rank) > 0)
        return NULL;
    if (set->n_validators == 0 || !rank_eq(set->rank, rank))
        vote_set_init(set, rank, core->config.set.n);
    return set;
}

static enum vote_verdict count(struct core *core, struct vote_set *set, struct rank rank,
                               uint64_t voter, const struct ballot *ballot)
{
    enum vote_verdict verdict = vote_set_add(set, rank, voter, ballot);

    if (verdict == VOTE_EQUIVOCATED) {
        bool is_vote = set < core->commit_votes; /* they follow the votes */
        enum intent_kind what = is_vote ? INTENT_VOTE : INTENT_COMMIT_VOTE;
        struct action *action = emit_accuse(core, voter, what, rank);
        action->accuse.first = set->ballots[voter].block;
        action->accuse.second = ballot->block;
    }
    return verdict;
}

static void count_vote(struct core *core, const struct wire_vote *vote)
{
    struct ballot ballot = {vote->block, vote->parent, vote->parent_rank, vote->signature};
    struct vote_set *set = set_of(core, core->votes, vote->rank);
    struct qc qc;

    if (set == NULL || count(core, set, vote->rank, vote->voter, &ballot) != VOTE_COUNTED)
        return;
    if (rank_cmp(vote->rank, core->record.high_qc.rank) <= 0 || !vote_set_qc(set, vote->voter, &qc))
        return;
    observe_qc(core, &qc);
    /* Votes reached only the leader: it tells the others. */
    if (core->config.set.n > VOTE_FANOUT_ALL_MAX && core->leader == core->config.self)
        emit_send(core, SEND_QC, TO_ALL)->send.qc = &core->record.high_qc;
}

static void count_commit_vote(struct core *core, const struct wire_commit_vote *vote)
{
    struct ballot ballot = {.block = vote->block, .sig = vote->signature};
    struct vote_set *set = set_of(core, core->commit_votes, vote->rank);
    struct cc cc;

    if (set == NULL || count(core, set, vote->rank, vote->voter, &ballot) != VOTE_COUNTED)
        return;
    if (rank_cmp(vote->rank, commit_proof_rank(&core->best_proof)) <= 0 ||
        !vote_set_cc(set, vote->voter, &cc))
        return;
    observe_cc(core, &cc);
    if (core->config.set.n > VOTE_FANOUT_ALL_MAX && core->leader == core->config.self)
        emit_send(core, SEND_CC, TO_ALL)->send.cc = &core->best_proof.cc;
}

void vote_on_vote(struct core *core, const struct input *input)
{
    const struct wire_vote *vote = &input->vote;
    struct signed_by *by = &core->signed_by[vote->voter];

    if (vote->rank.epoch != core->cur.epoch)
        return;
    if (!by->has_vote || rank_cmp(vote->rank, by->vote.rank) > 0) {
        by->has_vote = true;
        by->vote = *vote;
    }
    count_vote(core, vote);
}

void vote_on_commit_vote(struct core *core, const struct input *input)
{
    const struct wire_commit_vote *vote = &input->commit_vote;
    struct signed_by *by = &core->signed_by[vote->voter];

    if (vote->rank.epoch != core->cur.epoch)
        return;
    if (!by->has_commit_vote || rank_cmp(vote->rank, by->commit_vote.rank) > 0) {
        by->has_commit_vote = true;
        by->commit_vote = *vote;
    }
    count_commit_vote(core, vote);
}

void vote_count_own(struct core *core, const struct wire_vote *vote)
{
    core->has_own_vote = true;
    core->own_vote = *vote;
    if (votes_go_to(core) != core->config.self)
        emit_send(core, SEND_VOTE, votes_go_to(core))->send.vote = *vote;
    count_vote(core, vote);
}

void vote_count_own_commit(struct core *core, const struct wire_commit_vote *vote)
{
    core->has_own_commit_vote = true;
    core->own_commit_vote = *vote;
    if (votes_go_to(core) != core->config.self)
        emit_send(core, SEND_COMMIT_VOTE, votes_go_to(core))->send.commit_vote = *vote;
    count_commit_vote(core, vote);
}

/* The highest block of this term that we may still vote for: votes rise. */
static struct block *find_candidate(struct core *core)
{
    struct block *best = NULL;

    for (uint32_t i = 0; i < CHAIN_WINDOW; i++) {
        struct block *block = &core->blocks[i];
        if (!block->is_used || block->is_refused ||
            term_cmp(rank_term(block->header.rank), core->cur) != 0 ||
            rank_cmp(block->header.rank, core->vote_asked) <= 0 ||
            rank_cmp(block->header.rank, core->record.last_vote) < 0)
            continue;
        if (best == NULL || rank_cmp(block->header.rank, best->header.rank) > 0)
            best = block;
    }
    return best;
}

/* Our own block again after a start: its signature went with the last run. */
static bool resign_proposal(struct core *core, const struct block *block)
{
    struct intent intent = {.kind = INTENT_PROPOSAL, .carries_entry = block->header.rank.seq == 1};

    if (!hash_eq(&block->id, &core->record.last_proposal_id))
        return true;
    intent.proposal.rank = block->header.rank;
    intent.proposal.block = block->id;
    return core->n_intents + 2 <= INTENTS_MAX && emit_intent(core, &intent);
}

static bool sign_vote(struct core *core, const struct block *block, struct rank parent_rank)
{
    struct intent intent = {.kind = INTENT_VOTE, .carries_entry = block->header.rank.seq == 1};

    intent.vote.rank = block->header.rank;
    intent.vote.block = block->id;
    intent.vote.parent = block->header.parent;
    intent.vote.parent_rank = parent_rank;
    intent.vote.voter = core->config.self;
    return emit_intent(core, &intent);
}

void vote_try(struct core *core)
{
    if (!core_may_sign(core) || !hash_is_zero(&core->persist_block))
        return;
    struct block *block = find_candidate(core);
    if (block == NULL)
        return;

    enum note_reason reason = REASON_NONE;
    enum judgement judgement = judge_block(core, block, &reason);
    if (judgement == JUDGE_REFUSE) {
        block->is_refused = true;
        emit_note(core, NOTE_REFUSED, reason, (uint32_t)block->header.author, block);
    }
    struct tip parent = {.rank = {0, 0, 0}};
    if (judgement != JUDGE_VOTE)
        return;
    if (!chain_parent(core, &block->header.parent, &parent)) {
        /* Voted for before a start that lost its parent. A leader that cannot sign its own
         * block again would stand still for ever. */
        if (block->header.height > core->committed.height + 1)
            chain_want(core, &block->header.parent, block->header.rank, 0,
                       (uint32_t)block->header.author);
        return;
    }

    if (!resign_proposal(core, block) || !sign_vote(core, block, parent.rank))
        return;
    core->vote_asked = block->header.rank;
    core->persist_block = block->id;
    /* A term may have two first blocks, of two leaders: we follow the one we vote for. */
    core->leader = (uint32_t)block->header.author;
    block->voted_ms = core->now_ms;
}

void vote_try_commit(struct core *core)
{
    const struct qc *high = &core->record.high_qc;
    bool is_due = term_cmp(rank_term(high->rank), core->cur) == 0 && high->rank.seq > 0 &&
                  term_cmp(core->cur, core->record.timed_out) > 0 &&
                  rank_cmp(high->rank, core->commit_voted) > 0 &&
                  rank_cmp(high->rank, core->committed.rank) > 0;
    struct intent intent = {.kind = INTENT_COMMIT_VOTE};

    if (!is_due)
        return;
    intent.commit_vote.rank = high->rank;
    intent.commit_vote.block = high->block;
    intent.commit_vote.voter = core->config.self;
    if (emit_intent(core, &intent))
        core->commit_voted = high->rank;
}
