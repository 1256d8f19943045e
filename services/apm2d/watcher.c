#include "services/apm2d/watcher.h"

#include <signal.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/lock.h"
#include "common/log.h"
#include "services/apm2d/control.h"
#include "services/apm2d/notify.h"

#define TICK_MS 1000u
#define LIST_BYTES_MAX 1024u

struct watcher {
    struct loop *loop;
    struct roster *roster;
    struct control control;
    struct notify notify;
    uint64_t next_tick_ms;
    bool has_said_ready;
    bool is_signalled;
};

static void end(struct watcher *watcher)
{
    if (watcher->is_signalled) {
        /* The children's own signal for our death reaches them now. */
        LOG_WARN("stopped_at_once", F_STR("reason", "a second signal"));
        _exit(apm_err_exit(APM_ERR_FAILED));
    }
    watcher->is_signalled = true;
    watcher->control.is_ending = true;
    watcher->next_tick_ms = 0; /* say so at once */
    for (uint32_t i = 0; i < roster_n(watcher->roster); i++)
        roster_want(roster_node(watcher->roster, i), WANT_DOWN);
}

static void on_signal(void *arg, int number)
{
    struct watcher *watcher = arg;
    if (number == SIGCHLD) {
        roster_reap(watcher->roster, clock_mono_ms());
    } else if (number == SIGHUP) {
        LOG_INFO("reload_handed_on");
        roster_reload(watcher->roster);
    } else {
        end(watcher);
    }
}

static void on_words(void *arg, pid_t pid, const char *words)
{
    struct watcher *watcher = arg;
    roster_heard(watcher->roster, pid, words, clock_mono_ms());
}

/* ---- what we say of ourselves ---- */

static void say_status(const struct watcher *watcher, const struct roster_sight *sight)
{
    bool is_ending = watcher->control.is_ending;
    struct buf amiss;
    buf_init(&amiss, LIST_BYTES_MAX);
    roster_list_amiss(watcher->roster, is_ending, &amiss);
    if (is_ending) {
        LOG_INFO("draining", F_STR("left", buf_str(&amiss)));
        (void)sd_notifyf(0, "STOPPING=1\nSTATUS=stopping; left: %s", buf_str(&amiss));
    } else {
        (void)sd_notifyf(0, "STATUS=%u/%u up%s%s%s%s", sight->n_up, sight->n_services,
                         amiss.size > 0 ? "; degraded: " : "", buf_str(&amiss),
                         sight->status[0] != 0 ? "; " : "", sight->status);
    }
    buf_release(&amiss);
}

static void say(struct watcher *watcher, uint64_t now_ms)
{
    struct roster_sight sight = roster_look(watcher->roster, now_ms);
    say_status(watcher, &sight);
    if (!watcher->has_said_ready && !watcher->control.is_ending && sight.is_settled) {
        watcher->has_said_ready = true;
        LOG_INFO("all_settled", F_U64("up", sight.n_up), F_U64("services", sight.n_services));
        (void)sd_notify(0, "READY=1");
    }
    /* What cannot even be killed is beyond us: let ours restart the lot. */
    if (!sight.is_overdue)
        (void)sd_notify(0, "WATCHDOG=1");
}

/* ---- turns ---- */

static void turn(void *arg, uint64_t now_ms)
{
    struct watcher *watcher = arg;
    /* Signals coalesce: look for ended children whatever woke us. */
    roster_reap(watcher->roster, now_ms);
    roster_turn(watcher->roster, now_ms);
    if (watcher->control.is_ending && roster_is_down(watcher->roster)) {
        loop_stop(watcher->loop);
    } else if (now_ms >= watcher->next_tick_ms) {
        watcher->next_tick_ms = now_ms + TICK_MS;
        say(watcher, now_ms);
        log_flush();
    }
}

static uint64_t deadline_ms(void *arg)
{
    const struct watcher *watcher = arg;
    uint64_t first_ms = roster_deadline_ms(watcher->roster);
    return first_ms < watcher->next_tick_ms ? first_ms : watcher->next_tick_ms;
}

static enum apm_err listen_at(struct watcher *watcher, const char *dir, const char *notify_path,
                              struct why *ret_why)
{
    watcher->notify = (struct notify){.heard = on_words, .arg = watcher, .fd = -1};
    enum apm_err err =
        control_start(&watcher->control, watcher->loop, watcher->roster, dir, ret_why);
    if (err != APM_OK)
        return err;
    err = notify_start(&watcher->notify, watcher->loop, notify_path, ret_why);
    if (err != APM_OK)
        control_stop(&watcher->control);
    return err;
}

static enum apm_err serve(struct watcher *watcher, const char *dir, const char *notify_path,
                          struct why *ret_why)
{
    loop_block_signals();
    watcher->loop = loop_new();
    loop_on_signal(watcher->loop, on_signal, watcher);
    enum apm_err err = listen_at(watcher, dir, notify_path, ret_why);
    if (err == APM_OK) {
        loop_add_hook(watcher->loop, (struct loop_hook){turn, deadline_ms, watcher});
        LOG_INFO("watching", F_STR("dir", dir), F_U64("nodes", roster_n(watcher->roster)));
        turn(watcher, clock_mono_ms());
        loop_run(watcher->loop);
        LOG_INFO("ended");
        loop_remove_hook(watcher->loop, watcher);
        notify_stop(&watcher->notify);
        control_stop(&watcher->control);
    }
    loop_destroy(&watcher->loop);
    return err;
}

int watcher_run(const char *dir, struct roster_source *source)
{
    struct watcher watcher = {0};
    struct lock lock;
    struct why why = {""};
    char lock_path[1024], notify_path[1024];
    pid_t holder = 0;

    (void)snprintf(lock_path, sizeof(lock_path), "%s/apm2d.lock", dir);
    (void)snprintf(notify_path, sizeof(notify_path), "%s/apm2d.notify", dir);
    source->notify_path = notify_path;
    enum apm_err err = lock_take(lock_path, &lock, &holder);
    if (err != APM_OK) {
        LOG_ERROR("cannot_lock", F_STR("path", lock_path), F_ERR(err), F_I64("holder", holder),
                  F_STR("hint", "one apm2d for each node: stop that one first"));
        return apm_err_exit(err);
    }
    err = roster_read(source, &watcher.roster, &why);
    if (err == APM_OK)
        err = serve(&watcher, dir, notify_path, &why);
    if (err != APM_OK)
        LOG_ERROR("cannot_watch", F_STR("dir", dir), F_STR("why", why.text));
    roster_destroy(&watcher.roster);
    lock_release(&lock);
    return apm_err_exit(err);
}
