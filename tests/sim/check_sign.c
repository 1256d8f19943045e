/* What keys sign, and what is said about their owners. */
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const char *check_name(enum check check)
{
    static const char *const names[] = {
        [CHECK_AGREEMENT] = "one block at a height",
        [CHECK_ONE_SIGNATURE] = "I1 one signature per rank",
        [CHECK_ONE_QC] = "I2 one QC per rank",
        [CHECK_TIMED_OUT] = "I3 no vote in a term timed out",
        [CHECK_TC_CITES] = "I4 a TC cites what is committed",
        [CHECK_EXTENDS] = "I5 the certified extend the committed",
        [CHECK_HANDOFF_LAST] = "I6 a handoff ends its term",
        [CHECK_ONE_AUTHOR] = "I7 one author per term and chain",
        [CHECK_STATE] = "I8 equal state at equal height",
        [CHECK_TERM_RISES] = "I9 terms rise",
        [CHECK_PROGRESS] = "I10 progress after healing",
        [CHECK_ACCUSED] = "I11 no honest node is accused",
        [CHECK_ACCUSES] = "who hears an equivocation accuses",
        [CHECK_LINKED] = "commits are linked",
        [CHECK_PROOF] = "certificates verify",
        [CHECK_ONCE] = "a request stands once",
        [CHECK_NOTHING_LOST] = "nothing acknowledged is lost",
        [CHECK_SIGNER] = "the signer agrees with the core",
        [CHECK_NO_OBSERVER] = "crashes make no observer",
        [CHECK_BODY_STORED] = "what is voted for is stored",
        [CHECK_IDLE] = "an idle chain stands still",
        [CHECK_LAWFUL] = "the certified obey VOTE rule 3",
        [CHECK_BOUNDED] = "what waits and is sent is bounded",
        [CHECK_TIME] = "block times rise with the clock",
        [CHECK_EPOCH_PROOF] = "epoch proofs verify",
        [CHECK_ONE_SET] = "one set per epoch",
        [CHECK_PINNED] = "who signs is pinned in its epoch",
        [CHECK_CONFIG] = "config blocks make the set they name",
    };
    return names[check];
}

void checkers_reset(struct world *world)
{
    struct checkers *checkers = &world->checkers;

    checkers->has_failed = false;
    checkers->committed[0] = 0;
    checkers->height = checkers->acknowledged = checkers->requests = 0;
    map_clear(&checkers->signatures);
    map_clear(&checkers->qcs);
    map_clear(&checkers->heard);
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        checkers->sending[i].window = 0;
        memset(checkers->newest[0][i], 0, sizeof(checkers->newest[0][i]));
        memset(checkers->newest[1][i], 0, sizeof(checkers->newest[1][i]));
    }
    checkers->must_accuse = false;
    for (uint32_t i = 0; i < VALIDATORS_MAX; i++)
        checkers->timed_out[i] = (struct term){0, 0};
    checkers->n_committed = checkers->n_certified = checkers->n_tcs = 0;
}

void check_fail(struct world *world, enum check what, const char *format, ...)
{
    struct checkers *checkers = &world->checkers;

    if (checkers->has_failed)
        return;
    checkers->has_failed = true;
    checkers->what = what;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(checkers->why, sizeof(checkers->why), format, args);
    va_end(args);
    world_trace(world, 0, checkers->why, (uint64_t)what);
}

/* What a statement is about, and what it says of it. */
struct said {
    uint64_t about;
    uint32_t what;
    struct term term; /* {0, 0}: belongs to none */
    bool is_timeout;
};

static uint32_t word_of(const struct hash *hash)
{
    return (uint32_t)fake_digest(7, span_of(hash->b, sizeof(hash->b)));
}

static uint64_t about_rank(struct rank rank)
{
    return fake_mix(fake_mix(fake_mix(11, rank.epoch), rank.term), rank.seq);
}

