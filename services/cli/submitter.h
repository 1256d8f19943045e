/*
 * submitter - sends events as bundles and follows each to its end.
 *
 * A bounded window of bundles is under way at once. BUSY is answered with a growing
 * pause; a node that falls silent with another one, which gets the same bytes: a
 * bundle takes effect once, however often it is sent. Bundles are signed as they are
 * sent, so that their expiry counts from the height the chain has reached.
 *
 * Nonces go on from the highest that any reachable node knows of. A bundle whose nonce
 * was used by another one all the same can never apply: its events are signed again.
 *
 * Owns nothing it is given. Bundles and their outcomes are in the batches.
 */
#ifndef APM2_CLI_SUBMITTER_H
#define APM2_CLI_SUBMITTER_H

#include "services/cli/cluster.h"
#include "services/libapm2/apm2.h"

enum batch_state {
    BATCH_QUEUED,    /* not sent yet, or to be sent again at next_ms */
    BATCH_SENT,      /* no answer yet */
    BATCH_ACCEPTED,  /* outcome to follow */
    BATCH_FINAL,     /* codes */
    BATCH_EXPIRED,   /* never ordered */
    BATCH_REFUSED,   /* at the door: why */
    BATCH_UNDECIDED, /* the time was over: it may still be ordered */
};

/* Events signed together. */
struct batch {
    struct batch_event {
        struct apm2_event *event;
        uint64_t line; /* of the input */
    } * events;
    uint32_t n_events;
    enum batch_state state;
    struct apm2_bundle *bundle; /* once signed; kept: its bytes may be sent again */
    uint32_t n_signed;
    uint32_t lesson;     /* how often nonces were asked for before it was signed */
    uint64_t sent_us;    /* the first time */
    uint64_t latency_us; /* to the outcome */
    uint64_t next_ms;    /* QUEUED again: not before */
    uint32_t n_busy;
    uint64_t height;
    uint8_t *codes;      /* FINAL: one per event */
    struct apm2_why why; /* REFUSED */
};

struct batches {
    struct batch *list;
    uint32_t n;
};

/* Also what was made of them. */
void batches_release(struct batches *batches);

struct submitter_plan {
    const struct cluster *cluster;
    struct apm2_cluster *chain;
    struct apm2_key *key;
    uint32_t first_node; /* index in the cluster */
    bool is_only_node;   /* --node: do not turn to others */
    uint64_t expiry_heights;
    uint32_t window;
    uint64_t timeout_ms; /* longest time without any progress */
    /* Called now and then; may be NULL. */
    void (*progress)(void *context, const struct batch *batches, uint32_t n_done);
    void *context;
};

struct submit_totals {
    uint64_t applied, rejected, expired, refused, undecided; /* events */
    uint64_t elapsed_us;
};

/* Returns once every batch has come to its end or nothing has moved for timeout_ms.
 * An error only when it could not begin. */
WARN_UNUSED enum apm_err submitter_run(const struct submitter_plan *plan,
                                       const struct batches *batches,
                                       struct submit_totals *ret_totals,
                                       struct complaint *ret_complaint);

/* An apm2_why as a complaint; returns its err. */
enum apm_err complain_why(struct complaint *complaint, const struct apm2_why *why);

#endif
