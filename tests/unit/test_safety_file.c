/*
 * The signer child on real files: what it refuses, what survives its death, and that
 * nothing is signed that is not durable.
 */
#include "tests/support/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static struct hash filled(char byte)
{
    struct hash hash;
    memset(hash.b, byte, sizeof(hash.b));
    return hash;
}

static size_t encode(const struct safety_record *record, uint8_t out[RECORD_BYTES_MAX])
{
    size_t size = safety_encode(record, out, RECORD_BYTES_MAX);
    ck_assert_uint_gt(size, 0);
    return size;
}

static void fixture(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(directory, sizeof(directory), "/tmp/apm2-signer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(key_path, sizeof(key_path), "%s/n1.pem", directory);
    snprintf(safety_path, sizeof(safety_path), "%s/n1.safety", directory);
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

static void cleanup(void)
{
    signer_stop(&signer);
    unlink(key_path);
    unlink(safety_path);
    rmdir(directory);
}

static void start(void)
{
    ck_assert_msg(signer_start(&config, &signer, &hello, &why) == APM_OK, "%s", why.text);
}

static void kill_child(void)
{
    ck_assert_int_eq(kill(signer_pid(signer), SIGKILL), 0);
    signer_stop(&signer);
}

static struct intent vote(uint64_t seq, char block)
{
    struct intent intent = {.kind = INTENT_VOTE};
    intent.vote = (struct wire_vote){.rank = {1, 1, seq}, .block = filled(block)};
    intent.vote.parent_rank = (struct rank){1, 1, seq - 1};
    return intent;
}

/* hello.record is kept as the node's record: one counter further with each request. */
static enum apm_err request(const struct intent *intents, uint32_t n_intents)
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

static void await_input(void)
{
    struct pollfd pollfd = {.fd = signer_fd(signer), .events = POLLIN};
    ck_assert_int_eq(poll(&pollfd, 1, 10000), 1);
}

static enum signer_event await(struct sign_result *ret_result)
{
    await_input();
    enum signer_event event = signer_receive(signer, ret_result);
    if (event == SIGNER_SIGNED)
        hello.record.counter = ret_result->token;
    return event;
}

static enum signer_event sign(const struct intent *intents, uint32_t n_intents,
                              struct sign_result *ret_result)
{
    ck_assert_int_eq(request(intents, n_intents), APM_OK);
    return await(ret_result);
}

static bool is_signed(const struct intent *intent, const struct sig *sig)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    size_t size = intent_statement(&config.chain, intent, statement);
    return sig_check_ed25519(&pair.public_key, span_of(statement, size), sig);
}

/* What stands in the file once nobody holds it. */
static struct safety_record file_record(void)
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

START_TEST(signs_what_is_durable)
{
    start();
    ck_assert_int_eq(hello.file_state, SAFETY_FILE_GOOD);
    ck_assert(!hello.is_newest_torn);
    ck_assert(key_eq(&hello.key, &pair.public_key));
    ck_assert_uint_eq(hello.record.counter, 1);

    struct intent intents[] = {{.kind = INTENT_PROPOSAL}, vote(1, 'A'), vote(1, 'A')};
    intents[0].proposal.rank = (struct rank){1, 1, 1};
    intents[0].proposal.block = filled('A');
    struct sign_result result;
    ck_assert_int_eq(sign(intents, 3, &result), SIGNER_SIGNED);
    ck_assert_uint_eq(result.token, 2);
    ck_assert_uint_eq(result.n_sigs, 3);
    for (int i = 0; i < 3; i++)
        ck_assert(is_signed(&intents[i], &result.sigs[i]));
    ck_assert_mem_eq(&result.sigs[1], &result.sigs[2], sizeof(struct sig));

    signer_stop(&signer);
    struct safety_record record = file_record();
    ck_assert_uint_eq(record.counter, 2);
    ck_assert(rank_eq(record.last_vote, (struct rank){1, 1, 1}));
    ck_assert(rank_eq(record.last_proposal, (struct rank){1, 1, 1}));
}
END_TEST

START_TEST(no_second_vote_across_restarts)
{
    struct intent first = vote(5, 'A'), second = vote(5, 'B');
    struct intent both[] = {vote(6, 'C'), second};
    struct sign_result result;
    start();
    ck_assert_int_eq(sign(&first, 1, &result), SIGNER_SIGNED);

    for (int restart = 0; restart < 3; restart++) {
        ck_assert_int_eq(sign(&second, 1, &result), SIGNER_REFUSED);
        ck_assert_uint_eq(result.n_sigs, 0);
        ck_assert_uint_eq(result.refused, 1);
        ck_assert_int_eq(result.verdict, SAFETY_RANK_TOO_LOW);
        /* One bad statement refuses the request, and changes nothing. */
        ck_assert_int_eq(sign(both, 2, &result), SIGNER_REFUSED);
        ck_assert_uint_eq(result.n_sigs, 0);
        ck_assert_uint_eq(result.refused, 2);
        if (restart == 1)
            kill_child();
        else
            signer_stop(&signer);
        start();
        ck_assert(rank_eq(hello.record.last_vote, (struct rank){1, 1, 5}));
        ck_assert_uint_eq(hello.record.counter, 2);
    }
}
END_TEST

/* Written, signed and on its way, but the node never saw it. */
START_TEST(a_lost_answer_is_given_again)
{
    struct intent intent = vote(5, 'A'), other = vote(5, 'B');
    struct sign_result result;
    start();
    ck_assert_int_eq(request(&intent, 1), APM_OK);
    await_input();
    kill_child();

    start();
    ck_assert_uint_eq(hello.record.counter, 2);
    ck_assert(rank_eq(hello.record.last_vote, (struct rank){1, 1, 5}));
    ck_assert_int_eq(sign(&other, 1, &result), SIGNER_REFUSED);
    ck_assert_int_eq(sign(&intent, 1, &result), SIGNER_SIGNED);
    ck_assert(is_signed(&intent, &result.sigs[0]));
    struct sig first = result.sigs[0];
    ck_assert_int_eq(sign(&intent, 1, &result), SIGNER_SIGNED);
    ck_assert_mem_eq(&result.sigs[0], &first, sizeof(first));
}
END_TEST

/* At whatever moment it dies: what was signed is in the file, and a start goes on. */
START_TEST(killed_at_any_moment)
{
    struct sign_result result;
    for (uint64_t round = 1; round <= 60; round++) {
        start();
        uint64_t before = hello.record.last_vote.seq;
        struct intent intent = vote(before + 1, 'A'), other = vote(before + 1, 'B');
        ck_assert_int_eq(request(&intent, 1), APM_OK);
        usleep((useconds_t)(round * 37 % 600));
        ck_assert_int_eq(kill(signer_pid(signer), SIGKILL), 0);
        await_input();
        bool was_signed = signer_receive(signer, &result) == SIGNER_SIGNED;
        signer_stop(&signer);

        start();
        ck_assert_int_eq(hello.file_state, SAFETY_FILE_GOOD);
        bool is_noted = hello.record.last_vote.seq == before + 1;
        ck_assert(is_noted || (hello.record.last_vote.seq == before && !was_signed));
        enum signer_event want = is_noted ? SIGNER_REFUSED : SIGNER_SIGNED;
        ck_assert_int_eq(sign(&other, 1, &result), want);
        signer_stop(&signer);
    }
}
END_TEST

START_TEST(a_repair_writes_the_node_s_record)
{
    start();
    hello.record.last_vote = (struct rank){1, 3, 1};
    hello.record.last_vote_id = filled('M');
    struct sign_result result;
    ck_assert_int_eq(sign(NULL, 0, &result), SIGNER_SIGNED);
    ck_assert_uint_eq(result.n_sigs, 0);
    struct intent intent = vote(5, 'A');
    ck_assert_int_eq(sign(&intent, 1, &result), SIGNER_REFUSED);
    signer_stop(&signer);
    struct safety_record record = file_record();
    ck_assert(rank_eq(record.last_vote, (struct rank){1, 3, 1}));
}
END_TEST

START_TEST(a_gap_of_the_counter_is_refused)
{
    start();
    hello.record.counter += 1;
    struct intent intent = vote(5, 'A');
    struct sign_result result;
    ck_assert_int_eq(sign(&intent, 1, &result), SIGNER_REFUSED);
    ck_assert_uint_eq(result.refused, 0);
    ck_assert_int_eq(result.verdict, SAFETY_MALFORMED);
}
END_TEST

/* ---- the world ---- */

START_TEST(a_write_that_fails_signs_nothing)
{
    struct rlimit before, limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){1024, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    start(); /* it keeps the limit; this test has a log of its own to write */
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    struct intent intent = vote(5, 'A');
    struct sign_result result;
    ck_assert_int_eq(sign(&intent, 1, &result), SIGNER_GONE);
    ck_assert_int_eq(signer_receive(signer, &result), SIGNER_GONE);
    ck_assert_int_eq(request(&intent, 1), APM_ERR_FAILED);
    signer_stop(&signer);
    struct safety_record record = file_record();
    ck_assert_uint_eq(record.counter, 1);
}
END_TEST

static void expect_observer(enum safety_file_state state)
{
    start();
    ck_assert_int_eq(hello.file_state, state);
    ck_assert_ptr_nonnull(strstr(hello.why.text, safety_path));
    struct intent intent = vote(1, 'A');
    struct sign_result result;
    ck_assert_int_eq(sign(&intent, 1, &result), SIGNER_REFUSED);
    ck_assert_int_eq(result.verdict, SAFETY_OBSERVING);
    ck_assert_int_eq(sign(NULL, 0, &result), SIGNER_REFUSED);
}

START_TEST(no_file_observes)
{
    ck_assert_int_eq(unlink(safety_path), 0);
    expect_observer(SAFETY_FILE_MISSING);
    signer_stop(&signer);
    ck_assert_int_eq(access(safety_path, F_OK), -1); /* never born by a start */
}
END_TEST

START_TEST(a_corrupt_file_observes)
{
    int fd = open(safety_path, O_WRONLY);
    static const uint8_t noise[2 * (RECORD_BYTES_MAX + 4096)] = {0x5a};
    ck_assert_int_eq(pwrite(fd, noise, sizeof(noise), 0), (ssize_t)sizeof(noise));
    close(fd);
    expect_observer(SAFETY_FILE_CORRUPT);
}
END_TEST

START_TEST(a_file_that_holds_no_record_observes)
{
    ck_assert_int_eq(unlink(safety_path), 0);
    ck_assert_int_eq(slot_file_create(safety_path, 1, span_of("apm2", 4)), APM_OK);
    expect_observer(SAFETY_FILE_CORRUPT);
}
END_TEST

START_TEST(files_of_others_are_refused)
{
    const char *path = _i == 0 ? safety_path : key_path;
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_int_eq(signer_start(&config, &signer, &hello, &why), APM_ERR_KEY_FILE);
    ck_assert_ptr_null(signer);
    ck_assert_ptr_nonnull(strstr(why.text, path));
}
END_TEST

START_TEST(one_signer_a_file)
{
    struct signer *second = NULL;
    struct signer_hello other;
    start();
    ck_assert_int_eq(signer_start(&config, &second, &other, &why), APM_ERR_FENCED);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(why.text, safety_path));
}
END_TEST

