/*
 * verify_pool - threads that parse bundles and check their signatures at the door.
 *
 * Jobs go in through a bounded queue, results come out in batches: watch
 * verify_pool_fd for input, then verify_pool_drain. Results of different jobs may
 * come out of order. Everything here is called from the loop's thread. Start it
 * after the signer child is forked.
 *
 * A job's body belongs to the pool from a successful submit until it is drained.
 */
#ifndef APM2_VERIFY_POOL_H
#define APM2_VERIFY_POOL_H

#include "common/bundle.h"
#include "common/err.h"
#include "services/consensus/body.h"

struct verify_pool;

struct verify_pool_config {
    struct hash chain;
    uint32_t n_threads; /* 1..VERIFY_THREADS_MAX */
    uint32_t jobs_max;  /* queued, running and not yet drained */
    uint64_t bytes_max; /* of their bodies */
};

#define VERIFY_THREADS_MAX 64u

struct verify_job {
    struct body *body;
    struct key origin; /* who sent it: handed back as it is */
    uint64_t tag;      /* the caller's, handed back as it is */
    /* Set by the pool. */
    enum bundle_verdict verdict;
    struct bundle_view bundle; /* borrows from body; id is zero when MALFORMED */
};

enum apm_err verify_pool_start(const struct verify_pool_config *config,
                               struct verify_pool **ret_pool) WARN_UNUSED;

/* Takes job->body over. APM_ERR_BUSY when full: the body stays the caller's. */
enum apm_err verify_pool_submit(struct verify_pool *pool, const struct verify_job *job) WARN_UNUSED;

/* Readable while results wait. */
int verify_pool_fd(const struct verify_pool *pool);

/* Moves up to `max` results out, with their bodies; returns how many. */
size_t verify_pool_drain(struct verify_pool *pool, struct verify_job *ret_jobs, size_t max);

/* Jobs queued, running or not yet drained: for metrics. */
uint32_t verify_pool_depth(struct verify_pool *pool);

/* Stops the threads and drops whatever is still inside. NULL is fine. */
void verify_pool_stop(struct verify_pool **pool);

#endif
