#include "services/apm2d/watcher.h"

#include <signal.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/lock.h"
#include "common/log.h"
#include "services/apm2d/control.h"

struct watcher {
    struct loop *loop;
    struct roster *roster;
    struct control control;
};

static void on_signal(void *arg, int number)
{
    struct watcher *watcher = arg;
    if (number == SIGCHLD) {
        roster_reap(watcher->roster, clock_mono_ms());
        return;
    }
    if (number == SIGHUP)
        return;
    watcher->control.is_ending = true;
    for (uint32_t i = 0; i < roster_n(watcher->roster); i++)
        roster_want(roster_node(watcher->roster, i), WANT_DOWN);
}

static void turn(void *arg, uint64_t now_ms)
{
    struct watcher *watcher = arg;
    /* Signals coalesce: look for ended children whatever woke us. */
    roster_reap(watcher->roster, now_ms);
    roster_turn(watcher->roster, now_ms);
    if (watcher->control.is_ending && roster_is_down(watcher->roster))
        loop_stop(watcher->loop);
}

static uint64_t deadline_ms(void *arg)
{
    const struct watcher *watcher = arg;
    return roster_deadline_ms(watcher->roster);
}

static enum apm_err serve(struct watcher *watcher, const char *dir, struct why *ret_why)
{
    loop_block_signals();
    watcher->loop = loop_new();
    loop_on_signal(watcher->loop, on_signal, watcher);
    enum apm_err err =
        control_start(&watcher->control, watcher->loop, watcher->roster, dir, ret_why);
    if (err == APM_OK) {
        loop_add_hook(watcher->loop, (struct loop_hook){turn, deadline_ms, watcher});
        turn(watcher, clock_mono_ms());
        LOG_INFO("watching", F_STR("dir", dir), F_U64("nodes", roster_n(watcher->roster)));
        loop_run(watcher->loop);
        LOG_INFO("ended");
        loop_remove_hook(watcher->loop, watcher);
        control_stop(&watcher->control);
    }
    loop_destroy(&watcher->loop);
    return err;
}

int watcher_run(const char *dir, const struct roster_programs *programs)
{
    struct watcher watcher = {0};
    struct lock lock;
    struct why why = {""};
    char path[1024];
    pid_t holder = 0;

    log_init("apm2d", "");
    (void)snprintf(path, sizeof(path), "%s/apm2d.lock", dir);
    enum apm_err err = lock_take(path, &lock, &holder);
    if (err != APM_OK) {
        LOG_ERROR("cannot_lock", F_STR("path", path), F_ERR(err), F_I64("holder", holder));
        return apm_err_exit(err);
    }
    err = roster_read(dir, programs, &watcher.roster, &why);
    if (err == APM_OK)
        err = serve(&watcher, dir, &why);
    if (err != APM_OK)
        LOG_ERROR("cannot_watch", F_STR("dir", dir), F_STR("why", why.text));
    roster_destroy(&watcher.roster);
    lock_release(&lock);
    return apm_err_exit(err);
}
