/*
 * signer_rig - a signer child with a key and a safety file of its own.
 *
 * Owned by the test that includes it: signer_fixture() before, signer_cleanup() after.
 */
#ifndef APM2_TESTS_SIGNER_RIG_H
#define APM2_TESTS_SIGNER_RIG_H

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "common/keyfile.h"
#include "common/log.h"
#include "common/slot_file.h"
#include "services/consensus/signer.h"

static char directory[64];
static char key_path[96];
static char safety_path[96];
static struct sign_pair pair;
static struct signer_config config;
static struct signer *signer;
static struct signer_hello hello;
static struct why why;

static inline struct hash filled(char byte)
{
    struct hash hash;
    memset(hash.b, byte, sizeof(hash.b));
    return hash;
}

static inline size_t encode(const struct safety_record *record, uint8_t out[RECORD_BYTES_MAX])
{
    size_t size = safety_encode(record, out, RECORD_BYTES_MAX);
    ck_assert_uint_gt(size, 0);
    return size;
}

static inline void signer_fixture(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    (void)snprintf(directory, sizeof(directory), "/tmp/apm2-signer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(key_path, sizeof(key_path), "%s/n1.pem", directory);
    (void)snprintf(safety_path, sizeof(safety_path), "%s/n1.safety", directory);
    sign_pair_new(&pair);
    ck_assert_int_eq(keyfile_write_sign(key_path, &pair, &why), APM_OK);

    struct hash instance = filled('i');
    struct qc root = {.rank = {1, 0, 0}, .block = filled('r')};
    struct safety_record record;
    safety_init(&record, &instance, &root);
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t size = encode(&record, bytes);
    ck_assert_int_eq(slot_file_create(safety_path, record.counter, span_of(bytes, size)), APM_OK);
    config = (struct signer_config){key_path, safety_path, filled('c')};
}

static inline void signer_cleanup(void)
{
    signer_stop(&signer);
    unlink(key_path);
    unlink(safety_path);
    rmdir(directory);
}

static inline void start(void)
{
    ck_assert_msg(signer_start(&config, &signer, &hello, &why) == APM_OK, "%s", why.text);
}

static inline void kill_child(void)
{
    ck_assert_int_eq(kill(signer_pid(signer), SIGKILL), 0);
    signer_stop(&signer);
}

static inline struct intent vote(uint64_t seq, char block)
{
    struct intent intent = {.kind = INTENT_VOTE};
    intent.vote = (struct wire_vote){.rank = {1, 1, seq}, .block = filled(block)};
    intent.vote.parent_rank = (struct rank){1, 1, seq - 1};
    return intent;
}

/* hello.record is kept as the node's record: one counter further with each request. */
static inline enum apm_err request(const struct intent *intents, uint32_t n_intents)
{
    uint8_t bytes[RECORD_BYTES_MAX];
    struct safety_record proposed = hello.record;
    proposed.counter++;
    struct sign_job job = {.token = proposed.counter,
                           .record = span_of(bytes, encode(&proposed, bytes)),
                           .n_intents = n_intents,
                           .intents = intents};
    return signer_send(signer, &job);
}

static inline void await_input(void)
{
    struct pollfd pollfd = {.fd = signer_fd(signer), .events = POLLIN};
    ck_assert_int_eq(poll(&pollfd, 1, 10000), 1);
}

static inline enum signer_event await(struct sign_result *ret_result)
{
    await_input();
    enum signer_event event = signer_receive(signer, ret_result);
    if (event == SIGNER_SIGNED)
        hello.record.counter = ret_result->token;
    return event;
}

static inline enum signer_event sign(const struct intent *intents, uint32_t n_intents,
                                     struct sign_result *ret_result)
{
    ck_assert_int_eq(request(intents, n_intents), APM_OK);
    return await(ret_result);
}

static inline bool is_signed(const struct intent *intent, const struct sig *sig)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    size_t size = intent_statement(&config.chain, intent, statement);
    return sig_check_ed25519(&pair.public_key, span_of(statement, size), sig);
}

/* What stands in the file once nobody holds it. */
static inline struct safety_record file_record(void)
{
    struct slot_file *file;
    ck_assert_int_eq(slot_file_open(safety_path, &file), APM_OK);
    uint64_t counter;
    struct span bytes;
    bool is_torn;
    struct safety_record record;
    slot_file_newest(file, &counter, &bytes, &is_torn);
    ck_assert(safety_decode(bytes, &record));
    ck_assert_uint_eq(record.counter, counter);
    slot_file_close(&file);
    return record;
}

#endif
