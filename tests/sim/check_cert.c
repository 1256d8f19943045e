/*
 * Certificates, judged twice: that they are what they claim (an implementation of
 * its own, sharing no code with common/cert), and that together they keep I2 and
 * I4 to I7.
 */
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

#include <inttypes.h>

struct text {
    uint8_t bytes[256];
    size_t size;
};

static void add(struct text *text, const void *bytes, size_t size)
{
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void add_numbers(struct text *text, const uint64_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t big_endian = __builtin_bswap64(numbers[i]);
        add(text, &big_endian, sizeof(big_endian));
    }
}

static void add_rank(struct text *text, struct rank rank)
{
    const uint64_t numbers[] = {rank.epoch, rank.term, rank.seq};
    add_numbers(text, numbers, 3);
}

static struct text begin(const struct world *world, const char *tag)
{
    struct text text = {{0}, 0};
    add(&text, tag, strlen(tag) + 1);
    add(&text, world->set.chain.b, 32);
    return text;
}

static struct text vote_text(const struct world *world, const struct qc *qc)
{
    struct text text = begin(world, "apm2/vote/1");
    add_rank(&text, qc->rank);
    add(&text, qc->block.b, 32);
    add(&text, qc->parent.b, 32);
    add_rank(&text, qc->parent_rank);
    return text;
}

static struct text commit_text(const struct world *world, const struct cc *cc)
{
    struct text text = begin(world, "apm2/commit-vote/1");
    add_rank(&text, cc->rank);
    add(&text, cc->block.b, 32);
    return text;
}

/* Who is who in the epoch, from the proofs that were taken. */
static const struct members *members_of(const struct world *world, uint64_t epoch)
{
    return &world->roster->epochs[set_of_epoch(world, epoch) != NULL ? epoch : 0].members;
}

static bool signed_by(const struct world *world, const struct members *members, uint32_t signer,
                      const struct text *text, const struct sig *sig)
{
    return signer < members->n &&
           world_signed(world, &members->list[signer].key, span_of(text->bytes, text->size), sig);
}

/* All but f: those who are missing are at most a third less one. */
static bool is_quorum(const struct members *members, uint32_t n_signers)
{
    uint32_t missing = members->n - n_signers;
    return n_signers <= members->n && 3 * missing < members->n;
}

static bool signers_agree(const struct world *world, const struct members *members,
                          uint64_t signers, const struct sig *sigs, const struct text *text)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        if ((signers >> i & 1) == 0)
            continue;
        if (!signed_by(world, members, i, text, &sigs[i]))
            return false;
        n++;
    }
    return is_quorum(members, n);
}

static bool is_root(const struct world *world, const struct qc *qc)
{
    const struct validator_set *set = set_of_epoch(world, qc->rank.epoch);

    return set != NULL && qc->rank.term == 0 && qc->rank.seq == 0 && qc->signers == 0 &&
           memcmp(qc->block.b, set->root.b, 32) == 0;
}

bool independent_qc(const struct world *world, const struct qc *qc)
{
    struct text text = vote_text(world, qc);
    return is_root(world, qc) ||
           signers_agree(world, members_of(world, qc->rank.epoch), qc->signers, qc->sigs, &text);
}

bool independent_cc(const struct world *world, const struct cc *cc)
{
    struct text text = commit_text(world, cc);
    return signers_agree(world, members_of(world, cc->rank.epoch), cc->signers, cc->sigs, &text);
}

static bool independent_tc(const struct world *world, const struct tc *tc)
{
    const struct members *members = members_of(world, tc->term.epoch);
    uint32_t n = 0;

    for (uint32_t i = 0; i < VALIDATORS_MAX; i++) {
        const struct tc_timeout *timeout = &tc->timeouts[i];
        if ((tc->signers >> i & 1) == 0)
            continue;
        struct text text = begin(world, "apm2/timeout/1");
        const uint64_t numbers[] = {tc->term.epoch, timeout->term};
        add_numbers(&text, numbers, 2);
        add_rank(&text, timeout->high);
        if (!signed_by(world, members, i, &text, &timeout->sig) || timeout->term < tc->term.term ||
            rank_cmp(timeout->high, tc->high_qc.rank) > 0)
            return false;
        n++;
    }
    return is_quorum(members, n) && independent_qc(world, &tc->high_qc);
}

static const struct wire_header *header_of(const struct world *world, uint32_t block)
{
    return &world->pool.blocks[block].proposal.header;
}

static bool extends(const struct world *world, uint32_t block, uint32_t ancestor)
{
    return ancestor_at(&world->pool, block, header_of(world, ancestor)->height) == ancestor;
}

/* I5 across epochs: what is above a root descends from it, and a committed block of the epoch
 * that ended there stands on or below that root, or above it as what proved it and never
 * counts, however many epochs have come since. */
static bool is_of_later_epoch(const struct world *world, uint32_t certified, uint32_t committed)
{
    uint64_t ended = header_of(world, committed)->rank.epoch;
    const struct validator_set *set = set_of_epoch(world, ended + 1);

    if (set == NULL || header_of(world, certified)->rank.epoch <= ended)
        return false;
    uint32_t root = pool_find_block(&world->pool, &set->root);
    return root != NO_BLOCK && extends(world, certified, root) && extends(world, committed, root);
}

