/* verify_pool: every job comes out once with its own verdict, and a full pool says so. */
#include "tests/support/unit.h"

#include <poll.h>
#include <sodium.h>

#include "common/bundle.h"
#include "services/consensus/verify_pool.h"

#define JOBS_MAX 64u

static struct verify_pool *pool;
static struct hash chain;
static uint8_t secret[64];
static struct key actor;

static void fixture(void)
{
    memset(chain.b, 0xc0, sizeof(chain.b));
    ck_assert_int_eq(crypto_sign_keypair(actor.b, secret), 0);
}

static void cleanup(void)
{
    verify_pool_stop(&pool);
}

static void start(uint32_t n_threads, uint64_t bytes_max)
{
    struct verify_pool_config config = {
        .chain = chain, .n_threads = n_threads, .jobs_max = JOBS_MAX, .bytes_max = bytes_max};
    ck_assert_int_eq(verify_pool_start(&config, &pool), APM_OK);
}

/* A good bundle of one event; its id in ret_id. */
static struct body *bundle(uint64_t nonce, struct hash *ret_id)
{
    static const char type[] = "LeaseIssued", canonicalizer[] = "msgpack", space[] = "kernel";
    static const uint8_t payload[] = {0x80};
    struct wire_event event = {
        .type = span_of(type, sizeof(type) - 1),
        .canonicalizer = span_of(canonicalizer, sizeof(canonicalizer) - 1),
        .canonicalizer_version = 1,
        .payload = span_of(payload, sizeof(payload)),
    };
    uint8_t encoded[512], out[2048];
    struct span events = span_of(encoded, wire_encode(WIRE_event, &event, encoded, 512));
    struct bundle_draft draft = {.chain = chain,
                                 .space = span_of(space, sizeof(space) - 1),
                                 .actor = actor,
                                 .nonce = nonce,
                                 .expiry_height = 100,
                                 .events = &events,
                                 .n_events = 1};
    size_t size = bundle_sign(&draft, secret, out, sizeof(out), ret_id);
    ck_assert_uint_gt(size, 0);
    return body_new(span_of(out, size));
}

static enum apm_err submit(struct body *body, uint64_t tag)
{
    struct verify_job job = {.body = body, .origin = actor, .tag = tag};
    return verify_pool_submit(pool, &job);
}

static size_t await(struct verify_job *ret_jobs, size_t max)
{
    struct pollfd pollfd = {.fd = verify_pool_fd(pool), .events = POLLIN};
    ck_assert_int_eq(poll(&pollfd, 1, 10000), 1);
    return verify_pool_drain(pool, ret_jobs, max);
}

static bool is_readable(void)
{
    struct pollfd pollfd = {.fd = verify_pool_fd(pool), .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

enum spoil { GOOD, NOISE, SIGNATURE, TRUNCATED };

static const struct row {
    const char *label;
    enum spoil spoil;
    enum bundle_verdict want;
} rows[] = {
    {"good", GOOD, BUNDLE_OK},
    {"noise", NOISE, BUNDLE_MALFORMED},
    {"signature", SIGNATURE, BUNDLE_BAD_SIGNATURE},
    {"truncated", TRUNCATED, BUNDLE_MALFORMED},
};

/* The signature's 64 bytes stand before the events; any of their bytes will do. */
static void spoil_signature(struct body *body)
{
    struct bundle_view view;
    ck_assert_int_eq(bundle_parse(body_span(body), &chain, &view), BUNDLE_OK);
    for (uint32_t i = 0; i + sizeof(struct sig) <= body->size; i++)
        if (memcmp(body->data + i, view.signature.b, sizeof(struct sig)) == 0) {
            body->data[i + 5] ^= 1;
            return;
        }
    ck_abort_msg("no signature found");
}

START_TEST(verdicts)
{
    const struct row *row = &rows[_i];
    struct hash id;
    struct body *body = bundle(1, &id);
    if (row->spoil == NOISE)
        memset(body->data, 0xc1, body->size);
    else if (row->spoil == SIGNATURE)
        spoil_signature(body);
    else if (row->spoil == TRUNCATED)
        body->size--;
    start(1, MIB);
    ck_assert_int_eq(submit(body, 77), APM_OK);

    struct verify_job done;
    ck_assert_uint_eq(await(&done, 1), 1);
    ck_assert_msg(done.verdict == row->want, "%s: %s", row->label,
                  bundle_verdict_text(done.verdict));
    ck_assert_uint_eq(done.tag, 77);
    ck_assert(key_eq(&done.origin, &actor));
    ck_assert_ptr_eq(done.body, body);
    if (row->want == BUNDLE_OK)
        ck_assert(hash_eq(&done.bundle.id, &id) && done.bundle.body.nonce == 1);
    ck_assert(!is_readable());
    ck_assert_uint_eq(verify_pool_depth(pool), 0);
    body_unref(&done.body);
}
END_TEST

/* Also with a batch smaller than what is done: the descriptor stays readable. */
START_TEST(each_job_comes_out_once)
{
    enum { N = 3000 };
    static uint8_t seen[N];
    struct verify_job done[7];
    uint32_t n_in = 0, n_out = 0;
    struct hash id;
    start((uint32_t)_i, MIB);
    struct body *body = bundle(1, &id);
    while (n_out < N) {
        for (; n_in < N; n_in++) {
            struct body *copy = body_new(body_span(body));
            if (submit(copy, n_in) != APM_OK) {
                body_unref(&copy);
                break;
            }
        }
        size_t n = await(done, N_ELEMENTS(done));
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(done[i].verdict, BUNDLE_OK);
            ck_assert(hash_eq(&done[i].bundle.id, &id));
            ck_assert_uint_eq(seen[done[i].tag]++, 0);
            body_unref(&done[i].body);
        }
        n_out += (uint32_t)n;
    }
    ck_assert(!is_readable());
    body_unref(&body);
}
END_TEST

/* Finished jobs count until they are drained: a slow loop bounds memory, too. */
START_TEST(full_says_busy)
{
    struct hash id;
    struct body *body = bundle(1, &id);
    uint32_t want = _i == 0 ? JOBS_MAX : 10;
    start(2, _i == 0 ? MIB : 10 * body->size);
    for (uint32_t i = 0; i < want; i++)
        ck_assert_int_eq(submit(body_new(body_span(body)), i), APM_OK);
    ck_assert_int_eq(submit(body, 0), APM_ERR_BUSY);
    ck_assert_uint_eq(verify_pool_depth(pool), want);

    struct verify_job done[JOBS_MAX];
    size_t n = await(done, 1);
    ck_assert_uint_eq(n, 1);
    body_unref(&done[0].body);
    ck_assert_int_eq(submit(body, 0), APM_OK);
}
END_TEST

START_TEST(stops_with_work_inside)
{
    struct hash id;
    start(2, MIB);
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        ck_assert_int_eq(submit(bundle(i, &id), i), APM_OK);
    verify_pool_stop(&pool);
    ck_assert_ptr_null(pool);
}
END_TEST

UNIT_MAIN("verify_pool", fixture, cleanup, {
    tcase_add_loop_test(tc, verdicts, 0, N_ELEMENTS(rows));
    tcase_add_loop_test(tc, each_job_comes_out_once, 1, 5);
    tcase_add_loop_test(tc, full_says_busy, 0, 2);
    tcase_add_test(tc, stops_with_work_inside);
})
