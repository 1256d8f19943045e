/*
 * Node and signer child as two processes: each dies with the other, requests keep
 * their order, and the child holds nothing it does not need.
 */
#include "tests/support/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/support/signer_rig.h"

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
    ck_assert_int_eq(await(&result), SIGNER_SIGNED);
    ck_assert_uint_eq(result.token, 2);
    hello.record.counter = n;
    ck_assert_int_eq(request(&intent, 1), APM_ERR_BUSY); /* the socket has room: not its turn */
    for (uint64_t i = 2; i < n; i++) {
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
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
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
    (void)snprintf(path, sizeof(path), "/proc/%d/status", signer_pid(signer));
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

UNIT_MAIN("signer", signer_fixture, signer_cleanup, {
    tcase_add_test(tc, the_node_learns_of_its_death);
    tcase_add_test(tc, it_dies_with_the_node);
    tcase_add_test(tc, requests_queue_and_stay_in_order);
    tcase_add_test(tc, it_keeps_only_what_it_needs);
})
