/*
 * checkers - the invariants of PROTOCOL.md, judged from what was signed, sent and
 * committed, never from a core's inside.
 *
 * The first violation ends the run. Certificates are judged by an implementation
 * of their rules that shares no code with common/cert.
 */
#ifndef APM2_SIM_CHECKERS_H
#define APM2_SIM_CHECKERS_H

#include "tests/sim/map.h"
#include "tests/sim/net.h"
#include "tests/sim/pool.h"

struct action;
struct message;
struct world;
struct replica;

enum check {
    CHECK_AGREEMENT,     /* one block at a height */
    CHECK_ONE_SIGNATURE, /* I1: one vote and one proposal a rank, a key */
    CHECK_ONE_QC,        /* I2 */
    CHECK_TIMED_OUT,     /* I3 */
    CHECK_TC_CITES,      /* I4 */
    CHECK_EXTENDS,       /* I5 */
    CHECK_HANDOFF_LAST,  /* I6 */
    CHECK_ONE_AUTHOR,    /* I7 */
    CHECK_STATE,         /* I8 */
    CHECK_TERM_RISES,    /* I9 */
    CHECK_PROGRESS,      /* I10 */
    CHECK_ACCUSED,       /* I11 */
    CHECK_ACCUSES,       /* who signs two things for one rank is accused by who heard both */
    CHECK_LINKED,        /* heights without a gap, hashes linked */
    CHECK_PROOF,         /* commit proofs and certificates, by our own verifier */
    CHECK_ONCE,          /* a request stands once in the chain */
    CHECK_NOTHING_LOST,  /* what was acknowledged is in every final chain */
    CHECK_SIGNER,        /* the signer grants what the core asks */
    CHECK_NO_OBSERVER,   /* crashes alone make no observer */
    CHECK_BODY_STORED,   /* what is voted for is on disk, bundles and all */
    CHECK_IDLE,          /* nothing pending: the height stands still */
    CHECK_LAWFUL,        /* VOTE rule 3, of what is certified */
    CHECK_TIME,          /* rule 6 */
    CHECK_BOUNDED,       /* queues, and what is sent */
    CHECK_EPOCH_PROOF,   /* by our own verifier, from genesis on */
    CHECK_ONE_SET,       /* one V_e per epoch */
    CHECK_PINNED,        /* nobody signs outside its epoch */
    CHECK_CONFIG,        /* VOTE rule 7, of what is certified */
    CHECKS_END,
};

const char *check_name(enum check check);

#define HEIGHTS_MAX 4096u

struct checkers {
    bool has_failed;
    enum check what;
    char why[512];

    uint32_t committed[HEIGHTS_MAX]; /* by height, up to `height`: the block */
    uint64_t height;                 /* highest committed by anybody */
    uint64_t acknowledged;           /* highest height durable at who committed it */
    uint64_t requests;               /* committed */
    struct map signatures;           /* key, kind, rank -> block + 1, or what it said */
    struct map qcs;                  /* rank -> block */
    struct map heard;                /* by whom, of whom, kind, rank -> what it said */
    struct heard_newest {
        uint64_t boot, epoch, about;
        uint32_t what;
    } newest[2][NET_REPLICAS_MAX][VALIDATORS_MAX]; /* timeout, checkpoint: by whom, of whom */
    struct sending {
        uint64_t window;
        uint32_t n;
    } sending[NET_REPLICAS_MAX];
    bool must_accuse; /* the step under way has to */
    uint32_t must_accuse_key;
    uint32_t must_accuse_block; /* NO_BLOCK, or only if the core still holds it */
    struct term timed_out[VALIDATORS_MAX];
    struct term term[NET_REPLICAS_MAX]; /* of each replica's run */

    uint32_t n_committed, n_certified, n_tcs;
    uint32_t with_cc[BLOCKS_MAX]; /* blocks that have a CC */
    uint32_t certified[BLOCKS_MAX];
    struct checked_tc {
        struct term term;
        struct rank high;
    } tcs[ENTRIES_MAX];
};

void checkers_reset(struct world *world);

void check_fail(struct world *world, enum check what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* check_sign.c */
void check_signed(struct world *world, const struct replica *replica, const struct intent *intent);
void check_accused(struct world *world, const struct replica *replica, const struct action *action);
/* check_bounded.c: of what waits there are n; false: too many. A core sends a message. */
bool check_fits(struct world *world, const struct replica *replica, const char *what,
                uint32_t n_max, uint32_t n);
void check_sends(struct world *world, const struct replica *replica);

/* check_accuse.c: around the step that a message goes into. */
void check_hears(struct world *world, const struct replica *replica, const struct message *message);
void check_heard(struct world *world, const struct replica *replica, const struct message *message,
                 uint32_t boot);
/* A new run of the replica begins. */
void check_booted(struct world *world, const struct replica *replica);
void check_term(struct world *world, const struct replica *replica, struct term term);

/* check_cert.c: a certificate turned up, once each. */
void check_qc(struct world *world, const struct qc *qc);
void check_cc(struct world *world, const struct cc *cc);
void check_entry(struct world *world, const struct entry *entry);
/* By the rules alone, without common/cert. */
bool independent_qc(const struct world *world, const struct qc *qc);
bool independent_cc(const struct world *world, const struct cc *cc);

/* check_epoch.c: a replica enters by this proof; signs in that epoch; a block has a QC. */
void check_epoch_proof(struct world *world, const struct replica *replica,
                       const struct epoch_proof *proof);
void check_pinned(struct world *world, const struct replica *replica, uint64_t epoch);
void check_config(struct world *world, uint32_t block);

/* check_block.c: a block has a QC. */
void check_certified(struct world *world, uint32_t block);

/* check_chain.c */
void check_commit(struct world *world, const struct replica *replica, uint32_t block,
                  const struct commit_proof *proof);
void check_acknowledged(struct world *world, const struct replica *replica, uint32_t block);
void check_checkpoint(struct world *world, const struct replica *replica,
                      const struct action *action);
/* After healing, when nothing is due any more. */
void check_end(struct world *world);

/* Is everything committed and executed everywhere that has to be? */
bool check_is_done(const struct world *world);

#endif
