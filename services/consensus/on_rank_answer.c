/* rank_answer: our own newest signatures, as a peer holds them. */
#include "services/consensus/node.h"

/* Unless it is ours by signature it says nothing: no claim may mute a validator. */
static bool take_vote(const struct node *node, struct span bytes, struct wire_vote *ret_vote)
{
    return bytes.size > 0 && wire_decode_as(WIRE_vote, bytes, ret_vote) == WIRE_OK &&
           ret_vote->voter == node->self && vote_verify(core_set(node->core), ret_vote) == CERT_OK;
}

static bool take_commit_vote(const struct node *node, struct span bytes,
                             struct wire_commit_vote *ret_vote)
{
    return bytes.size > 0 && wire_decode_as(WIRE_commit_vote, bytes, ret_vote) == WIRE_OK &&
           ret_vote->voter == node->self &&
           commit_vote_verify(core_set(node->core), ret_vote) == CERT_OK;
}

static bool take_timeout(const struct node *node, struct span bytes,
                         struct wire_timeout *ret_timeout)
{
    return bytes.size > 0 && wire_decode_as(WIRE_timeout, bytes, ret_timeout) == WIRE_OK &&
           ret_timeout->voter == node->self &&
           timeout_verify(core_set(node->core), ret_timeout) == CERT_OK;
}

void on_rank_answer(struct node *node, uint32_t from, const struct wire_rank_answer *message,
                    struct span frame)
{
    struct input input = {.kind = INPUT_RANK_ANSWER, .from = from};

    (void)frame;
    input.rank_answer.nonce = message->nonce;
    input.rank_answer.has_vote = take_vote(node, message->vote, &input.rank_answer.vote);
    input.rank_answer.has_commit_vote =
        take_commit_vote(node, message->commit_vote, &input.rank_answer.commit_vote);
    input.rank_answer.has_timeout =
        take_timeout(node, message->timeout, &input.rank_answer.timeout);
    act_input(node, &input);
}
