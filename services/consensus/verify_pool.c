#include "services/consensus/verify_pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/must.h"

/* What a thread takes per visit: a lock and a wake-up pay for this many checks. */
#define BATCH_MAX 16u

/* A FIFO of jobs; `jobs_max` of the pool bounds both of them. */
struct ring {
    struct verify_job *jobs;
    uint32_t capacity;
    uint32_t first;
    uint32_t n;
};

struct verify_pool {
    struct hash chain;
    uint32_t jobs_max;
    uint64_t bytes_max;
    int event;
    uint32_t n_threads;
    pthread_t threads[VERIFY_THREADS_MAX];

    pthread_mutex_t lock;
    pthread_cond_t has_work;
    /* Under the lock. */
    struct ring todo;
    struct ring done;
    uint32_t n_inside; /* queued, running, done */
    uint64_t bytes_inside;
    uint32_t n_idle;
    bool is_stopping;
};

static void ring_put(struct ring *ring, const struct verify_job *job)
{
    MUST(ring->n < ring->capacity);
    ring->jobs[(ring->first + ring->n) % ring->capacity] = *job;
    ring->n++;
}

static struct verify_job ring_take(struct ring *ring)
{
    MUST(ring->n > 0);
    struct verify_job job = ring->jobs[ring->first];
    ring->first = (ring->first + 1) % ring->capacity;
    ring->n--;
    return job;
}

static void lock(struct verify_pool *pool)
{
    MUST(pthread_mutex_lock(&pool->lock) == 0);
}

static void unlock(struct verify_pool *pool)
{
    MUST(pthread_mutex_unlock(&pool->lock) == 0);
}

static void ring_bell(const struct verify_pool *pool)
{
    const uint64_t one = 1;
    ssize_t written;
    do {
        written = write(pool->event, &one, sizeof(one));
    } while (written < 0 && errno == EINTR);
    MUST(written == sizeof(one));
}

/* ---- threads ---- */

static void check(const struct verify_pool *pool, struct verify_job *job)
{
    job->bundle = (struct bundle_view){.bytes = body_span(job->body)};
    job->verdict = bundle_parse(body_span(job->body), &pool->chain, &job->bundle);
    if (job->verdict == BUNDLE_OK)
        job->verdict = bundle_verify(&job->bundle, &pool->chain);
}

/* A fair share of what waits, so that no thread sits on work while others idle. */
static uint32_t take_batch(struct verify_pool *pool, struct verify_job batch[BATCH_MAX])
{
    while (pool->todo.n == 0 && !pool->is_stopping) {
        pool->n_idle++;
        MUST(pthread_cond_wait(&pool->has_work, &pool->lock) == 0);
        pool->n_idle--;
    }
    if (pool->is_stopping)
        return 0;
    uint32_t n = (pool->todo.n + pool->n_threads - 1) / pool->n_threads;
    if (n > BATCH_MAX)
        n = BATCH_MAX;
    for (uint32_t i = 0; i < n; i++)
        batch[i] = ring_take(&pool->todo);
    return n;
}

static void give_batch(struct verify_pool *pool, const struct verify_job *batch, uint32_t n)
{
    bool was_empty = pool->done.n == 0;
    for (uint32_t i = 0; i < n; i++)
        ring_put(&pool->done, &batch[i]);
    /* The loop drains everything per wake-up: one bell until it has. */
    if (was_empty)
        ring_bell(pool);
}

static void *thread_main(void *argument)
{
    struct verify_pool *pool = argument;
    struct verify_job batch[BATCH_MAX];

    lock(pool);
    for (;;) {
        uint32_t n = take_batch(pool, batch);
        if (n == 0)
            break;
        unlock(pool);
        for (uint32_t i = 0; i < n; i++)
            check(pool, &batch[i]);
        lock(pool);
        give_batch(pool, batch, n);
    }
    unlock(pool);
    return NULL;
}

/* ---- the loop's side ---- */

static struct ring ring_new(uint32_t capacity)
{
    return (struct ring){.jobs = mem_new(capacity, sizeof(struct verify_job)),
                         .capacity = capacity};
}

