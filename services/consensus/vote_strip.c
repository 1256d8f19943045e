#include "services/consensus/vote_strip.h"

#include <stddef.h>

static struct strip_block *find_committed(struct vote_strip *strip, struct rank rank)
{
    for (uint32_t i = 0; i < vote_strip_n(strip); i++) {
        struct strip_block *block = &strip->blocks[i];
        if (rank_eq(block->rank, rank))
            return block;
    }
    return NULL;
}

static uint64_t *find_open(struct vote_strip *strip, struct rank rank)
{
    for (uint32_t i = 0; i < VOTE_STRIP_OPEN; i++)
        if (strip->open[i].voters != 0 && rank_eq(strip->open[i].rank, rank))
            return &strip->open[i].voters;
    return NULL;
}

static uint64_t *add_open(struct vote_strip *strip, struct rank rank)
{
    uint32_t i = strip->next_open;

    strip->next_open = (i + 1) % VOTE_STRIP_OPEN;
    strip->open[i].rank = rank;
    strip->open[i].voters = 0;
    return &strip->open[i].voters;
}

void vote_strip_saw(struct vote_strip *strip, struct rank rank, uint32_t voter)
{
    struct strip_block *block = find_committed(strip, rank);
    uint64_t *voters = block != NULL ? &block->voters : find_open(strip, rank);

    if (voters == NULL)
        voters = add_open(strip, rank);
    *voters |= UINT64_C(1) << voter;
}

void vote_strip_commit(struct vote_strip *strip, const struct strip_block *block)
{
    struct strip_block *row = &strip->blocks[strip->n % VOTE_STRIP_HEIGHTS];
    uint64_t *seen = find_open(strip, block->rank);

    *row = *block;
    strip->n++;
    if (seen == NULL)
        return;
    row->voters |= *seen;
    *seen = 0;
}

uint32_t vote_strip_n(const struct vote_strip *strip)
{
    return (uint32_t)(strip->n < VOTE_STRIP_HEIGHTS ? strip->n : VOTE_STRIP_HEIGHTS);
}

const struct strip_block *vote_strip_at(const struct vote_strip *strip, uint32_t i)
{
    return &strip->blocks[(strip->n - vote_strip_n(strip) + i) % VOTE_STRIP_HEIGHTS];
}

const struct strip_block *vote_strip_settled(const struct vote_strip *strip)
{
    if (strip->n <= VOTE_STRIP_SETTLED)
        return NULL;
    return &strip->blocks[(strip->n - 1 - VOTE_STRIP_SETTLED) % VOTE_STRIP_HEIGHTS];
}
