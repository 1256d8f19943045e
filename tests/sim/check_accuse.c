/*
 * Who signs two different things for one rank is accused by every honest replica that hears both,
 * as long as it keeps the first: votes of ranks that may still be certified here, blocks in its
 * window, the newest timeout and checkpoint of each. What a replica was told is written down here;
 * of the core only where it stands is asked.
 */
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

/* Ranks of uncertified blocks that a core keeps votes of. */
#define AHEAD_MAX 4u

/* Two of these contradict one another if they are about the same and say different things. */
struct statement {
    uint32_t signer;
    uint64_t about;
    uint32_t what;
};

static uint64_t about_rank(const struct replica *replica, enum intent_kind kind, uint32_t signer,
                           struct rank rank)
{
    uint64_t about = fake_mix(fake_mix(23, replica->index), replica->boot);

    about = fake_mix(fake_mix(about, signer), (uint64_t)kind);
    return fake_mix(fake_mix(fake_mix(about, rank.epoch), rank.term), rank.seq);
}

static uint32_t word_of(uint64_t salt, const struct hash *hash)
{
    return (uint32_t)fake_digest(salt, span_of(hash->b, sizeof(hash->b)));
}

/* Of this term, above what is certified, and not too far above. */
static bool keeps_votes_of(const struct core_view *view, struct rank rank)
{
    bool has_certified = term_cmp(rank_term(view->high_qc), rank_term(rank)) == 0;
    uint64_t base = has_certified ? view->high_qc.seq : 0;

    return term_cmp(rank_term(rank), view->term) == 0 && rank.seq > base &&
           rank.seq <= base + AHEAD_MAX;
}

/* Said once is said. */
static uint64_t about_accusing(uint64_t about)
{
    return fake_mix(29, about);
}

/* `about` tells a rank of the signer from all others; 0: every time counts. */
static void demand(struct world *world, uint32_t signer, uint64_t about, uint32_t block)
{
    if (about != 0 && map_get(&world->checkers.heard, about_accusing(about), 0) != 0)
        return;
    world->stats->checks[CHECK_ACCUSES]++;
    world->checkers.must_accuse = true;
    world->checkers.must_accuse_key = signer;
    world->checkers.must_accuse_block = block;
}

static void hear_vote(struct world *world, const struct core_view *view, struct rank rank,
                      struct statement statement)
{
    bool is_new;

    if (keeps_votes_of(view, rank) &&
        map_put(&world->checkers.heard, statement.about, statement.what, &is_new) != statement.what)
        demand(world, statement.signer, statement.about, NO_BLOCK);
}

/* `about` rises: only the newest is kept. */
static void hear_newest(struct world *world, const struct replica *replica, bool is_checkpoint,
                        uint64_t epoch, struct statement statement)
{
    struct heard_newest *newest =
        &world->checkers.newest[is_checkpoint][replica->index][statement.signer];
    bool is_first = newest->boot != replica->boot + 1 || newest->epoch != epoch;

    if (!is_first && newest->about == statement.about && newest->what != statement.what)
        demand(world, statement.signer, 0, NO_BLOCK);
    if (!is_first && newest->about >= statement.about)
        return;
    newest->boot = replica->boot + 1;
    newest->epoch = epoch;
    newest->about = statement.about;
    newest->what = statement.what;
}

static void hear_proposal(struct world *world, const struct replica *replica,
                          const struct core_view *view, uint32_t index)
{
    const struct proposal *proposal = &world->pool.blocks[index].proposal;
    const struct wire_header *header = &proposal->header;
    uint64_t about = about_rank(replica, INTENT_PROPOSAL, (uint32_t)header->author, header->rank);
    uint32_t first = map_get(&world->checkers.heard, about, NO_BLOCK);

    if (first != NO_BLOCK && first != index && header->height > view->committed.height &&
        header->rank.epoch == view->term.epoch && !core_has_block(replica->core, &proposal->id))
        demand(world, (uint32_t)header->author, about, first);
}

