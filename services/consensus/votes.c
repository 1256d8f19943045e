/* Votes as operators see them: counted as they come, missed ones told when none can come
 * any more, and the strip of the last blocks. */
#include "services/consensus/queries.h"

/* A validator may sign any rank it likes: only those near ours say something. */
static bool is_near(const struct node *node, struct rank rank)
{
    const struct core_view *view = &node->view;
    bool is_known = rank_cmp(rank, view->high_qc) <= 0;

    return rank.epoch == view->term.epoch && rank.term <= view->term.term + 1 &&
           (is_known || rank.term > view->high_qc.term || rank.seq <= view->high_qc.seq + 4);
}

void votes_saw(struct node *node, struct rank rank, uint64_t voter)
{
    if (voter < node->genesis->n_validators && is_near(node, rank))
        vote_strip_saw(&node->strip, rank, (uint32_t)voter);
}

static void count_missed(struct node *node, const struct strip_block *block)
{
    if (block == NULL || block->voters == 0)
        return;
    for (uint32_t i = 0; i < node->genesis->n_validators; i++) {
        if (block->voters & (UINT64_C(1) << i))
            continue;
        node->n_missed[i]++;
        metric_add_at(node->env->metrics, METRIC_vote_missing_total, i, 1);
    }
}

void votes_committed(struct node *node, const struct wire_header *header,
                     const struct commit_proof *proof)
{
    struct strip_block block = {
        .height = header->height, .rank = header->rank, .author = (uint32_t)header->author};

    if (proof != NULL)
        block.voters = proof->is_child_qc ? proof->qc.signers : proof->cc.signers;
    vote_strip_commit(&node->strip, &block);
    count_missed(node, vote_strip_settled(&node->strip));
}

static json_t *row_json(const struct node *node, uint32_t validator)
{
    char votes[VOTE_STRIP_HEIGHTS + 1];
    uint32_t n = vote_strip_n(&node->strip);

    for (uint32_t i = 0; i < n; i++) {
        uint64_t voters = vote_strip_at(&node->strip, i)->voters;
        bool has_voted = voters & (UINT64_C(1) << validator);
        votes[i] = voters == 0 ? ' ' : has_voted ? 'x' : '.';
    }
    votes[n] = 0;
    return json_pack("{s:s,s:s}", "id", node_name_of(node, validator), "votes", votes);
}

enum apm_err query_votes(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    uint32_t n = vote_strip_n(&node->strip);
    json_t *terms = json_array(), *authors = json_array(), *rows = json_array();

    (void)args;
    for (uint32_t i = 0; i < n; i++) {
        const struct strip_block *block = vote_strip_at(&node->strip, i);
        json_array_append_new(terms, json_integer((json_int_t)block->rank.term));
        json_array_append_new(authors, json_integer(block->author));
    }
    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        json_array_append_new(rows, row_json(node, i));
    uint64_t first = n > 0 ? vote_strip_at(&node->strip, 0)->height : 0;
    return admin_body(json_pack("{s:I,s:o,s:o,s:o}", "first_height", (json_int_t)first, "terms",
                                terms, "authors", authors, "validators", rows),
                      ret_body);
}