/* ---- the two processes ---- */

START_TEST(the_node_learns_of_its_death)
{
    start();
    ck_assert_int_eq(kill(signer_pid(signer), SIGKILL), 0);
    struct sign_result result;
    ck_assert_int_eq(await(&result), SIGNER_GONE);
    ck_assert_int_eq(request(NULL, 0), APM_ERR_FAILED);
}
END_TEST

START_TEST(it_dies_with_the_node)
{
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t node = fork();
    if (node == 0) {
        start();
        int child = signer_pid(signer);
        ssize_t written = write(ends[1], &child, sizeof(child));
        _exit(written == sizeof(child) ? 0 : 1);
    }
    int child;
    ck_assert_int_eq(read(ends[0], &child, sizeof(child)), sizeof(child));
    ck_assert_int_eq(waitpid(node, NULL, 0), node);
    ck_assert_int_eq(waitpid(child, NULL, 0), child); /* ours now; hangs if it lives on */
}
END_TEST

START_TEST(requests_queue_and_stay_in_order)
{
    start();
    ck_assert_int_eq(kill(signer_pid(signer), SIGSTOP), 0);
    uint64_t n = 0;
    struct intent intent;
    do {
        intent = vote(++n, 'A');
        hello.record.counter = n;
    } while (request(&intent, 1) == APM_OK);
    ck_assert_uint_gt(n, SIGNER_QUEUE_MAX);
    ck_assert(signer_has_queued(signer));
    ck_assert_int_eq(kill(signer_pid(signer), SIGCONT), 0);

    struct sign_result result;
    for (uint64_t i = 1; i < n; i++) {
        ck_assert_int_eq(signer_flush(signer), APM_OK);
        ck_assert_int_eq(await(&result), SIGNER_SIGNED);
        ck_assert_uint_eq(result.token, i + 1);
        intent = vote(i, 'A');
        ck_assert(is_signed(&intent, &result.sigs[0]));
    }
    ck_assert(!signer_has_queued(signer));
    ck_assert_int_eq(signer_receive(signer, &result), SIGNER_NOTHING);
}
END_TEST

