/* The VOTE rules (PROTOCOL): is this block one we may vote for? */
#include "services/consensus/core/core_state.h"

/* Rule 3 for a term's first block: who may begin it, on what, with which certificate. */
static enum note_reason judge_entry(const struct core *core, const struct proposal *proposal)
{
    const struct wire_header *header = &proposal->header;
    const struct entry *entry = &proposal->entry;
    const struct validator_set *set = &core->config.set;
    struct rank justify = proposal->justify.rank;

    switch (entry->kind) {
    case ENTRY_NONE:
        return REASON_BAD_ENTRY;
    case ENTRY_ROOT:
        if (header->rank.term != 1 || justify.seq != 0 || justify.term != 0)
            return REASON_BAD_ENTRY;
        return header->author == scheduled_leader(set, 1) ? REASON_NONE : REASON_NOT_LEADER;
    case ENTRY_TC:
        if (entry->tc.term.epoch != header->rank.epoch ||
            entry->tc.term.term + 1 != header->rank.term)
            return REASON_BAD_ENTRY;
        if (rank_cmp(justify, entry->tc.high_qc.rank) < 0 || justify.term >= header->rank.term)
            return REASON_BAD_JUSTIFY;
        return header->author == scheduled_leader(set, header->rank.term) ? REASON_NONE
                                                                          : REASON_NOT_LEADER;
    case ENTRY_HANDOFF:
        /* Only to the very next term: one that jumps forks (PROTOCOL, trap at rule 3). */
        if (entry->handoff_qc.rank.epoch != header->rank.epoch ||
            entry->handoff_qc.rank.term + 1 != header->rank.term)
            return REASON_BAD_ENTRY;
        if (!hash_eq(&proposal->justify.block, &entry->handoff_qc.block))
            return REASON_BAD_JUSTIFY;
        return header->author + 1 == entry->handoff_header.handoff ? REASON_NONE
                                                                   : REASON_NOT_LEADER;
    }
    return REASON_BAD_ENTRY;
}

enum note_reason judge_form(const struct core *core, const struct proposal *proposal)
{
    const struct wire_header *header = &proposal->header;
    struct rank justify = proposal->justify.rank;

    /* The door says so too; but what is certified must be able to prove the next epoch. */
    if (!hash_eq(&header->chain, &core->config.set.chain))
        return REASON_BAD_PAYLOAD;
    if (header->rank.seq == 0)
        return REASON_BAD_RANK;
    if (header->author >= core->config.set.n || header->handoff > core->config.set.n)
        return REASON_NOT_LEADER;
    if (!hash_eq(&header->parent, &proposal->justify.block))
        return REASON_BAD_PARENT;
    if (!hash_is_zero(&header->next_set) && (proposal->is_payload_empty || header->handoff != 0))
        return REASON_BAD_CONFIG;
    if (header->rank.seq == 1)
        return judge_entry(core, proposal);

    if (proposal->entry.kind != ENTRY_NONE)
        return REASON_BAD_ENTRY;
    if (term_cmp(rank_term(justify), rank_term(header->rank)) != 0 ||
        justify.seq + 1 != header->rank.seq)
        return REASON_BAD_JUSTIFY;
    return REASON_NONE;
}

static enum note_reason judge_parent(const struct block *block, const struct tip *parent)
{
    const struct wire_header *header = &block->header;

    if (header->height != parent->height + 1)
        return REASON_BAD_PARENT;
    if (header->rank.seq == 1)
        return REASON_NONE;
    if (header->author != parent->author)
        return REASON_NOT_LEADER;
    /* A handoff or a config block is the last of its term. */
    bool is_last = parent->handoff != 0 || !hash_is_zero(&parent->next_set);
    return is_last ? REASON_NOT_EMPTY : REASON_NONE;
}

/* Rule 6. Too far ahead of our clock is a matter of waiting. */
static enum judgement judge_time(const struct core *core, const struct block *block,
                                 const struct tip *parent)
{
    uint64_t time_ms = block->header.time_ms;

    if (time_ms <= parent->time_ms)
        return JUDGE_REFUSE;
    if (time_ms > core->wall_ms + TIME_AHEAD_MAX_MS && time_ms != parent->time_ms + 1)
        return JUDGE_WAIT;
    if (time_ms + TIME_BEHIND_MAX_MS < core->wall_ms && parent->time_ms <= core->wall_ms)
        return JUDGE_REFUSE;
    return JUDGE_VOTE;
}

