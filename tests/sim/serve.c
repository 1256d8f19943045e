/* Messages into a replica: to its core, or answered by the node itself. */
#include "common/must.h"
#include "tests/sim/world.h"

static void give_proposal(struct world *world, struct replica *replica,
                          const struct message *message, struct input *input)
{
    block_set_add(&replica->held, message->block);
    input->kind = INPUT_PROPOSAL;
    input->proposal = &world->pool.blocks[message->block].proposal;
    replica_input(world, replica, input);
}

static void give_timeout(struct world *world, struct replica *replica,
                         const struct message *message, struct input *input)
{
    input->kind = INPUT_TIMEOUT;
    input->timeout.timeout = message->timeout.timeout;
    input->timeout.high_qc = message->timeout.high_qc;
    replica_input(world, replica, input);
}

static void give_rank_answer(struct world *world, struct replica *replica,
                             const struct message *message, struct input *input)
{
    input->kind = INPUT_RANK_ANSWER;
    input->rank_answer.nonce = message->rank_answer.nonce;
    /* A twin is not told what its other half signed, nor a liar what it signed itself. */
    bool is_told = ((world->twin_keys | world->liar_keys) >> replica->key & 1) == 0;
    input->rank_answer.has_vote = is_told && message->rank_answer.has_vote;
    input->rank_answer.has_commit_vote = is_told && message->rank_answer.has_commit_vote;
    input->rank_answer.has_timeout = is_told && message->rank_answer.has_timeout;
    if (message->rank_answer.has_vote)
        input->rank_answer.vote = message->rank_answer.vote;
    if (message->rank_answer.has_commit_vote)
        input->rank_answer.commit_vote = message->rank_answer.commit_vote;
    if (message->rank_answer.has_timeout)
        input->rank_answer.timeout = message->rank_answer.timeout;
    replica_input(world, replica, input);
}

static void answer_bundles(struct world *world, struct replica *replica,
                           const struct message *message)
{
    struct message answer = {.kind = MESSAGE_BUNDLES};

    answer.requests = message->requests & replica->known;
    if (answer.requests != 0)
        net_send(world, replica->index, world->replicas[message->from].key, &answer);
}

static void answer_block(struct world *world, struct replica *replica,
                         const struct message *message)
{
    struct message answer = {.kind = MESSAGE_PROPOSAL, .block = message->block};

    if (block_set_has(&replica->held, message->block))
        net_send(world, replica->index, world->replicas[message->from].key, &answer);
}

static uint64_t epoch_at(const struct pool *pool, uint32_t block)
{
    return pool->blocks[block].proposal.header.rank.epoch;
}

/* The longest range in the limit that ends in a block with a proof; failing that,
 * the shortest. Of one epoch alone: its last block needs no proof, the next one's names it. */
static void answer_range(struct world *world, struct replica *replica,
                         const struct message *message)
{
    struct message answer = {.kind = MESSAGE_RANGE, .range.last = NO_BLOCK};
    uint64_t from = message->range_request.from_height;
    const struct pool *pool = &world->pool;
    uint32_t first = ancestor_at(pool, replica->committed, from);
    uint64_t above = epoch_of(replica);

    for (uint32_t at = replica->committed; first != NO_BLOCK; at = pool->blocks[at].parent) {
        uint64_t height = pool->blocks[at].proposal.header.height;
        if (height < from)
            break;
        bool is_end = above != epoch_at(pool, at);
        above = epoch_at(pool, at);
        if (above != epoch_at(pool, first) || (!is_end && !block_set_has(&replica->proven, at)))
            continue;
        answer.range.last = at;
        if (height < from + message->range_request.max)
            break;
    }
    answer.range.from_height = from;
    answer.range.proven = answer.range.last;
    if (answer.range.last != NO_BLOCK)
        net_send(world, replica->index, world->replicas[message->from].key, &answer);
}

/* Headers of the blocks above our committed one, down from `last`. */
static uint32_t collect_range(const struct pool *pool, uint32_t last, uint64_t above,
                              struct wire_header *headers, struct hash *ids)
{
    uint32_t n = 0;

    /* Counted first: a liar's heights may jump. */
    for (uint32_t at = last; pool->blocks[at].proposal.header.height > above;
         at = pool->blocks[at].parent)
        n++;
    if (n > RANGE_BLOCKS_MAX)
        return 0;
    for (uint32_t i = n; i > 0; i--, last = pool->blocks[last].parent) {
        headers[i - 1] = pool->blocks[last].proposal.header;
        ids[i - 1] = pool->blocks[last].proposal.id;
    }
    return n;
}

static void give_range(struct world *world, struct replica *replica, const struct message *message,
                       struct input *input)
{
    const struct pool *pool = &world->pool;
    uint64_t above = pool->blocks[replica->committed].proposal.header.height;
    uint32_t last = message->range.last;