static struct said said_by(const struct intent *intent)
{
    switch (intent->kind) {
    case INTENT_PROPOSAL:
        return (struct said){about_rank(intent->proposal.rank), word_of(&intent->proposal.block),
                             rank_term(intent->proposal.rank), false};
    case INTENT_VOTE:
        return (struct said){about_rank(intent->vote.rank), word_of(&intent->vote.block),
                             rank_term(intent->vote.rank), false};
    case INTENT_COMMIT_VOTE:
        return (struct said){about_rank(intent->commit_vote.rank),
                             word_of(&intent->commit_vote.block),
                             rank_term(intent->commit_vote.rank), false};
    case INTENT_TIMEOUT: {
        struct term term = {intent->timeout.epoch, intent->timeout.term};
        return (struct said){about_rank((struct rank){term.epoch, term.term, 0}),
                             (uint32_t)about_rank(intent->timeout.high), term, true};
    }
    case INTENT_CHECKPOINT:
        return (struct said){fake_mix(13, intent->checkpoint.height),
                             word_of(&intent->checkpoint.state_root),
                             {0, 0},
                             false};
    }
    return (struct said){0, 0, {0, 0}, false};
}

/* Durability 1: a certified block is on the disks of the honest among its voters. */
static void check_stored(struct world *world, const struct replica *replica,
                         const struct wire_vote *vote)
{
    uint32_t block = pool_find_block(&world->pool, &vote->block);

    world->stats->checks[CHECK_BODY_STORED]++;
    if (block == NO_BLOCK || !block_set_has(&replica->store.blocks, block) ||
        (world->pool.blocks[block].requests & ~replica->store.bodies) != 0)
        check_fail(world, CHECK_BODY_STORED, "r%u votes for a block it has not stored",
                   replica->index);
}

void check_signed(struct world *world, const struct replica *replica, const struct intent *intent)
{
    struct checkers *checkers = &world->checkers;
    struct said said = said_by(intent);
    struct term *timed_out = &checkers->timed_out[replica->key];
    bool is_new;

    transcript_signed(world, replica->index, intent);
    if (world_is_faulty(world, replica->key))
        return;
    uint64_t key = fake_mix(fake_mix(said.about, replica->key), (uint64_t)intent->kind);
    uint32_t before = map_put(&checkers->signatures, key, said.what, &is_new);
    world->stats->checks[CHECK_ONE_SIGNATURE]++;
    if (before != said.what)
        check_fail(world, CHECK_ONE_SIGNATURE,
                   "r%u signed two statements of kind %d for term %" PRIu64, replica->index,
                   (int)intent->kind, said.term.term);
    check_pinned(world, replica,
                 intent->kind == INTENT_CHECKPOINT ? replica->store.signer.epoch : said.term.epoch);
    if (intent->kind == INTENT_VOTE)
        check_stored(world, replica, &intent->vote);
    if (said.term.term == 0)
        return;
    world->stats->checks[CHECK_TIMED_OUT]++;
    if (said.is_timeout && term_cmp(said.term, *timed_out) > 0)
        *timed_out = said.term;
    else if (!said.is_timeout && is_new && term_cmp(said.term, *timed_out) <= 0)
        check_fail(world, CHECK_TIMED_OUT,
                   "r%u signed kind %d in term %" PRIu64 " after timing out of %" PRIu64,
                   replica->index, (int)intent->kind, said.term.term, timed_out->term);
}

void check_booted(struct world *world, const struct replica *replica)
{
    world->checkers.term[replica->index] = (struct term){0, 0};
}

void check_term(struct world *world, const struct replica *replica, struct term term)
{
    struct term *last = &world->checkers.term[replica->index];

    world->stats->checks[CHECK_TERM_RISES]++;
    if (term_cmp(term, *last) <= 0)
        check_fail(world, CHECK_TERM_RISES, "r%u entered term %" PRIu64 " after %" PRIu64,
                   replica->index, term.term, last->term);
    *last = term;
}