/* Rule 5: not yet executed here, or too long ago to remember → abstain; otherwise one
 * liar's root commits and stops us all. */
static enum judgement judge_state(const struct core *core, const struct block *block)
{
    const struct hash *root = commit_root_at(core, block->header.prev_height);

    if (root == NULL)
        return JUDGE_WAIT;
    return hash_eq(root, &block->header.prev_root) ? JUDGE_VOTE : JUDGE_REFUSE;
}

/* Rules 4 and 8: this body, and those of all ancestors down to what is executed. */
static enum judgement judge_bodies(struct core *core, const struct block *block)
{
    struct hash missing = {{0}};

    if (block->payload == PAYLOAD_INVALID)
        return JUDGE_REFUSE;
    bool is_whole = chain_is_whole(core, &block->header.parent, true, &missing);
    if (!is_whole && !hash_is_zero(&missing))
        chain_want(core, &missing, block->header.rank, 0, (uint32_t)block->header.author);
    return is_whole && block->payload == PAYLOAD_READY ? JUDGE_VOTE : JUDGE_WAIT;
}

static enum judgement first_not_vote(const enum judgement *list, const enum note_reason *reasons,
                                     size_t n, enum note_reason *ret_reason)
{
    /* A refusal outweighs having to wait. */
    for (size_t i = 0; i < n; i++)
        if (list[i] == JUDGE_REFUSE) {
            *ret_reason = reasons[i];
            return JUDGE_REFUSE;
        }
    for (size_t i = 0; i < n; i++)
        if (list[i] == JUDGE_WAIT)
            return JUDGE_WAIT;
    return JUDGE_VOTE;
}

static bool may_vote_at(const struct core *core, const struct block *block)
{
    const struct safety_record *record = &core->record;

    if (term_cmp(rank_term(block->header.rank), core->cur) != 0 ||
        term_cmp(core->cur, record->timed_out) <= 0)
        return false;
    if (hash_eq(&block->id, &record->last_vote_id))
        return true;
    if (block->header.rank.seq == 1 && term_cmp(rank_term(record->last_vote), core->cur) >= 0)
        return false; /* rule 2 */
    return rank_cmp(block->header.rank, record->last_vote) > 0;
}

enum judgement judge_block(struct core *core, struct block *block, enum note_reason *ret_reason)
{
    struct tip parent;

    if (!may_vote_at(core, block))
        return JUDGE_WAIT;
    /* The same bytes again: rule 1 alone applies. But a crash may have kept the record and
     * lost the body, and no vote leaves without the body stored (Durability 1). */
    if (hash_eq(&block->id, &core->record.last_vote_id))
        return block->payload == PAYLOAD_READY ? JUDGE_VOTE : JUDGE_WAIT;

    if (!chain_parent(core, &block->header.parent, &parent)) {
        if (block->header.height <= core->committed.height + 1) {
            *ret_reason = REASON_BAD_PARENT;
            return JUDGE_REFUSE;
        }
        chain_want(core, &block->header.parent, block->header.rank, 0,
                   (uint32_t)block->header.author);
        return JUDGE_WAIT;
    }
    enum note_reason by_parent = judge_parent(block, &parent);
    enum note_reason by_config = REASON_NONE;
    const enum judgement list[] = {by_parent == REASON_NONE ? JUDGE_VOTE : JUDGE_REFUSE,
                                   judge_time(core, block, &parent), judge_state(core, block),
                                   judge_bodies(core, block),
                                   epoch_judge_config(core, block, &parent, &by_config)};
    const enum note_reason reasons[] = {by_parent, REASON_BAD_TIME, REASON_BAD_STATE,
                                        REASON_BAD_PAYLOAD, by_config};
    return first_not_vote(list, reasons, N_ELEMENTS(list), ret_reason);
}