    if (message->range.from_height > above + 1)
        return;
    input->range.n = collect_range(pool, last, above, world->range_headers, world->range_ids);
    if (input->range.n == 0)
        return;
    for (uint32_t at = last; pool->blocks[at].proposal.header.height > above;
         at = pool->blocks[at].parent) {
        replica->known |= pool->blocks[at].requests;
        block_set_add(&replica->held, at);
    }
    input->kind = INPUT_RANGE;
    input->range.headers = world->range_headers;
    input->range.ids = world->range_ids;
    const struct pool_block *proven = &pool->blocks[message->range.proven];
    input->range.proof = proven->has_proof ? &proven->proof : NULL;
    replica_input(world, replica, input);
}

/* Certificates and small things. */
static void give_other(struct world *world, struct replica *replica, const struct message *message,
                       struct input *input)
{
    switch (message->kind) {
    case MESSAGE_VOTE:
        input->kind = INPUT_VOTE;
        input->vote = message->vote;
        break;
    case MESSAGE_COMMIT_VOTE:
        input->kind = INPUT_COMMIT_VOTE;
        input->commit_vote = message->commit_vote;
        break;
    case MESSAGE_QC:
        input->kind = INPUT_QC;
        input->qc = message->qc;
        break;
    case MESSAGE_CC:
        input->kind = INPUT_CC;
        input->cc = message->cc;
        break;
    case MESSAGE_ENTRY:
        input->kind = INPUT_ENTRY;
        input->entry = message->entry;
        break;
    case MESSAGE_HEARTBEAT:
        input->kind = INPUT_HEARTBEAT;
        input->heartbeat = message->heartbeat;
        break;
    case MESSAGE_RANK_QUERY:
        input->kind = INPUT_RANK_QUERY;
        input->nonce = message->nonce;
        break;
    case MESSAGE_CHECKPOINT:
        input->kind = INPUT_CHECKPOINT;
        input->checkpoint = message->checkpoint;
        break;
    case MESSAGE_TRANSFER:
        input->kind = INPUT_TRANSFER;
        input->transfer_to = (uint32_t)message->transfer.to;
        break;
    case MESSAGE_EPOCH_PROOF:
        input->kind = INPUT_EPOCH_PROOF;
        input->epoch_proof = &world->roster->epochs[message->epoch].proof;
        if (epoch_proof_verify(core_set(replica->core), input->epoch_proof) != CERT_OK)
            return;
        break;
    case MESSAGE_PROPOSAL:
    case MESSAGE_TIMEOUT:
    case MESSAGE_RANK_ANSWER:
    case MESSAGE_BUNDLES:
    case MESSAGE_BUNDLE_REQUEST:
    case MESSAGE_BLOCK_REQUEST:
    case MESSAGE_RANGE_REQUEST:
    case MESSAGE_RANGE:
    case MESSAGES_END:
        MUST(false);
    }
    replica_input(world, replica, input);
}

static void take(struct world *world, struct replica *replica, const struct message *message)
{
    struct input input;

    input.from = peer_number(world, replica, world->replicas[message->from].key);
    switch (message->kind) {
    case MESSAGE_PROPOSAL:
        give_proposal(world, replica, message, &input);
        break;
    case MESSAGE_TIMEOUT:
        give_timeout(world, replica, message, &input);
        break;
    case MESSAGE_RANK_ANSWER:
        give_rank_answer(world, replica, message, &input);
        break;
    case MESSAGE_BUNDLES:
        node_learn_requests(world, replica, message->requests);
        break;
    case MESSAGE_BUNDLE_REQUEST:
        answer_bundles(world, replica, message);
        break;
    case MESSAGE_BLOCK_REQUEST:
        answer_block(world, replica, message);
        break;
    case MESSAGE_RANGE_REQUEST:
        answer_range(world, replica, message);
        break;
    case MESSAGE_RANGE:
        give_range(world, replica, message, &input);
        break;
    case MESSAGE_VOTE:
    case MESSAGE_COMMIT_VOTE:
    case MESSAGE_QC:
    case MESSAGE_CC:
    case MESSAGE_ENTRY:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_RANK_QUERY:
    case MESSAGE_CHECKPOINT:
    case MESSAGE_TRANSFER:
    case MESSAGE_EPOCH_PROOF:
        give_other(world, replica, message, &input);
        break;
    case MESSAGES_END:
        MUST(false);
    }
}

void node_on_message(struct world *world, struct replica *replica, const struct message *message)
{
    uint32_t boot = replica->boot;
    bool is_watched = world_is_faulty(world, world->replicas[message->from].key) &&
                      !world_is_faulty(world, replica->key);

    if (is_watched)
        check_hears(world, replica, message);
    take(world, replica, message);
    if (is_watched)
        check_heard(world, replica, message, boot);
}