static int count_fds(int pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -1;
    int n = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

START_TEST(it_keeps_only_what_it_needs)
{
    int spare[8];
    for (int i = 0; i < 8; i++)
        spare[i] = open("/dev/null", O_RDONLY);
    start();
    char path[64], text[4096] = {0};
    snprintf(path, sizeof(path), "/proc/%d/status", signer_pid(signer));
    int fd = open(path, O_RDONLY);
    ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
    close(fd);
    ck_assert_ptr_nonnull(strstr(text, "NoNewPrivs:\t1"));

    struct rlimit core;
    ck_assert_int_eq(prlimit(signer_pid(signer), RLIMIT_CORE, NULL, &core), 0);
    ck_assert_uint_eq(core.rlim_max, 0);
    if (geteuid() == 0) { /* it is not dumpable: nobody else may look */
        ck_assert_int_le(count_fds(signer_pid(signer)), 5); /* 0..2, socket, file */
    } else {
        ck_assert_int_eq(count_fds(signer_pid(signer)), -1);
    }
    for (int i = 0; i < 8; i++)
        close(spare[i]);
}
END_TEST

UNIT_MAIN("safety_file", fixture, {
    tcase_add_checked_fixture(tc, NULL, cleanup);
    tcase_add_test(tc, signs_what_is_durable);
    tcase_add_test(tc, no_second_vote_across_restarts);
    tcase_add_test(tc, a_lost_answer_is_given_again);
    tcase_add_test(tc, killed_at_any_moment);
    tcase_add_test(tc, a_repair_writes_the_node_s_record);
    tcase_add_test(tc, a_gap_of_the_counter_is_refused);
    tcase_add_test(tc, a_write_that_fails_signs_nothing);
    tcase_add_test(tc, no_file_observes);
    tcase_add_test(tc, a_corrupt_file_observes);
    tcase_add_test(tc, a_file_that_holds_no_record_observes);
    tcase_add_loop_test(tc, files_of_others_are_refused, 0, 2);
    tcase_add_test(tc, one_signer_a_file);
    tcase_add_test(tc, the_node_learns_of_its_death);
    tcase_add_test(tc, it_dies_with_the_node);
    tcase_add_test(tc, requests_queue_and_stay_in_order);
    tcase_add_test(tc, it_keeps_only_what_it_needs);
})
