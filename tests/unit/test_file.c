#include "common/file.h"
#include "common/lock.h"
#include "common/mem.h"
#include "tests/support/unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static char *path;

static void scratch(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test_file.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    path = mem_printf("%s/thing", dir);
}

static void sweep(void)
{
    unlink(path);
    ck_assert_msg(rmdir(dir) == 0, "something was left in %s", dir);
}

static struct span text_span(const char *text)
{
    return span_of(text, strlen(text));
}

START_TEST(what_was_written_is_read)
{
    umask(0);
    ck_assert_int_eq(file_replace(path, text_span("one")), APM_OK);
    ck_assert_int_eq(file_replace(path, text_span("second")), APM_OK);
    struct buf content;
    ck_assert_int_eq(file_read(path, 6, &content), APM_OK);
    ck_assert_str_eq(buf_str(&content), "second");
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    buf_release(&content);
    sweep();
}
END_TEST

START_TEST(a_byte_over_the_limit_is_too_large)
{
    ck_assert_int_eq(file_replace(path, text_span("seven77")), APM_OK);
    struct buf content;
    ck_assert_int_eq(file_read(path, 6, &content), APM_ERR_TOO_LARGE);
    ck_assert_int_eq(file_read("/dev/zero", 100000, &content), APM_ERR_TOO_LARGE);
    sweep();
}
END_TEST

START_TEST(failures_are_named)
{
    struct buf content;
    ck_assert_int_eq(file_read(path, 6, &content), APM_ERR_NOT_FOUND);
    ck_assert_int_eq(file_read(dir, 6, &content), APM_ERR_IO);
    char *nowhere = mem_printf("%s/no/thing", dir);
    ck_assert_int_eq(file_replace(nowhere, text_span("x")), APM_ERR_NOT_FOUND);
    free(nowhere);
    sweep();
}
END_TEST

START_TEST(create_never_replaces)
{
    ck_assert_int_eq(file_create(path, text_span("first")), APM_OK);
    ck_assert_int_eq(file_create(path, text_span("other")), APM_ERR_BAD_INPUT);
    struct buf content;
    ck_assert_int_eq(file_read(path, 100, &content), APM_OK);
    ck_assert_str_eq(buf_str(&content), "first");
    buf_release(&content);
    sweep();
}
END_TEST

START_TEST(a_full_disk_keeps_the_old_content)
{
    /* A limit on file size stands in for the disk: write(2) fails half way. */
    ck_assert_int_eq(file_replace(path, text_span("old")), APM_OK);
    static char big[100000];
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {65536, 65536};
        bool is_kept = setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                       file_replace(path, span_of(big, sizeof(big))) == APM_ERR_TOO_LARGE;
        _exit(is_kept ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    struct buf content;
    ck_assert_int_eq(file_read(path, 100, &content), APM_OK);
    ck_assert_str_eq(buf_str(&content), "old");
    buf_release(&content);
    sweep(); /* and no .tmp is left */
}
END_TEST

START_TEST(makes_what_is_missing)
{
    char *deep = mem_printf("%s/a/b", dir);
    ck_assert_int_eq(file_make_dirs(deep), APM_OK);
    ck_assert_int_eq(file_make_dirs(deep), APM_OK);
    ck_assert_int_eq(rmdir(deep), 0);
    ck_assert_int_eq(file_replace(deep, text_span("a file")), APM_OK);
    ck_assert_int_eq(file_make_dirs(deep), APM_ERR_IO);
    unlink(deep);
    *strrchr(deep, '/') = 0;
    rmdir(deep);
    free(deep);
    sweep();
}
END_TEST

START_TEST(one_holds_the_lock)
{
    struct lock lock = {-1};
    struct lock second = {-1};
    pid_t holder = 0;
    ck_assert_int_eq(lock_take(path, &lock, NULL), APM_OK);
    ck_assert_int_eq(lock_take(path, &second, &holder), APM_ERR_FENCED);
    ck_assert_int_eq(holder, getpid());
    ck_assert_int_eq(second.fd, -1);
    lock_release(&lock);
    ck_assert_int_eq(lock_take(path, &second, &holder), APM_OK);
    lock_release(&second);
    sweep();
}
END_TEST

START_TEST(a_child_that_let_go_does_not_hold_it)
{
    struct lock lock = {-1};
    ck_assert_int_eq(lock_take(path, &lock, NULL), APM_OK);
    int alive[2];
    ck_assert_int_eq(pipe(alive), 0);
    pid_t child = fork();
    if (child == 0) {
        lock_release(&lock);
        close(alive[1]);
        char byte;
        _exit((int)read(alive[0], &byte, 1)); /* until the parent is done */
    }
    /* The parent holds it still, though the child closed its copy. */
    struct lock other = {-1};
    usleep(50000);
    ck_assert_int_eq(lock_take(path, &other, NULL), APM_ERR_FENCED);
    lock_release(&lock);
    ck_assert_int_eq(lock_take(path, &other, NULL), APM_OK);
    lock_release(&other);
    close(alive[1]);
    waitpid(child, NULL, 0);
    sweep();
}
END_TEST

UNIT_MAIN("file", scratch, NULL, {
    tcase_add_test(tc, what_was_written_is_read);
    tcase_add_test(tc, a_byte_over_the_limit_is_too_large);
    tcase_add_test(tc, failures_are_named);
    tcase_add_test(tc, create_never_replaces);
    tcase_add_test(tc, a_full_disk_keeps_the_old_content);
    tcase_add_test(tc, makes_what_is_missing);
    tcase_add_test(tc, one_holds_the_lock);
    tcase_add_test(tc, a_child_that_let_go_does_not_hold_it);
})