static void check_pair(struct world *world, uint32_t certified, uint32_t committed)
{
    world->stats->checks[CHECK_EXTENDS]++;
    if (rank_cmp(header_of(world, certified)->rank, header_of(world, committed)->rank) > 0 &&
        !extends(world, certified, committed) && !is_of_later_epoch(world, certified, committed))
        check_fail(world, CHECK_EXTENDS,
                   "block of epoch %" PRIu64 " term %" PRIu64 " seq %" PRIu64
                   " is certified beside the committed one of epoch %" PRIu64 " term %" PRIu64
                   " seq %" PRIu64,
                   header_of(world, certified)->rank.epoch, header_of(world, certified)->rank.term,
                   header_of(world, certified)->rank.seq, header_of(world, committed)->rank.epoch,
                   header_of(world, committed)->rank.term, header_of(world, committed)->rank.seq);
}

static void check_tc_pair(struct world *world, struct checked_tc tc, struct rank committed)
{
    world->stats->checks[CHECK_TC_CITES]++;
    if (tc.term.epoch == committed.epoch && tc.term.term >= committed.term &&
        rank_cmp(tc.high, committed) < 0)
        check_fail(world, CHECK_TC_CITES,
                   "TC(%" PRIu64 ") cites term %" PRIu64 " seq %" PRIu64 " but term %" PRIu64
                   " seq %" PRIu64 " has a CC",
                   tc.term.term, tc.high.term, tc.high.seq, committed.term, committed.seq);
}

/* A CC of this block exists, in one of the two forms. */
static void note_committed(struct world *world, uint32_t block)
{
    struct checkers *checkers = &world->checkers;

    for (uint32_t i = 0; i < checkers->n_committed; i++)
        if (checkers->with_cc[i] == block)
            return;
    checkers->with_cc[checkers->n_committed++] = block;
    for (uint32_t i = 0; i < checkers->n_certified; i++)
        check_pair(world, checkers->certified[i], block);
    for (uint32_t i = 0; i < checkers->n_tcs; i++)
        check_tc_pair(world, checkers->tcs[i], header_of(world, block)->rank);
}

static void note_certified(struct world *world, uint32_t block)
{
    struct checkers *checkers = &world->checkers;
    const struct wire_header *header = header_of(world, block);
    uint32_t parent = world->pool.blocks[block].parent;
    bool continues =
        term_cmp(rank_term(header->rank), rank_term(header_of(world, parent)->rank)) == 0;

    checkers->certified[checkers->n_certified++] = block;
    check_certified(world, block);
    check_config(world, block);
    world->stats->checks[CHECK_HANDOFF_LAST]++;
    if (continues && header_of(world, parent)->handoff != 0)
        check_fail(world, CHECK_HANDOFF_LAST, "a block follows a handoff in term %" PRIu64,
                   header->rank.term);
    world->stats->checks[CHECK_ONE_AUTHOR]++;
    if (continues && header->author != header_of(world, parent)->author)
        check_fail(world, CHECK_ONE_AUTHOR, "two authors in a chain of term %" PRIu64,
                   header->rank.term);
    for (uint32_t i = 0; i < checkers->n_committed; i++)
        check_pair(world, block, checkers->with_cc[i]);
}

void check_qc(struct world *world, const struct qc *qc)
{
    struct checkers *checkers = &world->checkers;
    uint32_t block = pool_find_block(&world->pool, &qc->block);
    uint64_t rank = fake_mix(fake_mix(fake_mix(17, qc->rank.epoch), qc->rank.term), qc->rank.seq);
    bool is_new;

    world->stats->checks[CHECK_PROOF]++;
    if (!independent_qc(world, qc) || block == NO_BLOCK) {
        check_fail(world, CHECK_PROOF, "a QC that no quorum signed");
        return;
    }
    if (is_root(world, qc))
        return;
    world->stats->checks[CHECK_ONE_QC]++;
    if (map_put(&checkers->qcs, rank, block, &is_new) != block)
        check_fail(world, CHECK_ONE_QC, "two QCs for term %" PRIu64 " seq %" PRIu64, qc->rank.term,
                   qc->rank.seq);
    if (is_new)
        note_certified(world, block);
    if (qc->parent_rank.term == qc->rank.term && qc->parent_rank.seq + 1 == qc->rank.seq)
        note_committed(world, world->pool.blocks[block].parent);
}

void check_cc(struct world *world, const struct cc *cc)
{
    uint32_t block = pool_find_block(&world->pool, &cc->block);

    world->stats->checks[CHECK_PROOF]++;
    if (!independent_cc(world, cc) || block == NO_BLOCK)
        check_fail(world, CHECK_PROOF, "a CC that no quorum signed");
    else
        note_committed(world, block);
}

void check_entry(struct world *world, const struct entry *entry)
{
    struct checkers *checkers = &world->checkers;

    if (entry->kind == ENTRY_HANDOFF)
        check_qc(world, &entry->handoff_qc);
    if (entry->kind != ENTRY_TC)
        return;
    world->stats->checks[CHECK_PROOF]++;
    if (!independent_tc(world, &entry->tc)) {
        check_fail(world, CHECK_PROOF, "a TC that no quorum signed");
        return;
    }
    check_qc(world, &entry->tc.high_qc);
    struct checked_tc tc = {entry->tc.term, entry->tc.high_qc.rank};
    checkers->tcs[checkers->n_tcs++] = tc;
    for (uint32_t i = 0; i < checkers->n_committed; i++)
        check_tc_pair(world, tc, header_of(world, checkers->with_cc[i])->rank);
}
