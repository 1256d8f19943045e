/* apm2d's children: real processes and their signals, our clock. What is decided about
 * them, life.h's own test covers. */
#include "tests/support/unit.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/loop.h"
#include "services/apm2d/child.h"
#include "services/apm2d/notify.h"

static struct child child;

static void a_shell_child(const char *script)
{
    child = (struct child){
        .node = "n1",
        .service = "test",
        .argv = {"/bin/sh", "-c", script},
        .log_path = "/dev/null",
        .stop_signal = SIGTERM,
        .kill_signal = SIGKILL,
        .orphan_signal = SIGKILL,
        .life.rules = {.grace_ms = 1000, .may_be_fenced = true},
    };
}

static void setup(void)
{
    log_set_fd(-1);
    a_shell_child("exit 3");
}

/* Waits for its end and reports it as of now_ms. */
static void let_it_end(uint64_t now_ms)
{
    int status = 0;
    pid_t pid = child.pid;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(!child_exited(&child, pid + 1, status, now_ms));
    ck_assert(child_exited(&child, pid, status, now_ms));
}

static void assert_last_exit(const char *want)
{
    char how[64];
    child_last_exit(&child, how, sizeof(how));
    ck_assert_str_eq(how, want);
}

START_TEST(a_crash_is_answered_with_a_new_process)
{
    assert_last_exit("");
    child_start(&child, 1000);
    pid_t first = child.pid;
    let_it_end(1001);
    ck_assert_int_eq(child.life.state, LIFE_WAITING);
    assert_last_exit("exit 3");
    child_turn(&child, child_deadline_ms(&child));
    ck_assert_int_eq(child.life.state, LIFE_UP);
    ck_assert_int_ne(child.pid, first);
    let_it_end(3000);
}
END_TEST

START_TEST(a_fenced_child_is_left_alone)
{
    a_shell_child("exit 75");
    child_start(&child, 1000);
    let_it_end(1001);
    ck_assert_int_eq(child.life.state, LIFE_FENCED);
    ck_assert_uint_eq(child_deadline_ms(&child), CLOCK_NEVER);
    assert_last_exit("exit 75");
}
END_TEST

START_TEST(a_stopped_child_stays_down)
{
    a_shell_child("exec sleep 100");
    child_start(&child, 1000);
    child_stop(&child, 1000);
    let_it_end(1001);
    ck_assert_int_eq(child.life.state, LIFE_STOPPED);
    ck_assert_uint_eq(child.life.n_crashes, 0);
}
END_TEST

START_TEST(a_child_that_does_not_stop_is_killed)
{
    a_shell_child("trap '' TERM; while :; do sleep 0.05; done");
    child_start(&child, 1000);
    (void)usleep(200000); /* until the trap is set */
    child_stop(&child, 1000);
    child_turn(&child, 1999);
    ck_assert_int_eq(waitpid(child.pid, NULL, WNOHANG), 0);
    child_turn(&child, 2000);
    let_it_end(2001);
    assert_last_exit("killed by signal 9");
    ck_assert_int_eq(child.life.state, LIFE_STOPPED);
}
END_TEST

START_TEST(a_restart_gives_another_process)
{
    a_shell_child("exec sleep 100");
    child_start(&child, 1000);
    pid_t first = child.pid;
    child_restart(&child, 1000);
    let_it_end(1001);
    ck_assert_int_eq(child.life.state, LIFE_UP);
    ck_assert_int_ne(child.pid, first);
    child_stop(&child, 1002);
    let_it_end(1003);
}
END_TEST

/* SIGTERM does nothing to a stopped process: only SIGKILL helps. */
START_TEST(a_stopped_process_is_killed_for_its_silence)
{
    a_shell_child("exec sleep 100");
    child.life.rules.silence_ms = 15000;
    child.life.rules.start_ms = 60000;
    child_start(&child, 1000);
    child_said(&child, "READY=1\nSTATUS=all is well\nWATCHDOG=1\n", 2000);
    ck_assert_int_eq(child.life.state, LIFE_UP);
    ck_assert_str_eq(child.status, "all is well");
    child_said(&child, "STATUS=h\xc3\xb6he 8\t1", 2000);
    ck_assert_str_eq(child.status, "h??he 8?1");
    ck_assert_int_eq(kill(child.pid, SIGSTOP), 0);
    child_said(&child, "STATUS=words alone are no sign of life", 9000);
    child_turn(&child, 16999);
    ck_assert_int_eq(waitpid(child.pid, NULL, WNOHANG), 0);
    child_turn(&child, 17000);
    let_it_end(17001);
    assert_last_exit("silent, killed");
    ck_assert_int_eq(child.life.state, LIFE_WAITING);
    ck_assert_str_eq(child.status, "");
}
END_TEST

/* ---- over the real socket ---- */

struct ear {
    pid_t pid;
    char words[256];
};

static void on_words(void *arg, pid_t pid, const char *words)
{
    struct ear *ear = arg;
    ear->pid = pid;
    (void)snprintf(ear->words, sizeof(ear->words), "%s", words);
}

START_TEST(a_child_speaks_for_itself_only)
{
    struct ear ear = {0};
    struct notify notify = {.heard = on_words, .arg = &ear};
    struct why why = {""};
    char dir[] = "/tmp/test-child-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/notify", dir);
    loop_block_signals();
    struct loop *loop = loop_new();
    ck_assert_msg(notify_start(&notify, loop, path, &why) == APM_OK, "%s", why.text);

    /* The shell sends for itself: `exec` keeps its process. */
    a_shell_child("exec python3 -c 'import os, socket\n"
                  "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                  "s.sendto(b\"READY=1\", os.environ[\"NOTIFY_SOCKET\"])'");
    child.notify_path = path;
    child_start(&child, 1000);
    pid_t pid = child.pid;
    for (int i = 0; i < 100 && ear.pid == 0; i++)
        loop_turn(loop, 100);
    ck_assert_int_eq(ear.pid, pid);
    ck_assert_str_eq(ear.words, "READY=1");
    let_it_end(1001);

    notify_stop(&notify);
    loop_destroy(&loop);
    ck_assert_int_eq(access(path, F_OK), -1);
    (void)rmdir(dir);
}
END_TEST

UNIT_MAIN("child", setup, NULL, {
    tcase_add_test(tc, a_crash_is_answered_with_a_new_process);
    tcase_add_test(tc, a_fenced_child_is_left_alone);
    tcase_add_test(tc, a_stopped_child_stays_down);
    tcase_add_test(tc, a_child_that_does_not_stop_is_killed);
    tcase_add_test(tc, a_restart_gives_another_process);
    tcase_add_test(tc, a_stopped_process_is_killed_for_its_silence);
    tcase_add_test(tc, a_child_speaks_for_itself_only);
})
