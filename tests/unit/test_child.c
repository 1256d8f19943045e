/* The watcher's children: back-off, crash loop, fence, grace. Real processes, our clock. */
#include "tests/support/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "services/apm2d/child.h"

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
        .grace_ms = 1000,
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

START_TEST(a_crash_is_answered_with_growing_pauses_then_given_up)
{
    uint64_t now_ms = 1000, pause_ms = 0;
    child_start(&child, now_ms);
    for (int life = 1; life < 5; life++) {
        ck_assert_int_eq(child.state, CHILD_UP);
        let_it_end(now_ms + 1);
        ck_assert_int_eq(child.state, CHILD_WAITING);
        uint64_t next_ms = child_deadline_ms(&child) - (now_ms + 1);
        ck_assert_uint_ge(next_ms, 500u << (life - 1));
        ck_assert_uint_gt(next_ms, pause_ms);
        pause_ms = next_ms;
        child_turn(&child, child_deadline_ms(&child) - 1);
        ck_assert_int_eq(child.state, CHILD_WAITING);
        now_ms = child_deadline_ms(&child);
        child_turn(&child, now_ms);
    }
    let_it_end(now_ms + 1);
    ck_assert_int_eq(child.state, CHILD_FAILED);
    ck_assert_uint_eq(child_deadline_ms(&child), CLOCK_NEVER);
    ck_assert(child_is_down(&child));
}
END_TEST

START_TEST(a_long_life_forgives_earlier_short_ones)
{
    uint64_t now_ms = 1000;
    child_start(&child, now_ms);
    for (int life = 0; life < 20; life++) {
        let_it_end(now_ms + 60000);
        ck_assert_int_eq(child.state, CHILD_WAITING);
        ck_assert_uint_le(child_deadline_ms(&child), now_ms + 60000 + 600);
        now_ms = child_deadline_ms(&child);
        child_turn(&child, now_ms);
    }
    let_it_end(now_ms);
    ck_assert_uint_eq(child.n_restarts, 21);
}
END_TEST

START_TEST(a_fenced_child_is_left_alone)
{
    char how[64];
    a_shell_child("exit 75");
    child_start(&child, 1000);
    let_it_end(1001);
    ck_assert_int_eq(child.state, CHILD_FENCED);
    child_last_exit(&child, how, sizeof(how));
    ck_assert_str_eq(how, "exit 75");
}
END_TEST

START_TEST(a_one_shot_is_done_once)
{
    a_shell_child("exit 0");
    child.is_one_shot = true;
    child_start(&child, 1000);
    let_it_end(1001);
    ck_assert_int_eq(child.state, CHILD_DONE);
    ck_assert_uint_eq(child.n_restarts, 0);
}
END_TEST

START_TEST(a_stopped_child_stays_down)
{
    a_shell_child("exec sleep 100");
    child_start(&child, 1000);
    child_stop(&child, 1000);
    ck_assert_int_eq(child.state, CHILD_STOPPING);
    ck_assert(!child_is_down(&child));
    let_it_end(1001);
    ck_assert_int_eq(child.state, CHILD_STOPPED);
    ck_assert_uint_eq(child.n_restarts, 0);
}
END_TEST

START_TEST(a_child_that_does_not_stop_is_killed)
{
    char how[64];
    a_shell_child("trap '' TERM; while :; do sleep 0.05; done");
    child_start(&child, 1000);
    (void)usleep(200000); /* until the trap is set */
    child_stop(&child, 1000);
    child_turn(&child, 1999);
    ck_assert_int_eq(waitpid(child.pid, NULL, WNOHANG), 0);
    child_turn(&child, 2000);
    let_it_end(2001);
    child_last_exit(&child, how, sizeof(how));
    ck_assert_str_eq(how, "killed by signal 9");
    ck_assert_int_eq(child.state, CHILD_STOPPED);
}
END_TEST

START_TEST(stopping_while_it_waits_cancels_the_restart)
{
    child_start(&child, 1000);
    let_it_end(1001);
    ck_assert_int_eq(child.state, CHILD_WAITING);
    child_stop(&child, 1002);
    ck_assert_int_eq(child.state, CHILD_STOPPED);
    child_turn(&child, 100000);
    ck_assert_int_eq(child.state, CHILD_STOPPED);
}
END_TEST

UNIT_MAIN("child", setup, NULL, {
    tcase_add_test(tc, a_crash_is_answered_with_growing_pauses_then_given_up);
    tcase_add_test(tc, a_long_life_forgives_earlier_short_ones);
    tcase_add_test(tc, a_fenced_child_is_left_alone);
    tcase_add_test(tc, a_one_shot_is_done_once);
    tcase_add_test(tc, a_stopped_child_stays_down);
    tcase_add_test(tc, a_child_that_does_not_stop_is_killed);
    tcase_add_test(tc, stopping_while_it_waits_cancels_the_restart);
})
