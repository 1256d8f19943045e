/*
 * The signer child on real files: what it refuses, what survives its death, and that
 * nothing is signed that is not durable.
 */
#include "tests/support/unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/support/signer_rig.h"

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

UNIT_MAIN("safety_file", signer_fixture, signer_cleanup, {
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
})