/* Signals are the loop's; a thread of ours must not take them. */
static bool start_threads(struct verify_pool *pool, uint32_t n_threads)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    MUST(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    lock(pool); /* n_threads is read under it */
    bool ok = true;
    while (ok && pool->n_threads < n_threads) {
        ok = pthread_create(&pool->threads[pool->n_threads], NULL, thread_main, pool) == 0;
        if (ok)
            pool->n_threads++;
    }
    unlock(pool);
    MUST(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return ok;
}

enum apm_err verify_pool_start(const struct verify_pool_config *config,
                               struct verify_pool **ret_pool)
{
    MUST(config->n_threads > 0 && config->n_threads <= VERIFY_THREADS_MAX);
    MUST(config->jobs_max > 0);

    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0)
        return APM_ERR_IO;
    struct verify_pool *pool = mem_new(1, sizeof(*pool));
    pool->chain = config->chain;
    pool->jobs_max = config->jobs_max;
    pool->bytes_max = config->bytes_max;
    pool->event = event;
    pool->todo = ring_new(config->jobs_max);
    pool->done = ring_new(config->jobs_max);
    MUST(pthread_mutex_init(&pool->lock, NULL) == 0);
    MUST(pthread_cond_init(&pool->has_work, NULL) == 0);
    if (!start_threads(pool, config->n_threads)) {
        verify_pool_stop(&pool);
        return APM_ERR_FAILED;
    }
    *ret_pool = pool;
    return APM_OK;
}

enum apm_err verify_pool_submit(struct verify_pool *pool, const struct verify_job *job)
{
    lock(pool);
    bool is_full =
        pool->n_inside == pool->jobs_max || pool->bytes_inside + job->body->size > pool->bytes_max;
    if (!is_full) {
        ring_put(&pool->todo, job);
        pool->n_inside++;
        pool->bytes_inside += job->body->size;
        /* Busy threads come back for it by themselves. */
        if (pool->n_idle > 0)
            MUST(pthread_cond_signal(&pool->has_work) == 0);
    }
    unlock(pool);
    return is_full ? APM_ERR_BUSY : APM_OK;
}

int verify_pool_fd(const struct verify_pool *pool)
{
    return pool->event;
}

size_t verify_pool_drain(struct verify_pool *pool, struct verify_job *ret_jobs, size_t max)
{
    uint64_t rings;
    lock(pool);
    /* The bell is silenced first and rung again if something stays. */
    ssize_t got = read(pool->event, &rings, sizeof(rings));
    MUST(got == sizeof(rings) || errno == EAGAIN);
    size_t n = 0;
    while (n < max && pool->done.n > 0) {
        ret_jobs[n] = ring_take(&pool->done);
        pool->bytes_inside -= ret_jobs[n].body->size;
        pool->n_inside--;
        n++;
    }
    if (pool->done.n > 0)
        ring_bell(pool);
    unlock(pool);
    return n;
}

uint32_t verify_pool_depth(struct verify_pool *pool)
{
    lock(pool);
    uint32_t n = pool->n_inside;
    unlock(pool);
    return n;
}

static void ring_release(struct ring *ring)
{
    while (ring->n > 0) {
        struct verify_job job = ring_take(ring);
        body_unref(&job.body);
    }
    free(ring->jobs);
}

void verify_pool_stop(struct verify_pool **pool)
{
    struct verify_pool *it = *pool;
    if (it == NULL)
        return;
    *pool = NULL;
    lock(it);
    it->is_stopping = true;
    MUST(pthread_cond_broadcast(&it->has_work) == 0);
    unlock(it);
    for (uint32_t i = 0; i < it->n_threads; i++)
        MUST(pthread_join(it->threads[i], NULL) == 0);
    ring_release(&it->todo);
    ring_release(&it->done);
    MUST(pthread_cond_destroy(&it->has_work) == 0);
    MUST(pthread_mutex_destroy(&it->lock) == 0);
    close(it->event);
    free(it);
}
