/*
 * vote_strip - who voted for each of the last blocks, for operators: at a glance, who does
 * not vote.
 *
 * Pure. A certificate closes at a quorum and says nothing of those who came a moment later;
 * this counts every vote and commit vote that got here, late ones too. Says nothing to
 * the protocol. Limits: VOTE_STRIP_HEIGHTS committed blocks, VOTE_STRIP_OPEN ranks that are
 * not committed yet; more ranks push the oldest out.
 */
#ifndef APM2_VOTE_STRIP_H
#define APM2_VOTE_STRIP_H

#include "common/ids.h"
#include "common/limits.h"

#define VOTE_STRIP_HEIGHTS 60u
#define VOTE_STRIP_OPEN 16u

/* After so many more blocks a vote that is not here is missing. */
#define VOTE_STRIP_SETTLED 8u

struct strip_block {
    uint64_t height;
    struct rank rank;
    uint32_t author;
    uint64_t voters; /* bit per validator; 0: nothing is known of this block's votes */
};

struct vote_strip {
    struct strip_block blocks[VOTE_STRIP_HEIGHTS]; /* ring, dense in height */
    uint64_t n;                                    /* committed since the start */
    struct {
        struct rank rank;
        uint64_t voters;
    } open[VOTE_STRIP_OPEN]; /* ring */
    uint32_t next_open;
};

/* A verified vote or commit vote. */
void vote_strip_saw(struct vote_strip *strip, struct rank rank, uint32_t voter);

/* The block was committed; `block->voters` are its certificate's signers, if known. */
void vote_strip_commit(struct vote_strip *strip, const struct strip_block *block);

/* How many there are, at most VOTE_STRIP_HEIGHTS; the i-th, oldest first. */
uint32_t vote_strip_n(const struct vote_strip *strip);
const struct strip_block *vote_strip_at(const struct vote_strip *strip, uint32_t i);

/* The block that became settled with the last commit, NULL if none did. */
const struct strip_block *vote_strip_settled(const struct vote_strip *strip);

#endif