void check_hears(struct world *world, const struct replica *replica, const struct message *message)
{
    const uint64_t statements = UINT64_C(1) << MESSAGE_VOTE | UINT64_C(1) << MESSAGE_COMMIT_VOTE |
                                UINT64_C(1) << MESSAGE_PROPOSAL | UINT64_C(1) << MESSAGE_TIMEOUT |
                                UINT64_C(1) << MESSAGE_CHECKPOINT;

    if ((statements >> message->kind & 1) == 0)
        return;
    struct core_view view;
    core_look(replica->core, &view);
    switch (message->kind) {
    case MESSAGE_VOTE: {
        const struct wire_vote *vote = &message->vote;
        struct statement statement = {.signer = (uint32_t)vote->voter};
        statement.about = about_rank(replica, INTENT_VOTE, statement.signer, vote->rank);
        statement.what = word_of(vote->parent_rank.seq, &vote->block) ^
                         word_of(vote->parent_rank.term, &vote->parent);
        hear_vote(world, &view, vote->rank, statement);
        break;
    }
    case MESSAGE_COMMIT_VOTE: {
        const struct wire_commit_vote *vote = &message->commit_vote;
        struct statement statement = {.signer = (uint32_t)vote->voter};
        statement.about = about_rank(replica, INTENT_COMMIT_VOTE, statement.signer, vote->rank);
        statement.what = word_of(1, &vote->block);
        hear_vote(world, &view, vote->rank, statement);
        break;
    }
    case MESSAGE_PROPOSAL:
        hear_proposal(world, replica, &view, message->block);
        break;
    case MESSAGE_TIMEOUT: {
        const struct wire_timeout *timeout = &message->timeout.timeout;
        struct statement statement = {(uint32_t)timeout->voter, timeout->term, 0};
        statement.what = (uint32_t)(timeout->high.term << 16 ^ timeout->high.seq);
        if (timeout->epoch == view.term.epoch)
            hear_newest(world, replica, false, view.term.epoch, statement);
        break;
    }
    case MESSAGE_CHECKPOINT: {
        const struct wire_checkpoint *checkpoint = &message->checkpoint;
        struct statement statement = {(uint32_t)checkpoint->voter, checkpoint->height, 0};
        statement.what = word_of(2, &checkpoint->state_root) ^ word_of(3, &checkpoint->block);
        hear_newest(world, replica, true, view.term.epoch, statement);
        break;
    }
    case MESSAGE_QC:
    case MESSAGE_CC:
    case MESSAGE_ENTRY:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_RANK_QUERY:
    case MESSAGE_RANK_ANSWER:
    case MESSAGE_TRANSFER:
    case MESSAGE_EPOCH_PROOF:
    case MESSAGE_BUNDLES:
    case MESSAGE_BUNDLE_REQUEST:
    case MESSAGE_BLOCK_REQUEST:
    case MESSAGE_RANGE_REQUEST:
    case MESSAGE_RANGE:
    case MESSAGES_END:
        break;
    }
}

void check_heard(struct world *world, const struct replica *replica, const struct message *message,
                 uint32_t boot)
{
    struct checkers *checkers = &world->checkers;
    bool is_excused = replica->boot != boot || checkers->has_failed;
    bool is_new;

    if (!is_excused && message->kind == MESSAGE_PROPOSAL) {
        const struct proposal *proposal = &world->pool.blocks[message->block].proposal;
        uint64_t about = about_rank(replica, INTENT_PROPOSAL, (uint32_t)proposal->header.author,
                                    proposal->header.rank);
        if (core_has_block(replica->core, &proposal->id))
            (void)map_put(&checkers->heard, about, message->block, &is_new);
    }
    if (checkers->must_accuse && checkers->must_accuse_block != NO_BLOCK && !is_excused)
        is_excused = !core_has_block(replica->core,
                                     &world->pool.blocks[checkers->must_accuse_block].proposal.id);
    if (checkers->must_accuse && !is_excused)
        check_fail(world, CHECK_ACCUSES, "r%u does not accuse validator %u of two of kind %s",
                   replica->index, checkers->must_accuse_key, message_name(message->kind));
    checkers->must_accuse = false;
}

void check_accused(struct world *world, const struct replica *replica, const struct action *action)
{
    struct checkers *checkers = &world->checkers;
    uint32_t validator = action->accuse.validator;
    bool is_new;

    if (world_is_faulty(world, replica->key))
        return;
    world->stats->checks[CHECK_ACCUSED]++;
    uint32_t node = peer_node(world, replica, validator);
    if (node == VALIDATOR_NONE || !world_is_faulty(world, node))
        check_fail(world, CHECK_ACCUSED, "r%u accuses honest validator %u", replica->index,
                   validator);
    transcript_accused(world, replica->index, action);
    uint64_t about = about_rank(replica, action->accuse.what, validator, action->accuse.rank);
    (void)map_put(&checkers->heard, about_accusing(about), 1, &is_new);
    if (checkers->must_accuse && checkers->must_accuse_key == validator)
        checkers->must_accuse = false;
}
