/*
 * accuse - what this validator saw of others' misbehaviour, kept and handed to its monitor.
 *
 * The node's side of common/evidence: handlers say what they received, this decides what
 * is worth a report. Proofs name who signed; bad signatures and replays name the member
 * whose session brought them. Nothing here changes what the protocol does with a message,
 * and nothing waits for the monitor.
 */
#ifndef APM2_ACCUSE_H
#define APM2_ACCUSE_H

#include "common/evidence/evidence.h"
#include "common/metric.h"
#include "services/consensus/reporter.h"
#include "services/consensus/witness.h"

struct node;

struct accuser {
    struct witness *witness;
    struct reporter *reporter;
    enum wire_id handled; /* the frame under way, for sightings; 0 = none */
    struct span frame;
    uint64_t n_dropped[VALIDATORS_MAX]; /* as last counted */
};

WARN_UNUSED enum apm_err accuse_start(struct node *node);
void accuse_stop(struct node *node);

/* Around the handling of one frame. */
void accuse_handle(struct node *node, enum wire_id id, struct span frame);
void accuse_handled(struct node *node);

/* A message with a good signature, from its signer's own session. */
void accuse_saw_vote(struct node *node, const struct wire_vote *vote, struct span frame);
void accuse_saw_commit_vote(struct node *node, const struct wire_commit_vote *vote,
                            struct span frame);
void accuse_saw_timeout(struct node *node, const struct wire_timeout *timeout);
/* The author's signature is good; `from` is whoever passed it on. */
void accuse_saw_proposal(struct node *node, const struct wire_header *header,
                         const struct wire_proposal *proposal);

/* The frame under way bears a signature that is not its signer's. */
void accuse_bad_signature(struct node *node, uint32_t from);
/* It is a vote, commit vote or timeout of another than `from`: no honest member sends it. */
void accuse_not_its_own(struct node *node, uint32_t from);
/* A proposal with a good signature cites a certificate that does not verify. */
void accuse_cited(struct node *node, const struct wire_proposal *proposal, struct span certificate);

/* What other nodes need if they heard the contrary: messages of the winner's rank that say
 * something else, and a proposal that will never be committed. */
void accuse_committed(struct node *node, struct rank rank, const struct hash *block);
void accuse_forgotten(struct node *node, const struct hash *block);

void accuse_gauges(struct node *node);

#endif
